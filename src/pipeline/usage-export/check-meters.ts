import { HOUR_MS } from '../../domain/time.ts';
import { causeOf, isSettling, type MeterCause } from '../../domain/usage-export/compare-hour.ts';
import { quantityOf } from '../../domain/usage-export/export-amount.ts';
import type { MeterTargets } from '../../domain/usage-export/meter-targets.ts';
import type { ExportHour } from '../../domain/usage-export/plan-export.ts';
import { hourOf } from '../../domain/usage-export/usage-change.ts';
import { AppError } from '../../errors.ts';
import type { HourSums } from './export-store.ts';
import { type Exporting, stepsOf } from './run-export.ts';

/** An hour in which a meter and the ledger differ; values in steps of `decimals`. */
export interface MeterDifference extends ExportHour {
  readonly customer: string | null;
  readonly eventName: string;
  readonly decimals: number;
  readonly counted: bigint;
  readonly ledger: bigint;
  readonly cause: MeterCause;
}

export interface MeterCheck {
  readonly hours: number;
  readonly confirmed: number;
  /** Hours that may still change by themselves. */
  readonly settling: number;
  readonly differences: readonly MeterDifference[];
  /** Hours nobody could look at: no such meter, or no answer. */
  readonly unlooked: number;
}

/** Meters count what they were sent after a while. */
const CONFIRM_AFTER_MS = HOUR_MS;
const LOOK_AGAIN_MS = 6 * HOUR_MS;
const HOURS_AT_ONCE = 200;

/** Looks whether meters have counted what they took, so that it is known how long usage takes to be confirmed. */
export async function confirmTaken(parts: Exporting): Promise<MeterCheck> {
  const nowMs = parts.now();
  const hours = await parts.store.unconfirmed(nowMs - CONFIRM_AFTER_MS, nowMs - LOOK_AGAIN_MS, HOURS_AT_ONCE);
  return compare(parts, hours, new Map(), nowMs);
}

/**
 * Compares every hour of a window with what its meter has counted, and names why they differ. Changes nothing but what it
 * confirms: what was never sent is sent by the next run, everything else is for a person.
 */
export async function checkMeters(
  parts: Exporting,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<MeterCheck> {
  const { store, targets } = parts;
  const nowMs = parts.now();
  const unsent = new Map<string, Unsent>();
  for (const { quantity, isTooLate, ...hour } of await store.unsentIn(fromMs, toMs)) {
    unsent.set(keyOf(hour), { hour, quantity, isTooLate });
  }
  return compare(parts, await store.sumsIn(fromMs, toMs), unsentOf(unsent, targets), nowMs);
}

interface Unsent {
  readonly hour: ExportHour;
  readonly quantity: bigint;
  readonly isTooLate: boolean;
}

interface UnsentSteps extends Pick<Unsent, 'hour' | 'isTooLate'> {
  readonly steps: bigint;
  readonly eventName: string;
  readonly decimals: number;
}

function unsentOf(hours: ReadonlyMap<string, Unsent>, targets: MeterTargets): Map<string, UnsentSteps> {
  const found = new Map<string, UnsentSteps>();
  for (const [key, { hour, quantity, isTooLate }] of hours) {
    const target = targets.get(hour.meter);
    if (target === undefined) continue;
    const { scale, eventName } = target;
    const steps = quantity / quantityOf(1n, scale);
    if (steps !== 0n) found.set(key, { hour, steps, isTooLate, eventName, decimals: scale.decimals });
  }
  return found;
}

async function compare(
  { store, meters, onCleared }: Pick<Exporting, 'store' | 'meters' | 'onCleared'>,
  sums: readonly HourSums[],
  unsent: Map<string, UnsentSteps>,
  nowMs: number,
): Promise<MeterCheck> {
  const differences: MeterDifference[] = [];
  let [confirmed, settling, unlooked] = [0, 0, 0];
  for (const hours of byMeter(sums)) {
    const counted = await countedIn(meters, hours);
    for (const sum of hours) {
      const left = unsent.get(keyOf(sum));
      unsent.delete(keyOf(sum));
      if (counted === undefined) {
        unlooked += 1;
        continue;
      }
      const difference = differenceOf(sum, stepsOf(counted.get(sum.hourMs) ?? 0, sum.decimals), left);
      const tookMs = await store.checked(sum, difference === undefined, nowMs);
      onCleared?.('confirmed', tookMs);
      if (difference === undefined) confirmed += 1;
      else if (isSettling(sum, sum.lastSentMs, nowMs)) settling += 1;
      else differences.push(difference);
    }
  }
  for (const { hour, steps, isTooLate, eventName, decimals } of unsent.values()) {
    if (!isTooLate && isSettling(hour, nowMs - HOUR_MS, nowMs)) settling += 1;
    else
      differences.push({
        ...hour,
        customer: null,
        eventName,
        decimals,
        counted: 0n,
        ledger: steps,
        cause: isTooLate ? 'late' : 'not_sent',
      });
  }
  return { hours: sums.length + unsent.size, confirmed, settling, differences, unlooked };
}

function differenceOf(sum: HourSums, counted: bigint, left: UnsentSteps | undefined): MeterDifference | undefined {
  const { tenant, account, meter, hourMs, customer, eventName, decimals } = sum;
  const unsent = left === undefined || left.isTooLate ? 0n : left.steps;
  const tooLate = left?.isTooLate === true ? left.steps : 0n;
  const unacknowledged = sum.pending + sum.uncertain;
  const ledger = sum.taken + unacknowledged + sum.rejected + unsent + tooLate;
  const hour = {
    hourMs,
    counted,
    ledger,
    acknowledged: sum.taken,
    unacknowledged,
    rejected: sum.rejected,
    unsent,
    tooLate,
    sentValues: sum.sentValues,
  };
  const cause = causeOf(hour);
  if (cause === undefined) return undefined;
  return { tenant, account, meter, hourMs, customer, eventName, decimals, counted, ledger, cause };
}

/** Hours of one customer's meter, which are read with one question. */
function byMeter(sums: readonly HourSums[]): readonly (readonly HourSums[])[] {
  const groups = new Map<string, HourSums[]>();
  for (const sum of sums) {
    const key = JSON.stringify([sum.customer, sum.eventName]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [sum]);
    else known.push(sum);
  }
  return [...groups.values()];
}

async function countedIn(
  meters: Exporting['meters'],
  hours: readonly HourSums[],
): Promise<ReadonlyMap<number, number> | undefined> {
  const [first] = hours;
  if (first === undefined) return undefined;
  const times = hours.map(({ hourMs }) => hourMs);
  try {
    const rows = await meters.hours({
      eventName: first.eventName,
      customer: first.customer,
      fromMs: Math.min(...times),
      toMs: Math.max(...times) + HOUR_MS,
    });
    return rows === undefined ? undefined : new Map(rows.map(({ hourMs, value }) => [hourMs, value]));
  } catch (error) {
    // A customer who is gone there has counted nothing.
    if (error instanceof AppError && error.code === 'STRIPE_NOT_FOUND') return new Map();
    // Nobody answers: it is counted as not looked at, and the next check asks again.
    return undefined;
  }
}

function keyOf({ tenant, account, meter, hourMs }: ExportHour): string {
  return JSON.stringify([tenant, account, meter, hourOf(hourMs)]);
}
