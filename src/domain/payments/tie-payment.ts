import { cleanText } from '../text/clean.ts';
import type { Payment } from './payment.ts';

/** A top-up as far as a payment must fit it. */
export interface TiedTopUp {
  readonly currency: string;
  readonly customer: string | null;
  readonly paymentIntent: string | null;
  readonly isPaid: boolean;
  /** What was asked for, in Stripe's smallest units. */
  readonly amountMinor: bigint;
}

/** Something a person must look at, named by what is wrong. */
export interface CaseNote {
  readonly kind: string;
  /** The Stripe object it is about. */
  readonly subject: string;
  readonly title: string;
}

export type Tie =
  /** The payment belongs to the top-up: its money may be posted. `notes` are worth a look all the same. */
  | { readonly is: 'tied'; readonly notes: readonly CaseNote[] }
  /** Not money for a wallet. */
  | { readonly is: 'foreign'; readonly because: string }
  /** Nothing is posted until somebody has looked. */
  | { readonly is: 'doubtful'; readonly note: CaseNote };

/**
 * Whether a payment is the money of a top-up: our own metadata names it, and customer and currency are the ones it was
 * begun with. Anything else is kept for a person: money that is credited to the wrong wallet is spent before it is missed.
 */
export function tiePayment(
  payment: Pick<Payment, 'id' | 'customer' | 'currency' | 'topupId' | 'receivedMinor' | 'status'>,
  topUp: TiedTopUp | undefined,
  isKnownCustomer: boolean,
): Tie {
  if (topUp === undefined) return withoutTopUp(payment, isKnownCustomer);
  if (topUp.customer !== null && payment.customer !== topUp.customer) {
    return doubtful(
      'other_customer',
      payment.id,
      `Payment ${payment.id} names a top-up of another customer (${name(payment.customer)}).`,
    );
  }
  if (payment.currency !== topUp.currency) {
    return doubtful(
      'other_currency',
      payment.id,
      `Payment ${payment.id} is in ${name(payment.currency)}; the wallet is in ${topUp.currency}.`,
    );
  }
  return { is: 'tied', notes: payment.status === 'succeeded' ? oddities(payment, topUp) : [] };
}

function withoutTopUp(payment: Pick<Payment, 'id' | 'customer' | 'topupId'>, isKnownCustomer: boolean): Tie {
  if (payment.topupId !== null) {
    return doubtful(
      'unknown_topup',
      payment.id,
      `Payment ${payment.id} names the top-up ${name(payment.topupId)}, which is not in these books.`,
    );
  }
  if (payment.customer === null || isKnownCustomer) {
    return { is: 'foreign', because: 'not a top-up: its metadata names none' };
  }
  // One case for each customer, however much they pay.
  return doubtful(
    'unknown_customer',
    payment.customer,
    `Customer ${name(payment.customer)} pays and belongs to no account.`,
  );
}

function oddities(payment: Pick<Payment, 'id' | 'receivedMinor'>, topUp: TiedTopUp): readonly CaseNote[] {
  const notes: CaseNote[] = [];
  if (payment.receivedMinor !== topUp.amountMinor) {
    const title = `Payment ${payment.id} brought ${payment.receivedMinor} of the smallest unit; ${topUp.amountMinor} were asked for. What was received is credited.`;
    notes.push({ kind: 'other_amount', subject: payment.id, title });
  }
  if (topUp.isPaid && topUp.paymentIntent !== payment.id) {
    const title = `Payment ${payment.id} pays a top-up that ${topUp.paymentIntent ?? 'another payment'} has paid. Both are credited.`;
    notes.push({ kind: 'paid_twice', subject: payment.id, title });
  }
  return notes;
}

function doubtful(kind: string, subject: string, title: string): Tie {
  return { is: 'doubtful', note: { kind, subject, title } };
}

/** What others have written, safe and short in a sentence. */
function name(text: string | null): string {
  return text === null ? 'none' : cleanText(text).slice(0, 80);
}
