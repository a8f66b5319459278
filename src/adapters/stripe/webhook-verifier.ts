import Stripe from 'stripe';
import { z } from 'zod';
import type { Delivery, Verified, WebhookVerifier } from '../../pipeline/stripe/receive-webhook.ts';
import type { EventNotice } from '../../pipeline/stripe/stripe-port.ts';
import type { Secret } from '../../secret.ts';
import { readEvent } from './stripe-objects.ts';

/** How old a signature may be, and how far ahead of our clock: a body that was recorded cannot be sent again later. */
const TOLERANCE_SECONDS = 300;
const BODY_BYTES_MAX = 1_048_576;

const snapshotSchema = z.object({
  id: z.string().min(1).max(255),
  object: z.literal('event'),
  type: z.string().min(1).max(255),
  api_version: z.string().nullable().optional(),
  created: z.number().int().nonnegative(),
  livemode: z.boolean(),
  data: z.object({ object: z.record(z.string(), z.unknown()) }),
});

const thinSchema = z.object({
  id: z.string().min(1).max(255),
  object: z.literal('v2.core.event'),
  type: z.string().min(1).max(255),
  created: z.iso.datetime({ offset: true }),
  livemode: z.boolean(),
  related_object: z.object({ id: z.string(), type: z.string() }).nullish(),
});

/** Checks deliveries against the secrets of their endpoint; several while one is replaced by another. */
export function createWebhookVerifier(secrets: {
  readonly snapshot: readonly Secret[];
  readonly thin: readonly Secret[];
}): WebhookVerifier {
  return {
    verify(delivery, nowMs) {
      const known = delivery.shape === 'snapshot' ? secrets.snapshot : secrets.thin;
      if (known.length === 0) return refuse('no_secret', 'No signing secret of this endpoint is set.');
      if (delivery.body.length > BODY_BYTES_MAX) return refuse('not_an_event', 'The body is larger than an event.');
      const { signature } = delivery;
      if (signature === undefined || signature === '')
        return refuse('no_signature', 'The header stripe-signature is missing.');
      if (!known.some((secret) => isSigned(delivery.body, signature, secret))) {
        return refuse('wrong_signature', 'No signature of the body fits a secret of this endpoint.');
      }
      return timeProblem(signature, nowMs) ?? read(delivery);
    },
  };
}

/** Whether one of the header's signatures is this secret's. Its time is looked at apart: the two have different cures. */
function isSigned(body: Uint8Array, signature: string, secret: Secret): boolean {
  // An empty one is no mistake of the sender's to the SDK but one of the caller's, with an error of another class.
  if (signature.split(',').some((item) => /^v1(?:=(?:=|$)|$)/.test(item))) return false;
  try {
    // A tolerance of zero and a clock of the signature's own leave nothing but the signature to check.
    return Stripe.webhooks.signature?.verifyHeader(body, signature, secret.reveal(), 0) ?? false;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
    throw error;
  }
}

function timeProblem(signature: string, nowMs: number): Verified | undefined {
  // The SDK reads the last of several times and signs that one: with two, what is checked here could be another.
  const times = signature.split(',').filter((item) => item.startsWith('t='));
  const [time = ''] = times;
  if (times.length !== 1 || !/^t=\d{1,12}$/.test(time)) {
    return refuse('wrong_signature', 'The signature header does not hold exactly one time.');
  }
  const seconds = Number(time.slice(2));
  const age = Math.floor(nowMs / 1_000) - seconds;
  if (age > TOLERANCE_SECONDS) {
    return refuse(
      'too_old',
      `The signature is ${age} seconds old; at most ${TOLERANCE_SECONDS} are believed. Check this machine's clock.`,
    );
  }
  if (age < -TOLERANCE_SECONDS) {
    return refuse('too_early', `The signature is ${-age} seconds ahead of this machine's clock. Check the clock.`);
  }
  return undefined;
}

function read({ shape, body }: Delivery): Verified {
  const json = parse(body);
  if (shape === 'thin') {
    const event = thinSchema.safeParse(json);
    if (event.success) return { is: 'genuine', notice: thinNotice(event.data) };
    return snapshotSchema.safeParse(json).success
      ? refuse('wrong_shape', 'This is a snapshot event; its endpoint is /webhooks/stripe.')
      : refuse('not_an_event', 'The body is no event of Stripe.');
  }
  const event = snapshotSchema.safeParse(json);
  // The fields that matter are checked; the rest is Stripe's, and nothing of it is believed.
  if (event.success) return { is: 'genuine', notice: readEvent(event.data as unknown as Stripe.Event) };
  return thinSchema.safeParse(json).success
    ? refuse('wrong_shape', 'This is a thin event; its endpoint is /webhooks/stripe/thin.')
    : refuse('not_an_event', 'The body is no event of Stripe.');
}

function thinNotice(event: z.infer<typeof thinSchema>): EventNotice {
  return {
    eventId: event.id,
    type: event.type,
    shape: 'thin',
    apiVersion: null,
    isLive: event.livemode,
    createdAtMs: Date.parse(event.created),
    objectId: event.related_object?.id ?? null,
    objectType: event.related_object?.type ?? null,
    paymentIntent: null,
    chargeId: null,
    customer: null,
  };
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function refuse(why: Extract<Verified, { readonly is: 'refused' }>['why'], message: string): Verified {
  return { is: 'refused', why, message };
}
