import type { Payment } from './payment.ts';

/** Whether Radar does what the set-up asks of it, from what was seen of flagged customers' payments. */
export type RadarEffect =
  /** The plan has no lists, or the key may not use them: the local queue is all there is. */
  | 'unavailable'
  /** No flagged customer has paid yet. */
  | 'unknown'
  /** Flagged customers have paid, and no rule has put any payment in review. */
  | 'no_effect'
  | 'in_effect';

/** What was seen since the list exists. */
export interface RadarSeen {
  readonly lists: 'available' | 'unavailable' | 'unknown';
  /** Payments of flagged customers that our rule put in review, and those that nothing did. */
  readonly reviewed: number;
  readonly unreviewed: number;
}

/** Says of Radar only what was seen. A single review by our rule proves that the rule is there. */
export function radarEffect({ lists, reviewed, unreviewed }: RadarSeen): RadarEffect {
  if (lists === 'unavailable') return 'unavailable';
  if (reviewed > 0) return 'in_effect';
  return unreviewed > 0 ? 'no_effect' : 'unknown';
}

/** Whether a rule's condition is about what we tell Radar: the list, or the metadata of customer or payment. */
export function isOurRule(condition: string | null): boolean {
  return condition !== null && (condition.includes('@usage_anomaly_review') || condition.includes('usage_risk'));
}

/** What to do with money that a bank has authorised and nobody has captured. */
export type AuthorisedVerdict =
  | { readonly do: 'capture'; readonly because: string }
  | { readonly do: 'cancel'; readonly because: string }
  /** `radar`: Stripe's review is open. `person`: our own queue decides, because no review exists. */
  | { readonly do: 'wait'; readonly for: 'radar' | 'person' };

/**
 * Judges an authorised payment of a flagged customer. With a review its outcome decides. Without one it is captured only
 * where Radar is known to work: elsewhere a missing review says that nobody has looked, not that all is well.
 */
export function judgeAuthorised(payment: Pick<Payment, 'review'>, effect: RadarEffect): AuthorisedVerdict {
  const { review } = payment;
  if (review === null) {
    return effect === 'in_effect'
      ? { do: 'capture', because: 'Radar let it pass without a review' }
      : { do: 'wait', for: 'person' };
  }
  if (review.isOpen) return { do: 'wait', for: 'radar' };
  if (review.closedReason === 'approved') return { do: 'capture', because: `review ${review.id} was approved` };
  return { do: 'cancel', because: `review ${review.id} was closed as ${review.closedReason ?? 'unknown'}` };
}
