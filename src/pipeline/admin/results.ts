import { z } from 'zod';
import { parseWalletId } from '../../domain/ids.ts';
import { freezeCauseSchema } from '../freeze-cause.ts';

// Results are stored with the request and given again on a retry, so they must survive JSON: amounts are text there.
const nanos = z.union([
  z.bigint(),
  z
    .string()
    .regex(/^-?\d+$/)
    .transform(BigInt),
]);
const total = z.object({ events: z.number().int(), amount: nanos });
/** The part of a result that every change has. */
export const walletResultSchema = z.object({
  wallet: z.string().refine((text) => parseWalletId(text) !== undefined),
  tenant: z.string(),
  account: z.string(),
  currency: z.string(),
  status: z.enum(['active', 'frozen', 'thawing']),
  balance: nanos,
  sequence: nanos,
  atMs: z.number(),
});

/** What a top-up did. */
export const topUpResultSchema = walletResultSchema.extend({
  amount: nanos,
  source: z.enum(['paid', 'promotional']),
  balanceBefore: nanos,
  isOpened: z.boolean(),
  /** Usage over the limit that the credit paid for. */
  released: total,
  /** Usage over the limit that still does not fit. */
  waiting: total,
});
export type TopUpOutcome = z.infer<typeof topUpResultSchema>;

/** What a freeze did. */
export const freezeResultSchema = walletResultSchema.extend({
  untilMs: z.number(),
  /** The freeze that was in force already; null when the wallet was not frozen. With `isChanged` false it still is. */
  before: z
    .object({ sinceMs: z.number().nullable(), untilMs: z.number().nullable(), cause: freezeCauseSchema.nullable() })
    .nullable()
    .default(null),
  isChanged: z.boolean().default(true),
});
export type FreezeOutcome = z.infer<typeof freezeResultSchema>;

/** What a refund, a dispute, its reversal or a correction did. */
export const adjustResultSchema = walletResultSchema.extend({
  kind: z.enum(['refund', 'dispute', 'reinstate', 'correct']),
  amount: nanos,
  balanceBefore: nanos,
  /** Usage that waited and fits now. */
  released: total,
});
export type AdjustOutcome = z.infer<typeof adjustResultSchema>;

/** A wallet's limits as they are now. */
export const limitsResultSchema = walletResultSchema.extend({
  overdraftLimit: nanos.nullable(),
  spendLimit: nanos.nullable(),
  periodMs: z.number().nullable(),
  /** Usage that waited and fits now. */
  released: total,
});
export type LimitsOutcome = z.infer<typeof limitsResultSchema>;

/** What a thaw did with the usage that was refused during the freeze. */
export const thawResultSchema = walletResultSchema.extend({
  usage: z.enum(['keep', 'post', 'void']),
  posted: total,
  voided: total,
  /** Did not fit the balance: waits for the next credit. */
  overLimit: total,
  /** More than the wallet may spend in this period: is posted in those that follow. */
  throttled: total.default({ events: 0, amount: 0n }),
  /** Stays in quarantine until somebody posts or voids it. */
  kept: total,
});
export type ThawOutcome = z.infer<typeof thawResultSchema>;
