/**
 * What a decline means for the next try.
 *
 * - `retry`: the same card may go through later.
 * - `retry_once`: nobody knows the code; one careful try, then the customer is asked.
 * - `authenticate`: the customer must confirm the payment; a try without them cannot succeed.
 * - `fix_details`: the card's details are wrong or out of date.
 * - `new_card`: this card will not pay; the networks forbid or fine further tries.
 * - `suspected_fraud`: no try and no mail, a person decides.
 */
export type DeclineClass = 'retry' | 'retry_once' | 'authenticate' | 'fix_details' | 'new_card' | 'suspected_fraud';

/** `as_is`: the reason may be named. `generic`: only that the bank declined. `nothing`: no message at all. */
export type Disclosure = 'as_is' | 'generic' | 'nothing';

/** What one code says. */
export interface DeclineRule {
  readonly class: DeclineClass;
  readonly tell: Disclosure;
}

const retry: DeclineRule = { class: 'retry', tell: 'as_is' };
const retryQuietly: DeclineRule = { class: 'retry', tell: 'generic' };
const fix: DeclineRule = { class: 'fix_details', tell: 'as_is' };
const newCard: DeclineRule = { class: 'new_card', tell: 'as_is' };
const newCardQuietly: DeclineRule = { class: 'new_card', tell: 'generic' };
const fraud: DeclineRule = { class: 'suspected_fraud', tell: 'nothing' };
const authenticate: DeclineRule = { class: 'authenticate', tell: 'as_is' };

/**
 * Stripe's decline codes and error codes (docs.stripe.com/declines/codes). Which are never retried before another card is
 * there: Stripe's Smart Retries; which must not be told to the customer: the notes of the same table.
 */
export const DECLINE_CODES: Readonly<Record<string, DeclineRule>> = {
  approve_with_id: retry,
  call_issuer: retryQuietly,
  card_velocity_exceeded: retry,
  do_not_honor: retryQuietly,
  generic_decline: retryQuietly,
  insufficient_funds: retry,
  issuer_not_available: retry,
  no_action_taken: retryQuietly,
  processing_error: retry,
  reenter_transaction: retry,
  try_again_later: retry,
  withdrawal_count_limit_exceeded: retry,

  authentication_required: authenticate,
  authentication_not_handled: authenticate,

  expired_card: fix,
  incorrect_address: fix,
  incorrect_cvc: fix,
  incorrect_number: fix,
  incorrect_zip: fix,
  invalid_cvc: fix,
  invalid_expiry_month: fix,
  invalid_expiry_year: fix,
  invalid_number: fix,
  new_account_information_available: fix,

  card_not_supported: newCard,
  currency_not_supported: newCard,
  invalid_account: newCard,
  invalid_amount: newCard,
  not_permitted: newCardQuietly,
  offline_pin_required: newCard,
  online_or_offline_pin_required: newCard,
  incorrect_pin: newCard,
  invalid_pin: newCard,
  pin_try_exceeded: newCard,
  restricted_card: newCardQuietly,
  revocation_of_all_authorizations: newCard,
  revocation_of_authorization: newCard,
  security_violation: newCardQuietly,
  service_not_allowed: newCardQuietly,
  stop_payment_order: newCard,
  testmode_decline: newCard,
  transaction_not_allowed: newCardQuietly,

  fraudulent: fraud,
  highest_risk_level: fraud,
  lost_card: fraud,
  merchant_blacklist: fraud,
  pickup_card: fraud,
  stolen_card: fraud,
};

/** Stripe's `advice_code`, which outranks every other code. */
export const ADVICE_CODES: Readonly<Record<string, DeclineRule>> = {
  try_again_later: retryQuietly,
  do_not_try_again: newCardQuietly,
  confirm_card_data: fix,
};

/** Mastercard's merchant advice codes after which a try is fined: 03 do not try again, 21 payment cancelled. */
export const NETWORK_ADVICE_CODES: Readonly<Record<string, DeclineRule>> = {
  '03': newCardQuietly,
  '21': newCardQuietly,
};

/**
 * Visa's category 1, "issuer will never approve": 04 and 07 pick up, 12 invalid transaction, 14 no such account, 15 no such
 * issuer, 41 lost, 43 stolen, 46 closed account, 57 not permitted, R0, R1 and R3 stopped or revoked.
 * (Visa's rules on reattempts, as payment processors publish them.)
 */
export const NETWORK_DECLINE_CODES: Readonly<Record<string, DeclineRule>> = {
  '04': fraud,
  '07': fraud,
  '12': newCardQuietly,
  '14': fix,
  '15': fix,
  '41': fraud,
  '43': fraud,
  '46': newCard,
  '57': newCardQuietly,
  R0: newCard,
  R1: newCard,
  R3: newCard,
};
