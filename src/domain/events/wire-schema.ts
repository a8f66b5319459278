import { z } from 'zod';
import { ID_BYTES_MAX, NAME_BYTES_MAX } from './parse-event.ts';
import { JOB_EVENTS_MAX } from './parse-job.ts';
import { QUARANTINE_REASONS, REJECTION_CODES } from './status-words.ts';
import type { QuarantineReason, RejectionCode } from './usage-event.ts';

/**
 * The published contract, as far as JSON Schema can say it. `parseUsageEvent` and `parseJob` are what runs, because
 * every event passes there; a property test holds the two equal up to the checks listed in SEMANTIC_CHECKS.
 */

// Control characters and text direction overrides.
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the purpose.
const TEXT = /^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+$/;
const DECIMAL = /^(\d+(\.\d+)?|-0+(\.0+)?)([eE][+-]?\d{1,4})?$/;
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

/** What the parser checks and JSON Schema cannot say. */
export const SEMANTIC_CHECKS: ReadonlySet<RejectionCode> = new Set([
  'EVENT_TEXT_TOO_LONG', // limits count bytes of UTF-8, JSON Schema counts characters
  'EVENT_TEXT_CONTROL', // lone surrogates
  'QUANTITY_TOO_LARGE', // digits before the point
  'QUANTITY_TOO_PRECISE', // digits after it
  'TIME_INVALID', // 30 February, 25:00
  'PROPERTIES_TOO_LARGE',
  'PROPERTIES_TOO_DEEP',
]);

const name = (what: string, bytesMax: number) =>
  z.string().min(1).max(bytesMax).regex(TEXT).describe(`${what} At most ${bytesMax} bytes of UTF-8.`);

/** One usage event. */
export const eventSchema = z
  .strictObject({
    id: name('Unique within the source for ever. The same id is charged once, however often it is sent.', ID_BYTES_MAX),
    source: name('Who reports, such as gateway.eu-west. Part of the identity.', NAME_BYTES_MAX),
    account: name('The account that used it.', NAME_BYTES_MAX),
    meter: name('What was used, as named in pricing.yaml.', NAME_BYTES_MAX),
    quantity: z
      .union([z.string().max(64).regex(DECIMAL), z.number().nonnegative()])
      .describe('How much, never negative. A decimal string is exact; a number is taken by its shortest decimal.'),
    occurredAt: z
      .union([z.string().regex(RFC3339), z.int().min(0).max(253_402_300_799_999)])
      .describe('When it happened, by the clock of the source: RFC 3339 with an offset, or epoch milliseconds.'),
    sequence: z.int().min(0).optional().describe('A counter per source. Gaps show events that never arrived.'),
    properties: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Anything else worth keeping, such as key or region. At most 16,384 bytes and 8 levels.'),
    tenant: z.literal('default').optional().describe('Leave it out.'),
  })
  .meta({ id: 'event', title: 'Usage event' });

/** Data of a job on the `usage` queue. */
export const jobSchema = z
  .union([
    eventSchema,
    z.strictObject({
      v: z.literal(1).describe('Version of this format.'),
      events: z.array(eventSchema).max(JOB_EVENTS_MAX).describe('One bad event does not affect the others.'),
    }),
  ])
  .describe(
    'Data of a job on the queue `usage`: one event, or many. At most 4,194,304 bytes. The job name is ignored.',
  );

const id = z.string().nullable().describe('The event id as sent; null when it had none that could be read.');
const quarantineReasons = z.enum(keysOf<QuarantineReason>(QUARANTINE_REASONS));
const rejectionCodes = z.enum(keysOf<RejectionCode>(REJECTION_CODES));

/** What a job returns. */
export const resultSchema = z
  .object({
    v: z.literal(1),
    results: z
      .array(
        z.discriminatedUnion('status', [
          z.object({ id, status: z.literal('posted').describe('Charged to the wallet.') }),
          z.object({ id, status: z.literal('duplicate').describe('Known already; nothing was charged.') }),
          z.object({
            id,
            status: z.literal('quarantined').describe('Kept, not charged.'),
            code: quarantineReasons,
          }),
          z.object({
            id,
            status: z.literal('rejected').describe('Refused, and kept for correction.'),
            code: rejectionCodes,
            field: z.string(),
            value: z.string().describe('The value as received, shortened.'),
            fix: z.string(),
          }),
        ]),
      )
      .describe('One per event, in the order sent. A job refused as a whole has one result.'),
  })
  .meta({ title: 'Result of a usage job' });

function keysOf<Key extends string>(record: Readonly<Record<Key, string>>): Key[] {
  return Object.keys(record).filter((key): key is Key => Object.hasOwn(record, key));
}

/** docs/usage-job.schema.json: the job at the root, the event and the result among its definitions. */
export function wireJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, $defs, ...job } = z.toJSONSchema(jobSchema, { target: 'draft-2020-12', io: 'input' });
  const { $schema: _, ...result } = z.toJSONSchema(resultSchema, { target: 'draft-2020-12', io: 'input' });
  return { $schema, title: 'Usage job', ...job, $defs: { ...$defs, result } };
}
