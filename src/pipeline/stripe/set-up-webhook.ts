import { SUBSCRIBED_EVENTS } from '../../domain/payments/event-kinds.ts';
import { AppError } from '../../errors.ts';
import type { StripePort, WebhookEndpoint } from './stripe-port.ts';

export interface WebhookSetUp {
  readonly endpoint: WebhookEndpoint;
  /** What signs its deliveries: Stripe says it once, when the endpoint is made. */
  readonly secret: string | null;
  /** Events that are asked for and not sent to it, and the other way round. */
  readonly missing: readonly string[];
}

/** Makes the webhook endpoint with the version pinned, or looks at the one that is there. Repeating it changes nothing. */
export async function setUpWebhook(stripe: StripePort, url: string): Promise<WebhookSetUp> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new AppError('CLI_USAGE', `${JSON.stringify(url)} is not an address.`, {
      fix: 'Give the address that Stripe reaches, such as https://billing.example.com/webhooks/stripe.',
    });
  }
  const known = (await stripe.webhooks.list()).find((endpoint) => endpoint.url === url);
  const made = known === undefined ? await stripe.webhooks.create({ url, types: SUBSCRIBED_EVENTS }) : undefined;
  const endpoint = known ?? made?.endpoint;
  if (endpoint === undefined) throw new Error('an endpoint is known or made');
  const sent = new Set(endpoint.types);
  const missing = sent.has('*') ? [] : SUBSCRIBED_EVENTS.filter((type) => !sent.has(type));
  return { endpoint, secret: made?.secret ?? null, missing };
}
