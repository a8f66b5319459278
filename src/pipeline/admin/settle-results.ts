import { z } from 'zod';

const nanos = z.union([
  z.bigint(),
  z
    .string()
    .regex(/^-?\d+$/)
    .transform(BigInt),
]);
const total = z.object({ events: z.number().int(), amount: nanos });

/** Why selected usage is still in quarantine. */
export const STAY_REASONS = ['wallet_frozen', 'over_limit', 'unknown_meter', 'in_future', 'too_large'] as const;
export type StayReason = (typeof STAY_REASONS)[number];

const totals = z.object({
  currency: z.string(),
  posted: total,
  voided: total,
  /** Closed because the same key was posted by another lane. */
  duplicates: total,
  stays: z.record(z.enum(STAY_REASONS), total),
});
/** What became of the selected usage of one currency. */
export type SettleTotals = z.infer<typeof totals>;

/** What a request to post or void quarantined usage did. */
export const settleResultSchema = z.object({
  what: z.enum(['post', 'void']),
  wallets: z.number().int(),
  totals: z.array(totals),
});
export type SettleOutcome = z.infer<typeof settleResultSchema>;
