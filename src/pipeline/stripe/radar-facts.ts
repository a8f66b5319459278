import { z } from 'zod';
import type { MoneyStore } from './money-store.ts';

const listSchema = z.object({
  lists: z.enum(['available', 'unavailable', 'unknown']),
  listId: z.string().nullable(),
});

/** What is known of Radar's value lists. */
export type ListFact = z.infer<typeof listSchema>;

/** Name of the list that the Dashboard rule reads. */
export const REVIEW_LIST = { alias: 'usage_anomaly_review', name: 'Usage anomaly review' } as const;

/** The one rule a person adds in the Dashboard. */
export const REVIEW_RULE = `Review if :customer: in @${REVIEW_LIST.alias}`;

/** Whether the Stripe account has lists, and the id of ours. */
export async function readListFact(store: Pick<MoneyStore, 'fact'>): Promise<ListFact> {
  const known = listSchema.safeParse(await store.fact('radar_list'));
  return known.success ? known.data : { lists: 'unknown', listId: null };
}

/** Keeps what was learned about lists. */
export function writeListFact(store: Pick<MoneyStore, 'setFact'>, fact: ListFact, nowMs: number): Promise<void> {
  return store.setFact('radar_list', fact, nowMs);
}
