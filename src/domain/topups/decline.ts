/** What Stripe says about a payment that did not go through. Codes are Stripe's, the network's and the issuer's words. */
export interface Decline {
  readonly code: string | null;
  readonly declineCode: string | null;
  readonly adviceCode: string | null;
  readonly networkAdviceCode: string | null;
  readonly networkDeclineCode: string | null;
}

/** `retry` later, `stop` until there is another card, or `authenticate`: the customer must confirm. */
export type DeclineClass = 'retry' | 'stop' | 'authenticate';

// Never retried before a new card is attached (Stripe, Smart Retries).
const HARD = new Set([
  'incorrect_number',
  'lost_card',
  'pickup_card',
  'stolen_card',
  'revocation_of_authorization',
  'revocation_of_all_authorizations',
  'highest_risk_level',
  'transaction_not_allowed',
  'fraudulent',
  'merchant_blacklist',
  'restricted_card',
  'expired_card',
  'invalid_account',
  'stop_payment_order',
]);
// Mastercard's merchant advice codes, and Visa's category 1, after which a retry is not allowed.
const MASTERCARD_NEVER = new Set(['03', '21']);
const VISA_NEVER = new Set(['04', '07', '12', '14', '15', '41', '43', '46', '57', 'R0', 'R1', 'R3']);

/** What to do after a decline. The advice outranks the network's codes, and those the decline code. */
export function classifyDecline(decline: Decline): DeclineClass {
  const { code, declineCode, adviceCode, networkAdviceCode, networkDeclineCode } = decline;
  if (code === 'authentication_required' || declineCode === 'authentication_required') return 'authenticate';
  if (adviceCode === 'do_not_try_again' || adviceCode === 'confirm_card_data') return 'stop';
  if (adviceCode === 'try_again_later') return 'retry';
  if (networkAdviceCode !== null && MASTERCARD_NEVER.has(networkAdviceCode)) return 'stop';
  if (networkDeclineCode !== null && VISA_NEVER.has(networkDeclineCode)) return 'stop';
  return HARD.has(declineCode ?? '') || HARD.has(code ?? '') ? 'stop' : 'retry';
}

/** The word of a decline that people search for. */
export function declineWord({ declineCode, code }: Decline): string {
  return declineCode ?? code ?? 'unknown';
}
