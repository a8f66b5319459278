import { z } from 'zod';
import { isMailAddress } from '../domain/contacts/contact.ts';
import { Secret } from '../secret.ts';

/** One environment variable: how it is read, and what to say when it cannot be. */
export interface Variable<T> {
  readonly schema: z.ZodType<T, string | undefined>;
  /** The default as it would be written in a file; undefined when there is none. */
  readonly standard?: string;
  readonly secret?: true;
  readonly fix: string;
}

export function secretUrl(protocols: readonly string[], example: string) {
  const schema = z
    .string()
    .refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
      error: `is not a ${protocols[0]}// address`,
    })
    .transform((value) => new Secret(value))
    .optional();
  const fix = `Write it like ${example}, with special characters of the password percent-encoded; leave it empty for the embedded engine.`;
  return { schema, secret: true, fix } as const satisfies Variable<Secret | undefined>;
}

export function webhookSecrets() {
  const schema = z
    .string()
    .regex(/^whsec_[\w+/=-]{8,255}(?:\s*,\s*whsec_[\w+/=-]{8,255})*$/, 'is not a signing secret of a webhook endpoint')
    .transform((list) => list.split(',').map((value) => new Secret(value.trim())))
    .optional();
  const fix = 'Copy the signing secret (whsec_…) of the endpoint; two with a comma between them while one is rolled.';
  return { schema, secret: true, fix } as const satisfies Variable<readonly Secret[] | undefined>;
}

export function text(standard: string, fix: string) {
  return { schema: z.string(), standard, fix } as const satisfies Variable<string>;
}

export function optional<T>(schema: z.ZodType<T, string>, fix: string) {
  return { schema: schema.optional(), fix } as const satisfies Variable<T | undefined>;
}

export function integer(standard: string, min: number, max: number) {
  return {
    schema: integerBetween(min, max),
    standard,
    fix: `The default is ${standard}.`,
  } as const satisfies Variable<number>;
}

export function integerBetween(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, `is not a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: `is not from ${min} to ${max}` });
}

export function queueWord(standard: string) {
  const schema = z.string().regex(/^[\w{}.-]{1,64}$/, 'is not a queue name');
  const fix = `Use letters, digits, ".", "-", "_" and braces; BullMQ reserves ":". The default is ${standard}.`;
  return { schema, standard, fix } as const satisfies Variable<string>;
}

export function oneOf<const T extends readonly string[]>(values: T, standard: T[number]) {
  const schema = z.enum(values, { error: `is not one of ${values.join(', ')}` });
  return { schema, standard, fix: `The default is ${standard}.` } as const satisfies Variable<T[number]>;
}

export function mailAddress() {
  return z.string().refine(isMailAddress, { error: 'is not a mail address' });
}

export function commaList(list: string): readonly string[] {
  return list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
