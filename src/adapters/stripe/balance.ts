import type Stripe from 'stripe';
import type { StripeMovement } from '../../domain/reconciliation/movement.ts';
import { AppError } from '../../errors.ts';
import type { BalanceRow, StripeBalance } from '../../pipeline/reconcile/reconcile-port.ts';
import { callStripe } from './errors.ts';
import { idOf, TOPUP_METADATA } from './stripe-objects.ts';

const PAGE = 100;
/** Movements of one object: more than anybody has seen, and an end to paging. */
const MOVEMENTS_MAX = 1_000;

/** Stripe's balance by the real SDK. Sources are expanded: a charge alone knows its PaymentIntent. */
export function createStripeBalance(stripe: Stripe): StripeBalance {
  const bySource = (source: string) =>
    stripe.balanceTransactions
      .list({ source, limit: PAGE, expand: ['data.source'] })
      .autoPagingToArray({ limit: MOVEMENTS_MAX });
  return {
    page: ({ fromMs, toMs, after }) =>
      callStripe('listing balance transactions', async () => {
        // Stripe counts whole seconds: those that begin in the window.
        const created = { gte: Math.ceil(fromMs / 1_000), lt: Math.ceil(toMs / 1_000) };
        const list = await stripe.balanceTransactions.list({
          created,
          limit: PAGE,
          expand: ['data.source'],
          ...(after === null ? {} : { starting_after: after }),
        });
        return { rows: list.data.map(readBalanceRow), hasMore: list.has_more };
      }),
    async movements(reference) {
      try {
        const found = await callStripe('fetching movements of money', async () => {
          if (reference.startsWith('txn_')) {
            return [await stripe.balanceTransactions.retrieve(reference, { expand: ['source'] })];
          }
          if (!reference.startsWith('pi_')) return bySource(reference);
          const charge = idOf((await stripe.paymentIntents.retrieve(reference)).latest_charge);
          return charge === null ? [] : bySource(charge);
        });
        return found
          .map(readBalanceRow)
          .filter((row): row is StripeMovement & BalanceRow => row.reference === reference);
      } catch (error) {
        if (error instanceof AppError && error.code === 'STRIPE_NOT_FOUND') return [];
        throw error;
      }
    },
  };
}

/** A balance transaction with its expanded source. */
export function readBalanceRow(txn: Stripe.BalanceTransaction): BalanceRow {
  const common = {
    id: txn.id,
    type: txn.type,
    atMs: txn.created * 1_000,
    balanceAmountMinor: BigInt(txn.amount),
    feeMinor: BigInt(txn.fee),
    netMinor: BigInt(txn.net),
    balanceCurrency: txn.currency.toUpperCase(),
  };
  const { source } = txn;
  const ours = source === null || typeof source === 'string' ? undefined : aboutPayment(txn.id, source);
  if (ours === undefined) {
    const { balanceAmountMinor: amountMinor, balanceCurrency: currency } = common;
    return { ...common, reference: null, currency, amountMinor, paymentIntent: null, topupId: null };
  }
  const { reference, currency, amount, paymentIntent, topupId } = ours;
  // The balance may be kept in another currency than the customer paid in.
  const minor = currency === txn.currency ? txn.amount : amount * Math.sign(txn.amount);
  return {
    ...common,
    reference,
    currency: currency.toUpperCase(),
    amountMinor: BigInt(minor),
    paymentIntent,
    topupId,
  };
}

/** What the ledger would name this movement by; undefined when it is about no payment. */
function aboutPayment(txn: string, source: Exclude<Stripe.BalanceTransactionSource, string>) {
  switch (source.object) {
    case 'charge': {
      const paymentIntent = idOf(source.payment_intent);
      const topupId = source.metadata[TOPUP_METADATA] ?? null;
      const { currency, amount_captured: amount } = source;
      return { reference: paymentIntent ?? source.id, currency, amount, paymentIntent, topupId };
    }
    case 'refund': {
      const { id: reference, currency, amount } = source;
      return { reference, currency, amount, paymentIntent: idOf(source.payment_intent), topupId: null };
    }
    case 'dispute': {
      const { currency, amount } = source;
      return { reference: txn, currency, amount, paymentIntent: idOf(source.payment_intent), topupId: null };
    }
    default:
      return undefined;
  }
}
