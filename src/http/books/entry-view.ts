import { z } from 'zod';
import { formatDecimal } from '../../domain/money/nanos.ts';
import { formatIso } from '../../domain/time.ts';
import type { StatementEntry } from '../../pipeline/statement/statement.ts';
import { moneySchema } from './views.ts';

export const entrySchema = z
  .object({
    sequence: z.string(),
    postedAt: z.string(),
    occurredAt: z.string(),
    kind: z.string(),
    eventId: z.string().nullable(),
    source: z.string().nullable(),
    meter: z.string().nullable(),
    quantity: z.string().nullable(),
    amount: moneySchema,
    balance: moneySchema.describe('Of the wallet after it.'),
    actor: z.string().nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'Entry' });

/** One entry as a customer reads it. */
export function entryView(entry: StatementEntry): z.infer<typeof entrySchema> {
  return {
    sequence: entry.sequence.toString(),
    postedAt: formatIso(entry.postedAtMs),
    occurredAt: formatIso(entry.occurredAtMs),
    kind: entry.kind,
    eventId: entry.eventId,
    source: entry.source,
    meter: entry.meter,
    quantity: entry.quantity,
    amount: formatDecimal(entry.amount),
    balance: formatDecimal(entry.balanceAfter),
    actor: entry.actor,
    reason: entry.reason,
  };
}
