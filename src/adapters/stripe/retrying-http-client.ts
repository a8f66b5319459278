import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';

const TOO_MANY_REQUESTS = 429;
const DELAYS_MS = [500, 1_000, 2_000, 4_000];
const RETRY_AFTER_SECONDS_MAX = 60;

type HttpClient = ReturnType<typeof Stripe.createNodeHttpClient>;
type MakeRequest = HttpClient['makeRequest'];

export interface BackOff {
  /** Waits between attempts; as many more attempts as there are waits. */
  readonly delaysMs?: readonly number[];
  readonly pause?: (ms: number) => Promise<unknown>;
  /** From 0 to below 1, so that processes held up together do not come back together. */
  readonly chance?: () => number;
}

/**
 * The SDK's own HTTP client, with patience for "429 Too Many Requests": the SDK repeats connection errors, 409 and 5xx,
 * and never 429. Headers are sent again as they were, so the idempotency key stays the same.
 */
export function retryingHttpClient(backOff: BackOff = {}): HttpClient {
  const inner = Stripe.createNodeHttpClient();
  const { delaysMs = DELAYS_MS, pause = (ms: number) => sleep(ms), chance = Math.random } = backOff;
  const makeRequest: MakeRequest = async (...request) => {
    for (const delayMs of delaysMs) {
      const response = await inner.makeRequest(...request);
      const headers = response.getHeaders();
      if (response.getStatusCode() !== TOO_MANY_REQUESTS || headers['stripe-should-retry'] === 'false') return response;
      // The body is read so that the connection can be used again.
      await response.toJSON().catch(() => undefined);
      await pause(waitMs(headers['retry-after'], delayMs, chance()));
    }
    return inner.makeRequest(...request);
  };
  return { getClientName: () => inner.getClientName(), makeRequest };
}

function waitMs(retryAfter: unknown, delayMs: number, chance: number): number {
  const seconds = Number(retryAfter);
  if (retryAfter !== undefined && seconds > 0) return Math.min(seconds, RETRY_AFTER_SECONDS_MAX) * 1_000;
  return delayMs * (0.5 + chance / 2);
}
