import { minorToNanos } from '../money/minor-units.ts';
import type { Payment, PaymentRefund } from './payment.ts';

/** Money that has moved at Stripe and belongs on the wallet, once under its key. */
export interface Movement {
  /** The idempotency key of the ledger transaction: made of the id of the Stripe object that moved the money. */
  readonly key: string;
  readonly kind: 'topup' | 'refund' | 'dispute' | 'reinstate';
  /** Positive nano-units. */
  readonly amountNanos: bigint;
  /** The Stripe object that moved the money. */
  readonly subject: string;
  readonly reason: string;
}

/**
 * Everything that has moved, in an order that the ledger can post. It follows from the payment as it is now and from what
 * is posted already, never from the order in which events arrived: whichever event comes first, the same amounts end up in
 * the ledger, and each only once.
 *
 * - A refund takes money out from the moment Stripe takes it; one that fails later gives it back.
 * - A payment that is captured while Radar's review is open is credited when the review ends.
 * - A dispute takes and gives back what its balance transactions say, so an inquiry that moves nothing posts nothing.
 *
 * @param posted keys of ledger transactions that exist
 */
export function movementsOf(payment: Payment, posted: ReadonlySet<string>): readonly Movement[] {
  // Refunds and disputes exist only for captured money, and a capture is final: without it there is nothing to post.
  if (payment.status !== 'succeeded' || payment.receivedMinor <= 0n) return [];
  // Whoever pays is not believed before the review is over; what was credited before it began stays.
  if (payment.review?.isOpen === true && !posted.has(movementKey(payment.id))) return [];
  const nanos = (minor: bigint) => minorToNanos(minor, payment.currency);
  const paid: Movement = {
    key: movementKey(payment.id),
    kind: 'topup',
    amountNanos: nanos(payment.receivedMinor),
    subject: payment.id,
    reason: `Stripe payment ${payment.id}`,
  };
  const refunds = byId(payment.refunds).flatMap((refund) => refundMovements(refund, nanos, posted));
  const disputes = byId(payment.disputes).flatMap((dispute) =>
    dispute.transactions
      .filter(({ amountMinor }) => amountMinor !== 0n)
      .map(
        ({ id, amountMinor }): Movement => ({
          key: movementKey(id),
          kind: amountMinor < 0n ? 'dispute' : 'reinstate',
          amountNanos: nanos(amountMinor < 0n ? -amountMinor : amountMinor),
          subject: dispute.id,
          reason: `Stripe dispute ${dispute.id}`,
        }),
      ),
  );
  return [paid, ...refunds, ...disputes];
}

/** The key under which money moved by a Stripe object is posted; the same as a person would give by hand. */
export function movementKey(id: string): string {
  return `stripe-${id}`;
}

function refundMovements(
  { id, amountMinor, status }: PaymentRefund,
  nanos: (minor: bigint) => bigint,
  posted: ReadonlySet<string>,
): readonly Movement[] {
  if (amountMinor <= 0n) return [];
  const amountNanos = nanos(amountMinor);
  const taken: Movement = {
    key: movementKey(id),
    kind: 'refund',
    amountNanos,
    subject: id,
    reason: `Stripe refund ${id}`,
  };
  if (status !== 'failed' && status !== 'canceled') return [taken];
  // One that failed before anybody saw it has moved nothing.
  if (!posted.has(taken.key)) return [];
  const back: Movement = {
    key: `${taken.key}-failed`,
    kind: 'reinstate',
    amountNanos,
    subject: id,
    reason: `Stripe refund ${id} failed`,
  };
  return [taken, back];
}

/** Stripe lists the newest first; the books want the same order whenever they look. */
function byId<T extends { readonly id: string }>(items: readonly T[]): readonly T[] {
  return [...items].sort((left, right) => (left.id < right.id ? -1 : 1));
}
