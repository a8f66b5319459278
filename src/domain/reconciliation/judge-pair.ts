import { minorToNanos } from '../money/minor-units.ts';
import type { LedgerMovement, Owner, Pair, StripeMovement } from './movement.ts';

export const CAUSES = [
  /** Stripe moved money of a known top-up, and the ledger does not have all of it. */
  'webhook_lost',
  /** The ledger has the same money more than once. */
  'posted_twice',
  'amount',
  'currency',
  /** Both sides agree, or will: posted late, on the other side of the window's edge, or still on its way. */
  'timing',
  /** Stripe's amount, fee and net do not add up. */
  'fee',
  /** The ledger has money that Stripe knows nothing of. */
  'unknown_in_stripe',
  /** A payment names a top-up that is not in these books. */
  'unknown_here',
] as const;

export type Cause = (typeof CAUSES)[number];

/** One thing on which Stripe and the ledger differ. */
export interface Difference {
  readonly cause: Cause;
  readonly reference: string;
  readonly currency: string;
  /** Nano-units on both sides; with two currencies each in its own. */
  readonly ledgerNanos: bigint;
  readonly stripeNanos: bigint;
  /** How far the ledger is off: ledger less Stripe; with two currencies all that is posted. */
  readonly driftNanos: bigint;
  /** When the money moved, or was posted if Stripe does not know it. */
  readonly sinceMs: number;
  readonly paymentIntent: string | null;
  readonly owner: Owner | undefined;
  /** One sentence for a person. */
  readonly because: string;
}

export interface Judging {
  readonly nowMs: number;
  /** A webhook may take so long. */
  readonly graceMs: number;
  /** Later than so long after Stripe is late. */
  readonly lateMs: number;
}

export type Verdict =
  | { readonly is: 'agrees' }
  /** Money of the same Stripe account that has nothing to do with wallets. */
  | { readonly is: 'foreign' }
  | { readonly is: 'differs'; readonly difference: Difference };

/** Whether the sums agree: the only question for almost every pair, and one that needs no owner. */
export function agrees(pair: Pair): boolean {
  if (pair.ledger.length === 0 || currencyOf(pair).length > 1) return false;
  return sumOfLedger(pair.ledger) === sumOfStripe(pair.stripe);
}

/** Says what is wrong with a pair, if anything. The first of the causes that fits is named. */
export function judgePair(pair: Pair, owner: Owner | undefined, judging: Judging): Verdict {
  const { ledger, stripe, reference } = pair;
  const ledgerNanos = sumOfLedger(ledger);
  const stripeNanos = sumOfStripe(stripe);
  const currencies = currencyOf(pair);
  const sinceMs = earliest(stripe.length > 0 ? stripe : ledger);
  const paymentIntent = stripe.find((row) => row.paymentIntent !== null)?.paymentIntent ?? null;
  const differs = (cause: Cause, because: string): Verdict => ({
    is: 'differs',
    difference: {
      cause,
      reference,
      currency: currencies[0] ?? '',
      ledgerNanos,
      stripeNanos,
      driftNanos: cause === 'currency' ? grossOf(ledger) : ledgerNanos - stripeNanos,
      sinceMs,
      paymentIntent: paymentIntent ?? (reference.startsWith('pi_') ? reference : null),
      owner,
      because,
    },
  });
  if (ledger.length === 0) {
    const topupId = stripe.find((row) => row.topupId !== null)?.topupId ?? null;
    if (owner === undefined && topupId === null) return { is: 'foreign' };
    if (stripeNanos === 0n && stripe.length > 1) return { is: 'agrees' };
    if (owner === undefined) return differs('unknown_here', 'The payment names a top-up that is not in these books.');
    if (owner.isInReview) return differs('timing', 'The credit waits for the end of a review.');
    if (judging.nowMs - latest(stripe) < judging.graceMs)
      return differs('timing', 'Its webhook may still be on the way.');
    return differs('webhook_lost', 'Stripe moved the money and nothing was posted.');
  }
  if (currencies.length > 1) {
    return differs('currency', `The ledger has ${ledger[0]?.currency}, Stripe has ${stripe[0]?.currency}.`);
  }
  if (ledgerNanos === stripeNanos) return judgeAgreeing(pair, judging, differs);
  if (stripe.length === 0) return differs('unknown_in_stripe', 'It is posted, and Stripe has no such movement.');
  if (isRepeated(ledger, stripeNanos)) return differs('posted_twice', `It is posted ${ledger.length} times.`);
  if (isIncomplete(ledger, stripe)) {
    if (judging.nowMs - latest(stripe) < judging.graceMs)
      return differs('timing', 'Its webhook may still be on the way.');
    return differs('webhook_lost', 'Stripe moved money again and only the earlier part is posted.');
  }
  return differs('amount', 'The two sides have different amounts.');
}

function judgeAgreeing(
  { ledger, stripe }: Pair,
  { lateMs }: Judging,
  differs: (cause: Cause, because: string) => Verdict,
): Verdict {
  const odd = stripe.find((row) => row.balanceAmountMinor - row.feeMinor !== row.netMinor);
  if (odd !== undefined) {
    return differs('fee', `${odd.id}: ${odd.balanceAmountMinor} less a fee of ${odd.feeMinor} is not ${odd.netMinor}.`);
  }
  if (stripe.length > 0 && earliest(ledger) - earliest(stripe) > lateMs) {
    return differs('timing', 'It was posted late.');
  }
  return { is: 'agrees' };
}

/** Without one of the postings, or with any one alone, the sides would agree. */
function isRepeated(ledger: readonly LedgerMovement[], stripeNanos: bigint): boolean {
  if (ledger.length < 2) return false;
  const total = sumOfLedger(ledger);
  const isOneTooMany = ledger.some(({ amountNanos }) => total - amountNanos === stripeNanos);
  return isOneTooMany || ledger.every(({ amountNanos }) => amountNanos === stripeNanos);
}

/** Every posting is a movement of Stripe's, and Stripe has more. */
function isIncomplete(ledger: readonly LedgerMovement[], stripe: readonly StripeMovement[]): boolean {
  const left = stripe.map(nanosOf);
  for (const { amountNanos } of ledger) {
    const place = left.indexOf(amountNanos);
    if (place === -1) return false;
    left.splice(place, 1);
  }
  return left.length > 0;
}

function grossOf(rows: readonly LedgerMovement[]): bigint {
  return rows.reduce((sum, { amountNanos }) => sum + (amountNanos < 0n ? -amountNanos : amountNanos), 0n);
}

function currencyOf({ ledger, stripe }: Pair): readonly string[] {
  return [...new Set([...ledger, ...stripe].map(({ currency }) => currency))];
}

function nanosOf({ amountMinor, currency }: StripeMovement): bigint {
  return minorToNanos(amountMinor, currency);
}

/** Nano-units of all postings. */
export function sumOfLedger(rows: readonly LedgerMovement[]): bigint {
  return rows.reduce((sum, { amountNanos }) => sum + amountNanos, 0n);
}

/** Nano-units of all of Stripe's movements. */
export function sumOfStripe(rows: readonly StripeMovement[]): bigint {
  return rows.reduce((sum, row) => sum + nanosOf(row), 0n);
}

function earliest(rows: readonly { readonly atMs: number }[]): number {
  return Math.min(...rows.map(({ atMs }) => atMs));
}

function latest(rows: readonly { readonly atMs: number }[]): number {
  return Math.max(...rows.map(({ atMs }) => atMs));
}
