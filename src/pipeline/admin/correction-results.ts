import { z } from 'zod';
import { freezeResultSchema } from './results.ts';

const nanos = z.union([
  z.bigint(),
  z
    .string()
    .regex(/^-?\d+$/)
    .transform(BigInt),
]);

/** What a correction of one posted event did. Amounts are nano-units. */
export const correctionResultSchema = freezeResultSchema.omit({ untilMs: true, before: true, isChanged: true }).extend({
  /** Key of the event, as a uuid. */
  event: z.string(),
  kind: z.enum(['void', 'amend']),
  /** How many times the event has been corrected, this one included. */
  correction: z.number().int(),
  balanceBefore: nanos,
  /** Credited back: everything the event had been charged. */
  reversed: nanos,
  /** The charge in force now. */
  charged: nanos,
  quantity: z.string().nullable(),
  /** Usage over the limit that the credit paid for. */
  released: z.object({ events: z.number().int(), amount: nanos }),
});
export type CorrectionOutcome = z.infer<typeof correctionResultSchema>;
