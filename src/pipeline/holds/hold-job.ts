import { z } from 'zod';
import { printable } from '../../domain/events/parse-event.ts';
import { captureMaxOf, HOLD_SECONDS_DEFAULT, HOLD_SECONDS_MAX, isCaptureMax } from '../../domain/ledger/hold.ts';
import { parseMoney } from '../../domain/money/nanos.ts';
import { ERROR_CATALOGUE } from '../../errors.ts';
import { type HoldAnswer, holdAnswerSchema } from './hold-answer.ts';
import type { HoldAsk } from './hold-request.ts';

const NAME_CHARACTERS_MAX = 200;
// Control characters and text direction overrides, and halves of surrogate pairs, which PostgreSQL refuses.
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the purpose.
const TEXT = /^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+$/u;

const name = (what: string) => z.string().min(1).max(NAME_CHARACTERS_MAX).regex(TEXT).describe(what);
const amount = (what: string) =>
  z
    .string()
    .regex(/^\d{1,9}(\.\d{1,9})?( [A-Z]{3})?$/)
    .describe(`${what} A decimal string in major units, such as "0.25" or "0.25 USD".`);
const seconds = (what: string) => z.int().min(1).max(HOLD_SECONDS_MAX).describe(what);
const common = {
  v: z.literal(1).describe('Version of this format.'),
  hold: name('Your id of the hold, unique for ever. A request id serves well.'),
  account: name('The account whose wallet it is on.'),
  key: name('Idempotency key within the hold. Without one, the operation is the key.').optional(),
};

/** Data of a job on the `holds` queue. */
export const holdJobSchema = z
  .discriminatedUnion('do', [
    z.strictObject({
      ...common,
      do: z.literal('place').describe('Reserve money.'),
      amount: amount('What the call should cost at most.'),
      captureMax: amount('What may be captured at most, up to twice the amount. Default: a tenth more.').optional(),
      seconds: seconds(`How long it lasts. Default: ${HOLD_SECONDS_DEFAULT}.`).optional(),
    }),
    z.strictObject({
      ...common,
      do: z.literal('extend').describe('Keep it longer, reserve more, or both.'),
      amount: amount('The new amount in all; not less than before.').optional(),
      seconds: seconds('How long it lasts from now; it never ends earlier than before.').optional(),
    }),
    z.strictObject({
      ...common,
      do: z.literal('capture').describe('Charge what the call cost and free the rest.'),
      amount: amount('What it cost, up to captureMax.'),
    }),
    z.strictObject({ ...common, do: z.literal('release').describe('Free it without charging anything.') }),
  ])
  .meta({ title: 'Hold job' });

/** What a hold job returns. */
export const holdResultSchema = z.union(
  holdAnswerSchema.options.map((option) => option.extend({ v: z.literal(1) })) as never,
);

/** A job that was read. */
export interface HoldJob {
  readonly ok: true;
  readonly holdId: string;
  readonly account: string;
  readonly key: string | undefined;
  readonly ask: HoldAsk;
}

type Refused = Extract<HoldAnswer, { ok: false }>;

/** Reads a job's data; a refusal names the field, the value and the fix. */
export function parseHoldJob(data: unknown, currency: string): HoldJob | Refused {
  const parsed = holdJobSchema.safeParse(data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue?.path ?? [];
    return refused(path.length === 0 ? '(job)' : path.join('.'), valueAt(data, path), issue?.message);
  }
  const job = parsed.data;
  const { hold: holdId, account, key } = job;
  const amounts = readAmounts(job, currency);
  if (!amounts.ok) return amounts;
  return { ok: true, holdId, account, key, ask: askOf(job, amounts) };
}

interface Amounts {
  readonly ok: true;
  readonly amount: bigint | undefined;
  readonly captureMax: bigint | undefined;
}

function readAmounts(job: z.infer<typeof holdJobSchema>, currency: string): Amounts | Refused {
  const found: { amount?: bigint; captureMax?: bigint } = {};
  for (const field of ['amount', 'captureMax'] as const) {
    const text = field in job ? (job as Partial<Record<typeof field, string>>)[field] : undefined;
    if (text === undefined) continue;
    const money = parseMoney(text);
    if (money === undefined || money.nanos <= 0n) {
      const fix = job.do === 'capture' ? 'release the hold when nothing is to be charged' : 'it must be more than zero';
      return refused(field, text, fix);
    }
    if ((money.currency ?? currency) !== currency) return refused(field, text, `these books are kept in ${currency}`);
    found[field] = money.nanos;
  }
  const { amount: of, captureMax } = found;
  if (of !== undefined && captureMax !== undefined && !isCaptureMax(of, captureMax)) {
    return refused(
      'captureMax',
      job.do === 'place' ? job.captureMax : undefined,
      'from the amount to twice the amount',
    );
  }
  if (job.do === 'extend' && of === undefined && job.seconds === undefined) {
    return refused('seconds', undefined, 'give seconds, amount, or both');
  }
  return { ok: true, amount: of, captureMax };
}

function askOf(job: z.infer<typeof holdJobSchema>, { amount: of = 0n, captureMax }: Amounts): HoldAsk {
  switch (job.do) {
    case 'place':
      return {
        do: 'place',
        amount: of,
        captureMax: captureMax ?? captureMaxOf(of),
        seconds: job.seconds ?? HOLD_SECONDS_DEFAULT,
      };
    case 'extend':
      return { do: 'extend', amount: of === 0n ? undefined : of, seconds: job.seconds };
    case 'capture':
      return { do: 'capture', amount: of };
    case 'release':
      return { do: 'release' };
  }
}

function refused(field: string, value: unknown, why = 'not understood'): Refused {
  const { fix } = ERROR_CATALOGUE.HOLD_INVALID;
  return { ok: false, code: 'HOLD_INVALID', message: `${field}: ${printable(value)} – ${why}.`, fix };
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const key of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return value;
}

/** docs/hold-job.schema.json: the job at the root, the result among its definitions. */
export function holdJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...job } = z.toJSONSchema(holdJobSchema, { target: 'draft-2020-12', io: 'input' });
  const { $schema: _, ...result } = z.toJSONSchema(holdResultSchema, { target: 'draft-2020-12', io: 'input' });
  return { $schema, ...job, $defs: { result } };
}
