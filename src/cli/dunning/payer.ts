import { z } from 'zod';
import { HOURS_OF_WEEK } from '../../domain/dunning/local-time.ts';
import { parseRfc3339 } from '../../domain/time.ts';

/** A payer whose top-up failed, as a policy may know them. How payments will end is not among it. */
export interface Payer {
  readonly payer: string;
  readonly timezone: string | null;
  /** Major units. */
  readonly amount: number;
  readonly currency: string;
  readonly declineCode: string | null;
  /** Events per hour of week. */
  readonly activity: readonly number[];
  readonly history: readonly PastPayment[];
}

/** A payment that ended. */
export interface PastPayment {
  readonly atMs: number;
  readonly succeeded: boolean;
  readonly declineCode: string | null;
}

/** A payer and, apart from them, what draws the outcomes: only the referee of a game holds both. */
export interface SecretPayer {
  readonly payer: Payer;
  /** Probability that a payment goes through, by hour of week. */
  readonly success: readonly number[];
}

const week = (item: z.ZodType<number>) =>
  z.array(item).length(HOURS_OF_WEEK, `needs ${HOURS_OF_WEEK} numbers, one per hour of the week`);
const moment = z.union([z.string(), z.number()]).transform((value, context) => {
  const ms = typeof value === 'number' ? value : parseRfc3339(value);
  if (ms !== undefined && Number.isFinite(ms) && Math.abs(ms) < 8.64e15) return ms;
  context.addIssue({
    code: 'custom',
    message: 'needs an RFC 3339 time such as 2026-03-01T12:00:00Z, or epoch milliseconds',
  });
  return z.NEVER;
});
const amount = z
  .union([z.number(), z.string().regex(/^\d{1,12}(\.\d{1,9})?$/)], 'needs a number or a decimal such as 50.00')
  .transform(Number)
  .refine((value) => value > 0 && value <= 1e12, 'must be more than zero');
const code = z.string().max(100).nullish();

/** One line of a payers file. */
export const payerLineSchema = z
  .object({
    payer: z.union([z.string().min(1).max(200), z.number().transform(String)]),
    timezone: z.string().max(100).nullish(),
    amount,
    currency: z.string().regex(/^[A-Za-z]{3}$/, 'needs a three-letter code such as USD'),
    declineCode: code,
    activity: week(z.number().min(0).max(1e12)),
    history: z
      .array(z.object({ at: moment, succeeded: z.boolean(), declineCode: code }))
      .max(100_000)
      .default([]),
    success: week(z.number().min(0).max(1)),
  })
  .transform(
    ({ success, timezone, currency, declineCode, history, ...line }): SecretPayer => ({
      payer: {
        ...line,
        timezone: timezone ?? null,
        currency: currency.toUpperCase(),
        declineCode: declineCode ?? null,
        history: history
          .map(({ at, succeeded, declineCode: then }) => ({ atMs: at, succeeded, declineCode: then ?? null }))
          .sort((a, b) => a.atMs - b.atMs),
      },
      success,
    }),
  );
