import Stripe from 'stripe';
import { AppError, type ErrorCode } from '../../errors.ts';

/** Why a card was not charged, in Stripe's words; what to do about it is the caller's decision. */
export interface CardDecline {
  readonly code: string;
  readonly declineCode: string | undefined;
  readonly adviceCode: string | undefined;
  readonly networkDeclineCode: string | undefined;
  readonly networkAdviceCode: string | undefined;
  readonly paymentIntent: string | undefined;
  readonly charge: string | undefined;
  readonly requestId: string | undefined;
}

/** Runs a call of the SDK; what fails comes out as an `AppError` of the catalogue with the SDK's error as its cause. */
export async function callStripe<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toAppError(what, error);
  }
}

/** The error of the catalogue for an error of the SDK; anything else is returned as it is. */
export function toAppError(what: string, error: unknown): unknown {
  if (!(error instanceof Stripe.errors.StripeError)) return error;
  const request = error.requestId === undefined ? '' : ` (request ${error.requestId})`;
  const said = error.message === '' ? error.type : error.message;
  return new AppError(codeOf(error), `${what}: ${said}${request}`, { cause: error });
}

/** The decline in an error of the SDK, or in one made of it; undefined when the card was not the reason. */
export function declineOf(error: unknown): CardDecline | undefined {
  const found = error instanceof AppError ? error.cause : error;
  if (!(found instanceof Stripe.errors.StripeCardError)) return undefined;
  return {
    code: found.code ?? 'card_declined',
    declineCode: textOf(found.decline_code),
    adviceCode: textOf(found.advice_code),
    networkDeclineCode: textOf(found.network_decline_code),
    networkAdviceCode: textOf(found.network_advice_code),
    paymentIntent: idOf(found.payment_intent),
    charge: textOf(found.charge),
    requestId: found.requestId,
  };
}

function codeOf(error: InstanceType<typeof Stripe.errors.StripeError>): ErrorCode {
  const { errors } = Stripe;
  if (error instanceof errors.StripeConnectionError) return 'STRIPE_UNREACHABLE';
  if (error instanceof errors.StripeRateLimitError) return 'STRIPE_RATE_LIMITED';
  if (error instanceof errors.StripeAuthenticationError) return 'STRIPE_KEY_REFUSED';
  if (error instanceof errors.StripePermissionError) return 'STRIPE_NOT_PERMITTED';
  if (error instanceof errors.StripeIdempotencyError) return 'STRIPE_IDEMPOTENCY';
  if (error instanceof errors.StripeCardError) return 'STRIPE_CARD_DECLINED';
  if (error.code === 'resource_missing' || error.statusCode === 404) return 'STRIPE_NOT_FOUND';
  if (error instanceof errors.StripeInvalidRequestError) return 'STRIPE_REFUSED';
  if (error.statusCode === 409) return 'STRIPE_BUSY';
  return 'STRIPE_FAILED';
}

function idOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || !('id' in value)) return undefined;
  return textOf(value.id);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
