import type Stripe from 'stripe';
import { HOUR_MS, MINUTE_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { ExportEvent, SentEvent, UsageExport } from '../../pipeline/usage-export/export-port.ts';
import { Secret } from '../../secret.ts';
import { callStripe, toAppError } from './errors.ts';
import { readMeterErrorReport } from './meter-error-report.ts';

const STREAM_EVENTS_MAX = 100;
/** A session is renewed so long before its end. */
const SESSION_MARGIN_MS = MINUTE_MS;
/** After a refused session the older door is used, and the stream is tried again after so long. */
const WITHOUT_STREAM_MS = HOUR_MS;
const DUPLICATE = 'duplicate_meter_event';
/** Keys without the right to open a session, and accounts without the stream. */
const NO_STREAM: ReadonlySet<string> = new Set(['STRIPE_NOT_PERMITTED', 'STRIPE_NOT_FOUND', 'STRIPE_REFUSED']);

export interface UsageMetersOptions {
  readonly stripe: Stripe;
  /** A client that speaks with the token of a session instead of a key. */
  readonly clientOf: (token: Secret) => Stripe;
  readonly now: () => number;
}

/**
 * Stripe's meters as the place usage is exported to: the v2 stream, and single v1 events where a session is refused. The
 * stream says nothing of single events: what it cannot count comes later in error reports.
 */
export function createUsageMeters({ stripe, clientOf, now }: UsageMetersOptions): UsageExport {
  let session: { readonly client: Stripe; readonly expiresAtMs: number } | undefined;
  let streamAgainMs = Number.NEGATIVE_INFINITY;
  const meterIds = new Map<string, string>();

  async function openSession(): Promise<Stripe | undefined> {
    if (now() < streamAgainMs) return undefined;
    if (session !== undefined && now() < session.expiresAtMs - SESSION_MARGIN_MS) return session.client;
    try {
      const opened = await callStripe('opening a session for usage', () =>
        stripe.v2.billing.meterEventSession.create(),
      );
      session = {
        client: clientOf(new Secret(opened.authentication_token)),
        expiresAtMs: Date.parse(opened.expires_at),
      };
      return session.client;
    } catch (error) {
      if (!(error instanceof AppError && NO_STREAM.has(error.code))) throw error;
      streamAgainMs = now() + WITHOUT_STREAM_MS;
      return undefined;
    }
  }

  async function sendChunk(events: readonly ExportEvent[]): Promise<readonly SentEvent[]> {
    for (let attempt = 0; ; attempt++) {
      let client: Stripe | undefined;
      try {
        client = await openSession();
      } catch (error) {
        return events.map((event) => failed(event, 'unsent', error));
      }
      if (client === undefined) return sendOneByOne(stripe, events);
      try {
        await client.v2.billing.meterEventStream.create({ events: events.map(streamed) });
        return events.map(({ identifier }) => ({ identifier, status: 'taken' }));
      } catch (error) {
        // Our clock may differ from Stripe's, so a session may end before it should.
        if (isExpired(error) && attempt === 0) {
          session = undefined;
          continue;
        }
        if (!isRefusal(error)) return events.map((event) => failed(event, 'unknown', error));
        // One event has spoilt the request: one by one, the others get through.
        return sendOneByOne(stripe, events);
      }
    }
  }

  async function meterOf(eventName: string): Promise<string | undefined> {
    const known = meterIds.get(eventName);
    if (known !== undefined) return known;
    for await (const meter of stripe.billing.meters.list({ status: 'active', limit: 100 })) {
      meterIds.set(meter.event_name, meter.id);
    }
    return meterIds.get(eventName);
  }

  return {
    async send(events) {
      const sent: SentEvent[] = [];
      for (let from = 0; from < events.length; from += STREAM_EVENTS_MAX) {
        const chunk = await sendChunk(events.slice(from, from + STREAM_EVENTS_MAX));
        sent.push(...chunk);
        const last = chunk.at(-1);
        if (last?.status !== 'unknown' && last?.status !== 'unsent') continue;
        // Stripe does not answer: the rest would only wait for the same.
        sent.push(
          ...events.slice(sent.length).map(({ identifier }) => ({ ...last, identifier, status: 'unsent' as const })),
        );
        break;
      }
      return sent;
    },
    errorReport: (eventId) =>
      callStripe('fetching an error report', async () =>
        readMeterErrorReport(await stripe.v2.core.events.retrieve(eventId)),
      ),
    async cancel(eventName, identifier) {
      try {
        await callStripe('taking usage back', () =>
          stripe.billing.meterEventAdjustments.create({
            event_name: eventName,
            type: 'cancel',
            cancel: { identifier },
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof AppError && (error.code === 'STRIPE_NOT_FOUND' || error.code === 'STRIPE_REFUSED')) {
          return false;
        }
        throw error;
      }
    },
    hours: ({ eventName, customer, fromMs, toMs }) =>
      callStripe('reading what a meter has counted', async () => {
        const meter = await meterOf(eventName);
        if (meter === undefined) return undefined;
        const hours: { hourMs: number; value: number }[] = [];
        for await (const row of stripe.billing.meters.listEventSummaries(meter, {
          customer,
          start_time: fromMs / 1_000,
          end_time: toMs / 1_000,
          value_grouping_window: 'hour',
          limit: 100,
        })) {
          hours.push({ hourMs: row.start_time * 1_000, value: row.aggregated_value });
        }
        return hours.sort((a, b) => a.hourMs - b.hourMs);
      }),
  };
}

async function sendOneByOne(stripe: Stripe, events: readonly ExportEvent[]): Promise<readonly SentEvent[]> {
  const sent: SentEvent[] = [];
  for (const event of events) {
    const { identifier, eventName, customer, value, atMs } = event;
    try {
      await stripe.billing.meterEvents.create({
        event_name: eventName,
        identifier,
        payload: { stripe_customer_id: customer, value },
        timestamp: Math.floor(atMs / 1_000),
      });
      sent.push({ identifier, status: 'taken' });
    } catch (error) {
      if (isRepeated(error)) sent.push({ identifier, status: 'repeated' });
      else if (isRefusal(error)) sent.push(failed(event, 'refused', error));
      else {
        sent.push(failed(event, 'unknown', error));
        const rest = events.slice(sent.length);
        return [...sent, ...rest.map((later) => failed(later, 'unsent', error))];
      }
    }
  }
  return sent;
}

function streamed({ identifier, eventName, customer, value, atMs }: ExportEvent) {
  return {
    event_name: eventName,
    identifier,
    payload: { stripe_customer_id: customer, value },
    timestamp: new Date(atMs).toISOString(),
  };
}

function failed(event: ExportEvent, status: 'refused' | 'unsent' | 'unknown', error: unknown): SentEvent {
  const found = toAppError('sending usage', error);
  if (!(found instanceof AppError)) throw error;
  const reason = status === 'refused' ? stripeCode(error) : undefined;
  return { identifier: event.identifier, status, code: reason ?? found.code, message: found.message };
}

function isRefusal(error: unknown): boolean {
  const found = toAppError('sending usage', error);
  return found instanceof AppError && (found.code === 'STRIPE_REFUSED' || found.code === 'STRIPE_NOT_FOUND');
}

/** The code, or the words where an older answer has no code. */
function isRepeated(error: unknown): boolean {
  if (stripeCode(error) === DUPLICATE) return true;
  return isRefusal(error) && error instanceof Error && error.message.includes('already exists with identifier');
}

function isExpired(error: unknown): boolean {
  return error instanceof Error && 'type' in error && error.type === 'TemporarySessionExpiredError';
}

function stripeCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
