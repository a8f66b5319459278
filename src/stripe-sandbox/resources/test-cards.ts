/** How an issuer, or Radar, refuses a payment. */
export interface Decline {
  /** Stripe's error code, `card_declined` unless given. */
  readonly code?: string;
  readonly declineCode?: string;
  readonly adviceCode?: 'try_again_later' | 'do_not_try_again' | 'confirm_card_data';
  readonly networkDeclineCode?: string;
  readonly networkAdviceCode?: string;
  readonly message?: string;
}

/** What a card does when it is used. */
export interface CardBehaviour {
  readonly number: string;
  readonly brand: 'visa' | 'mastercard' | 'amex';
  readonly funding?: 'credit' | 'debit';
  readonly cvcCheck?: 'pass' | 'fail';
  readonly decline?: Decline;
  /** Attaching fails as charging does; only 0341 can be attached and then fails. */
  readonly attaches?: boolean;
  /** `unless_set_up`: off-session payments need it until the card was authenticated once; `always`: every payment. */
  readonly authentication?: 'unless_set_up' | 'always' | 'on_session';
  /** Already authenticated for off-session use. */
  readonly setUp?: boolean;
  readonly risk?: 'normal' | 'elevated' | 'highest';
  readonly blocked?: boolean;
  readonly dispute?: 'fraudulent' | 'product_not_received' | 'inquiry';
  readonly earlyWarning?: boolean;
  readonly refund?: 'pending' | 'fails';
  /** Money of its charges is available at once. */
  readonly bypassPending?: boolean;
}

const CARD_DECLINED = 'card_declined';

function declined(number: string, decline: Decline, more: Partial<CardBehaviour> = {}): CardBehaviour {
  return { number, brand: 'visa', decline: { code: CARD_DECLINED, ...decline }, ...more };
}

/** Stripe's test cards by the names that its API takes in place of numbers. */
export const TEST_CARDS: Readonly<Record<string, CardBehaviour>> = {
  pm_card_visa: { number: '4242424242424242', brand: 'visa' },
  pm_card_visa_debit: { number: '4000056655665556', brand: 'visa', funding: 'debit' },
  pm_card_mastercard: { number: '5555555555554444', brand: 'mastercard' },
  pm_card_amex: { number: '378282246310005', brand: 'amex' },
  pm_card_bypassPending: { number: '4000000000000077', brand: 'visa', bypassPending: true },
  pm_card_visa_chargeDeclined: declined('4000000000000002', {
    declineCode: 'generic_decline',
    adviceCode: 'try_again_later',
    networkDeclineCode: '01',
  }),
  pm_card_visa_chargeDeclinedInsufficientFunds: declined('4000000000009995', {
    declineCode: 'insufficient_funds',
    adviceCode: 'try_again_later',
    networkDeclineCode: '51',
    message: 'Your card has insufficient funds.',
  }),
  pm_card_visa_chargeDeclinedLostCard: declined('4000000000009987', {
    declineCode: 'lost_card',
    adviceCode: 'do_not_try_again',
    networkDeclineCode: '41',
  }),
  pm_card_visa_chargeDeclinedStolenCard: declined('4000000000009979', {
    declineCode: 'stolen_card',
    adviceCode: 'do_not_try_again',
    networkDeclineCode: '43',
  }),
  pm_card_visa_chargeDeclinedVelocityLimitExceeded: declined('4000000000006975', {
    declineCode: 'card_velocity_exceeded',
    adviceCode: 'try_again_later',
    networkDeclineCode: '65',
    message: 'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
  }),
  pm_card_chargeDeclinedExpiredCard: declined('4000000000000069', {
    code: 'expired_card',
    adviceCode: 'do_not_try_again',
    networkDeclineCode: '54',
    message: 'Your card has expired.',
  }),
  pm_card_chargeDeclinedIncorrectCvc: declined(
    '4000000000000127',
    { code: 'incorrect_cvc', adviceCode: 'confirm_card_data', message: "Your card's security code is incorrect." },
    { cvcCheck: 'fail' },
  ),
  pm_card_chargeDeclinedProcessingError: declined('4000000000000119', {
    code: 'processing_error',
    adviceCode: 'try_again_later',
    message: 'An error occurred while processing your card. Try again in a little bit.',
  }),
  pm_card_chargeDeclinedFraudulent: declined('4100000000000019', { declineCode: 'fraudulent' }, { blocked: true }),
  pm_card_radarBlock: declined('4100000000000019', { declineCode: 'fraudulent' }, { blocked: true }),
  pm_card_riskLevelHighest: declined(
    '4000000000004954',
    { declineCode: 'fraudulent' },
    { blocked: true, risk: 'highest' },
  ),
  pm_card_riskLevelElevated: { number: '4000000000009235', brand: 'visa', risk: 'elevated' },
  pm_card_cvcCheckFail: { number: '4000000000000101', brand: 'visa', cvcCheck: 'fail' },
  pm_card_chargeCustomerFail: declined(
    '4000000000000341',
    { declineCode: 'generic_decline', adviceCode: 'try_again_later', networkDeclineCode: '01' },
    { attaches: true },
  ),
  pm_card_authenticationRequiredOnSetup: {
    number: '4000002500003155',
    brand: 'visa',
    authentication: 'unless_set_up',
  },
  pm_card_authenticationRequired: { number: '4000002760003184', brand: 'visa', authentication: 'always' },
  pm_card_threeDSecure2Required: { number: '4000000000003220', brand: 'visa', authentication: 'always' },
  pm_card_authenticationRequiredSetupForOffSession: {
    number: '4000003800000446',
    brand: 'visa',
    authentication: 'on_session',
    setUp: true,
  },
  pm_card_authenticationRequiredChargeDeclinedInsufficientFunds: {
    number: '4000008260003178',
    brand: 'visa',
    authentication: 'unless_set_up',
    attaches: true,
    decline: {
      code: CARD_DECLINED,
      declineCode: 'insufficient_funds',
      adviceCode: 'try_again_later',
      networkDeclineCode: '51',
      message: 'Your card has insufficient funds.',
    },
  },
  pm_card_createDispute: { number: '4000000000000259', brand: 'visa', dispute: 'fraudulent' },
  pm_card_createDisputeProductNotReceived: {
    number: '4000000000002685',
    brand: 'visa',
    dispute: 'product_not_received',
  },
  pm_card_createDisputeInquiry: { number: '4000000000001976', brand: 'visa', dispute: 'inquiry' },
  pm_card_createIssuerFraudRecord: { number: '4000000000005423', brand: 'visa', earlyWarning: true },
  pm_card_pendingRefund: { number: '4000000000007726', brand: 'visa', refund: 'pending' },
  pm_card_refundFail: { number: '4000000000005126', brand: 'visa', refund: 'fails' },
};

/** The card with a number; undefined when no test card has it. */
export function cardByNumber(number: string): CardBehaviour | undefined {
  const digits = number.replaceAll(/[\s-]/g, '');
  return Object.values(TEST_CARDS).find((card) => card.number === digits);
}
