import type { MoneyStore } from './money-store.ts';
import type { EventNotice } from './stripe-port.ts';

/** What a delivery's signature and body turned out to be. */
export type Verified =
  | { readonly is: 'genuine'; readonly notice: EventNotice }
  | {
      readonly is: 'refused';
      /** Stable words for logs and metrics. */
      readonly why:
        | 'no_signature'
        | 'wrong_signature'
        | 'too_old'
        | 'too_early'
        | 'not_an_event'
        | 'wrong_shape'
        | 'no_secret';
      readonly message: string;
    };

/** Checks a delivery against every secret in force; knows the clock's tolerance. */
export interface WebhookVerifier {
  readonly verify: (delivery: Delivery, nowMs: number) => Verified;
}

export interface Delivery {
  readonly shape: 'snapshot' | 'thin';
  /** The body as it came: one changed byte is another body. */
  readonly body: Uint8Array;
  readonly signature: string | undefined;
}

export interface WebhookAnswer {
  readonly status: 200 | 400;
  readonly body: { readonly received: boolean; readonly code?: string; readonly message?: string };
}

/**
 * Takes a delivery: verified, stored once by its event's id, answered. Nothing else happens here, so that Stripe has its
 * answer in milliseconds; what the event means is worked out from the queue. A repetition is answered like the first.
 * An error of the database is thrown: Stripe then delivers again.
 */
export async function receiveWebhook(
  parts: { readonly verifier: WebhookVerifier; readonly store: Pick<MoneyStore, 'events'>; readonly now: () => number },
  delivery: Delivery,
): Promise<WebhookAnswer> {
  const nowMs = parts.now();
  const verified = parts.verifier.verify(delivery, nowMs);
  if (verified.is === 'refused') {
    const code =
      verified.why === 'not_an_event' || verified.why === 'wrong_shape' ? 'WEBHOOK_INVALID' : 'WEBHOOK_SIGNATURE';
    return { status: 400, body: { received: false, code, message: verified.message } };
  }
  // No name of Stripe's holds such characters, and no column of ours can: two names could become one there. Refused, so
  // that Stripe keeps the event and delivers it again, and the look for missed events finds it.
  const broken = Object.values(verified.notice).some((value) => typeof value === 'string' && !isStorable(value));
  if (broken) {
    const message = 'A name in the event holds a NUL character or half of a surrogate pair.';
    return { status: 400, body: { received: false, code: 'WEBHOOK_INVALID', message } };
  }
  await parts.store.events.keep(verified.notice, 'webhook', nowMs);
  return { status: 200, body: { received: true } };
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}
