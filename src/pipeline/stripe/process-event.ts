import { z } from 'zod';
import { eventSubject } from '../../domain/payments/event-kinds.ts';
import { AppError } from '../../errors.ts';
import type { DeliveredJob } from '../ingest/queue-port.ts';
import { isFinal } from './failures.ts';
import type { MoneyIn } from './money-in.ts';
import type { EventStatus, StoredEvent } from './money-store.ts';
import { settleCheckout } from './settle-checkout.ts';
import { type Settled, settlePayment } from './settle-payment.ts';

/** Acts on events that are not about money in, such as error reports of meters; undefined leaves them alone. */
export type OtherEvents = (event: StoredEvent) => Promise<'done' | 'ignored' | undefined>;

const jobSchema = z.object({ v: z.literal(1), event: z.string() });

/** A job of the queue `stripe-events`. */
export async function processEventJob(money: MoneyIn, job: DeliveredJob, others?: OtherEvents): Promise<unknown> {
  const { event } = jobSchema.parse(job.data);
  return { event, status: await processEvent(money, event, others) };
}

/**
 * Works one stored event off: fetches what it is about and brings the books there. What Stripe does not answer is thrown,
 * so that the queue tries again; what cannot be mended by trying is kept, with a reason and a case. Nothing is dropped.
 */
export async function processEvent(
  money: MoneyIn,
  eventId: string,
  others?: OtherEvents,
): Promise<EventStatus | 'unknown'> {
  const { store } = money;
  const event = await store.events.read(eventId);
  if (event === undefined) return 'unknown';
  if (event.status === 'done') return 'done';
  const { status, reason } = await workOff(money, event, others);
  await store.events.settle(eventId, status, reason, money.now());
  return status;
}

interface Outcome {
  readonly status: EventStatus;
  readonly reason: string | null;
}

async function workOff(money: MoneyIn, event: StoredEvent, others: OtherEvents | undefined): Promise<Outcome> {
  if (event.isLive !== money.stripe.isLive) {
    const mode = event.isLive ? 'live' : 'test';
    return keep(money, event, `an event of ${mode} mode, and our key is not of that mode`);
  }
  const subject = event.shape === 'snapshot' ? eventSubject(event.type) : 'none';
  try {
    switch (subject) {
      case 'payment':
        return await aboutPayment(money, event);
      case 'checkout':
        return event.objectId === null
          ? await keep(money, event, 'the event names no page')
          : outcomeOf(await settleCheckout(money, event.objectId));
      case 'card':
        if (event.objectId !== null)
          await money.store.customers.dropCard({ paymentMethod: event.objectId }, money.now());
        return DONE;
      case 'customer':
        if (event.objectId !== null) await money.store.customers.dropCard({ customer: event.objectId }, money.now());
        return DONE;
      default: {
        const status = await others?.(event);
        return status === 'done' ? DONE : { status: 'ignored', reason: 'nothing to do for this type' };
      }
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (!isFinal(error)) throw error;
    return keep(money, event, error.message);
  }
}

const DONE: Outcome = { status: 'done', reason: null };

async function aboutPayment(money: MoneyIn, event: StoredEvent): Promise<Outcome> {
  const paymentIntent =
    event.paymentIntent ?? (event.chargeId === null ? null : await money.stripe.paymentOfCharge(event.chargeId));
  if (paymentIntent !== null) return outcomeOf(await settlePayment(money, paymentIntent));
  // A charge without a PaymentIntent is not one of ours: those are all made by one.
  if (event.customer === null || (await money.store.customers.byId(event.customer)) !== undefined) {
    return { status: 'ignored', reason: 'not a top-up: it has no PaymentIntent' };
  }
  return keep(money, event, `customer ${event.customer} pays and belongs to no account`);
}

function outcomeOf(settled: Settled): Outcome {
  if (settled.is === 'settled') return DONE;
  return { status: settled.is, reason: settled.because };
}

async function keep(money: MoneyIn, event: StoredEvent, because: string): Promise<Outcome> {
  const subject = event.objectId ?? event.eventId;
  const title = `Event ${event.eventId} (${event.type}) was kept: ${because}`.slice(0, 400);
  const detail = { event: event.eventId, type: event.type };
  await money.store.openCase({ kind: 'event_kept', subject, title, tenant: null, account: null, detail }, money.now());
  return { status: 'kept', reason: because };
}
