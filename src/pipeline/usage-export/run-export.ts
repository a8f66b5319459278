import { HOUR_MS, MINUTE_MS } from '../../domain/time.ts';
import { valueText } from '../../domain/usage-export/export-amount.ts';
import type { MeterTargets } from '../../domain/usage-export/meter-targets.ts';
import { exportIdentifier, isSafeToRepeat, judgeSummary, planExport } from '../../domain/usage-export/plan-export.ts';
import { hourOf } from '../../domain/usage-export/usage-change.ts';
import type { UsageExport } from './export-port.ts';
import type { DueHour, ExportStore, StoredExport } from './export-store.ts';

/** What exporting works with. */
export interface Exporting {
  readonly store: ExportStore;
  readonly meters: UsageExport;
  readonly targets: MeterTargets;
  readonly now: () => number;
  /** Told how long usage took to be taken by the meter, and to be counted there. */
  readonly onCleared?: (stage: 'exported' | 'confirmed', tookMs: readonly number[]) => void;
}

/** What one run did. */
export interface ExportRun {
  /** Events of the ledger that were added up. */
  readonly collected: number;
  readonly planned: number;
  readonly taken: number;
  readonly refused: number;
  /** Kept for the next run: Stripe did not answer. */
  readonly waiting: number;
  readonly blocked: number;
}

/** Usage is told this long after its hour has ended: what comes later is told by itself. */
export const SETTLE_MS = 5 * MINUTE_MS;
const HOURS_AT_ONCE = 500;
const EVENTS_AT_ONCE = 500;

/**
 * Brings the meters to what the ledger holds: adds up what was posted, keeps an event for each hour that differs, then
 * sends what is kept. An event stands in the database before it is sent and its identifier follows from what it tells, so
 * that whoever dies in between sends the same one again. One process at a time.
 *
 * @param isOpenHourTold tells the hour that has not ended yet, as far as it goes
 */
export function runExport(parts: Exporting, isOpenHourTold = false): Promise<ExportRun> {
  const { store, targets } = parts;
  return store.alone(async () => {
    await store.begin(targets, parts.now());
    let collected = 0;
    for (let more = true; more; ) {
      const page = await store.collect();
      collected += page.events;
      more = page.hasMore;
    }
    const planned = await planHours(parts, isOpenHourTold);
    const lost = await judgeUncertain(parts);
    const sent = await sendPending(parts);
    return { collected, ...planned, ...sent, waiting: sent.waiting + lost.unanswered };
  });
}

async function planHours({ store, targets, now }: Exporting, isOpenHourTold: boolean) {
  let [planned, blocked] = [0, 0];
  for (;;) {
    const nowMs = now();
    const beforeMs = isOpenHourTold ? nowMs + 1 : hourOf(nowMs - SETTLE_MS);
    const hours = await store.dueHours([...targets.keys()], beforeMs, HOURS_AT_ONCE);
    for (const hour of hours) {
      const outcome = await planHour(store, targets, hour, nowMs);
      if (outcome === 'blocked') blocked += 1;
      if (outcome === 'sent') planned += 1;
    }
    if (hours.length < HOURS_AT_ONCE) return { planned, blocked };
  }
}

async function planHour(
  store: ExportStore,
  targets: MeterTargets,
  hour: DueHour,
  nowMs: number,
): Promise<'sent' | 'nothing' | 'blocked'> {
  const target = targets.get(hour.meter);
  if (target === undefined) return 'nothing';
  const { scale, eventName } = target;
  const carry = await store.carryOf(hour);
  const plan = planExport(hour, { ledger: hour.ledger, exported: hour.exported, carry, scale }, nowMs);
  if (plan.kind === 'too_late') {
    await store.block(hour, 'too_late');
    return 'blocked';
  }
  if (plan.kind === 'nothing') {
    await store.plan({ hour, carry: plan.carry, event: undefined }, nowMs);
    return 'nothing';
  }
  const value = valueText(plan.valueSteps, scale);
  if (value === undefined) {
    await store.block(hour, 'value_too_long');
    return 'blocked';
  }
  const part = hour.parts + 1;
  const event = {
    identifier: exportIdentifier(hour, part),
    eventName,
    customer: hour.customer,
    value,
    atMs: plan.atMs,
    reason: plan.reason,
    part,
    valueSteps: plan.valueSteps,
    decimals: scale.decimals,
  };
  await store.plan({ hour, carry: plan.carry, event }, nowMs);
  return 'sent';
}

async function sendPending({ store, meters, now, onCleared }: Exporting) {
  const sums = { taken: 0, refused: 0, waiting: 0 };
  for (;;) {
    const waiting = await store.pending(EVENTS_AT_ONCE);
    const events = waiting.filter(({ firstAttemptMs }) => isSafeToRepeat(firstAttemptMs, now()));
    if (events.length === 0) return sums;
    await store.attempt(
      events.map(({ identifier }) => identifier),
      now(),
    );
    const sent = await meters.send(events);
    const tookMs = await store.settle(sent, now());
    onCleared?.('exported', tookMs);
    let isAnswered = true;
    for (const { status } of sent) {
      if (status === 'taken' || status === 'repeated') sums.taken += 1;
      else if (status === 'refused') sums.refused += 1;
      else {
        sums.waiting += 1;
        isAnswered = false;
      }
    }
    if (!isAnswered || waiting.length < EVENTS_AT_ONCE) return sums;
  }
}

/**
 * Events that were sent without an answer, so long ago that their identifiers are forgotten: what the meter has counted says
 * whether they arrived. Where it does not say, a person decides.
 */
async function judgeUncertain({ store, meters, now }: Exporting): Promise<{ readonly unanswered: number }> {
  const nowMs = now();
  const old = (await store.pending(EVENTS_AT_ONCE, nowMs)).filter(
    ({ firstAttemptMs }) => !isSafeToRepeat(firstAttemptMs, nowMs),
  );
  let unanswered = 0;
  for (const events of byHour(old)) {
    const [first] = events;
    if (first === undefined) continue;
    const fromMs = hourOf(first.atMs);
    const { eventName, customer } = first;
    const toMs = fromMs + HOUR_MS;
    const counted = await meters.hours({ eventName, customer, fromMs, toMs }).catch(() => null);
    if (counted === null) {
      unanswered += events.length;
      continue;
    }
    const sums = (await store.sumsIn(fromMs, toMs)).find(
      (sum) => sum.customer === customer && sum.eventName === eventName && sum.hourMs === fromMs,
    );
    const uncertain = events.reduce((sum, { valueSteps }) => sum + valueSteps, 0n);
    const verdict =
      counted === undefined || sums === undefined || sums.pending !== uncertain
        ? 'unknown'
        : judgeSummary({ seen: stepsOf(counted[0]?.value ?? 0, first.decimals), acknowledged: sums.taken, uncertain });
    await store.judge(
      events.map(({ identifier }) => identifier),
      verdict,
      nowMs,
    );
  }
  return { unanswered };
}

/** A meter's answer as steps of a value: it is a binary fraction, so the nearest one. */
export function stepsOf(value: number, decimals: number): bigint {
  return BigInt(Math.round(value * 10 ** decimals));
}

function byHour(events: readonly StoredExport[]): readonly (readonly StoredExport[])[] {
  const groups = new Map<string, StoredExport[]>();
  for (const event of events) {
    const key = JSON.stringify([event.customer, event.eventName, hourOf(event.atMs)]);
    groups.set(key, [...(groups.get(key) ?? []), event]);
  }
  return [...groups.values()];
}
