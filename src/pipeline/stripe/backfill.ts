import { z } from 'zod';
import { SUBSCRIBED_EVENTS } from '../../domain/payments/event-kinds.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/time.ts';
import type { MoneyIn } from './money-in.ts';

/** Stripe keeps events for 30 days. */
export const EVENTS_KEPT_MS = 30 * DAY_MS;
/** Events are listed a moment after they happen, and clocks differ: what was seen is looked at again this far back. */
const OVERLAP_MS = HOUR_MS;
/** What waits longer than this has lost its job. */
const STUCK_MS = 15 * MINUTE_MS;

const throughSchema = z.object({ throughMs: z.number() });

export interface Backfilled {
  readonly sinceMs: number;
  /** The oldest events wanted are no longer kept by Stripe: what happened before has to be reconciled. */
  readonly isCut: boolean;
  readonly seen: number;
  readonly missed: number;
  /** Stored before and handed to the queue again. */
  readonly requeued: number;
}

/**
 * Fetches what webhooks did not bring: every subscribed event since the last time, or since a moment. The first time that is
 * the last hour: before, nothing was ours. Stored by their ids
 * like deliveries, so an event that came both ways is one event. The position moves only when the list was read to its end.
 */
export async function backfill(money: Pick<MoneyIn, 'stripe' | 'store' | 'now'>, fromMs?: number): Promise<Backfilled> {
  const { stripe, store } = money;
  const nowMs = money.now();
  const known = throughSchema.safeParse(await store.fact('events_through'));
  const wantedMs = fromMs ?? (known.success ? known.data.throughMs : nowMs) - OVERLAP_MS;
  const sinceMs = Math.max(wantedMs, nowMs - EVENTS_KEPT_MS);
  let seen = 0;
  let missed = 0;
  for (const types of pagesOf(SUBSCRIBED_EVENTS, TYPES_MAX)) {
    for await (const notice of stripe.events({ types, sinceMs })) {
      seen++;
      if (await store.events.keep(notice, 'backfill', nowMs)) missed++;
    }
  }
  const requeued = await store.events.requeue({ waitingBeforeMs: nowMs - STUCK_MS }, nowMs);
  if (!known.success || known.data.throughMs < nowMs)
    await store.setFact('events_through', { throughMs: nowMs }, nowMs);
  return { sinceMs, isCut: wantedMs < sinceMs, seen, missed, requeued };
}

/** Types that `events.list` takes at once. */
const TYPES_MAX = 20;

function pagesOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const pages: T[][] = [];
  for (let index = 0; index < items.length; index += size) pages.push(items.slice(index, index + size));
  return pages;
}
