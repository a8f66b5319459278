import type { AppError } from '../../errors.ts';

const PASSING: ReadonlySet<string> = new Set([
  'STRIPE_UNREACHABLE',
  'STRIPE_RATE_LIMITED',
  'STRIPE_BUSY',
  'STRIPE_FAILED',
  // A person sets another key; until then nothing is lost by waiting.
  'STRIPE_KEY_REFUSED',
  'STRIPE_NOT_PERMITTED',
]);

const FINAL: ReadonlySet<string> = new Set([
  'STRIPE_NOT_FOUND',
  'STRIPE_REFUSED',
  'STRIPE_IDEMPOTENCY',
  'STRIPE_CARD_DECLINED',
]);

/** Stripe could not answer, or not us, not now: the same request may succeed later. */
export function isPassing({ code }: AppError): boolean {
  return PASSING.has(code);
}

/** Stripe has answered, and would answer the same for ever. */
export function isFinal({ code }: AppError): boolean {
  return FINAL.has(code);
}
