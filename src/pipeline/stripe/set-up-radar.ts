import { type RadarEffect, radarEffect } from '../../domain/payments/authorised-money.ts';
import { AppError } from '../../errors.ts';
import type { MoneyIn } from './money-in.ts';
import { REVIEW_LIST, REVIEW_RULE, readListFact, writeListFact } from './radar-facts.ts';

export interface RadarSetUp {
  readonly effect: RadarEffect;
  readonly list: { readonly alias: string; readonly id: string | null; readonly isNew: boolean };
  /** What a person types into the Dashboard: rules cannot be made by the API. */
  readonly rule: string;
  readonly reviewed: number;
  readonly unreviewed: number;
}

/** Creates the value list when it is missing, and says what is known of the rule's effect. Repeating it changes nothing. */
export async function setUpRadar({
  stripe,
  store,
  now,
}: Pick<MoneyIn, 'stripe' | 'store' | 'now'>): Promise<RadarSetUp> {
  try {
    const { id, isNew } = await stripe.radar.ensureList(REVIEW_LIST);
    await writeListFact(store, { lists: 'available', listId: id }, now());
    return { ...(await readRadar({ store })), list: { alias: REVIEW_LIST.alias, id, isNew } };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'STRIPE_LISTS_UNAVAILABLE') throw error;
    await writeListFact(store, { lists: 'unavailable', listId: null }, now());
    return readRadar({ store });
  }
}

/** What is known of Radar, without asking Stripe. */
export async function readRadar({ store }: Pick<MoneyIn, 'store'>): Promise<RadarSetUp> {
  const { lists, listId } = await readListFact(store);
  const seen = await store.radar.seen();
  return {
    effect: radarEffect({ lists, ...seen }),
    list: { alias: REVIEW_LIST.alias, id: listId, isNew: false },
    rule: REVIEW_RULE,
    ...seen,
  };
}

/** What to tell the operator about the rule. */
export function radarAdvice({ effect, rule, reviewed, unreviewed }: RadarSetUp): string {
  switch (effect) {
    case 'unavailable':
      return 'This Stripe plan or key has no value lists. Flagged payments are authorised only and wait in the local queue (`tollkeeper stripe cases`).';
    case 'unknown':
      return `Add this rule in the Dashboard under Radar > Rules, once:\n\n  ${rule}\n\nWhether it works is known when the first flagged customer has paid; until then such payments wait for a person.`;
    case 'no_effect':
      return `${unreviewed} payments of flagged customers were not put in review: the rule is missing or does not work. Under Radar > Rules it must say:\n\n  ${rule}`;
    case 'in_effect':
      return `The rule works: it has put ${reviewed} payments of flagged customers in review.`;
  }
}
