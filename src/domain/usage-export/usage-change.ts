import { parseQuantity } from '../money/quantity.ts';
import { HOUR_MS } from '../time.ts';
import { QUANTITY_DECIMALS } from './export-amount.ts';
import type { ExportHour } from './plan-export.ts';

/** Usage that came to an hour, or left it; 10^-18 of the meter's unit. */
export interface UsageChange extends ExportHour {
  readonly quantity: bigint;
  readonly postedAtMs: number;
}

/** A quantity as an event has it, in 10^-18 of its unit; undefined when it is none. */
export function exactQuantity(text: string): bigint | undefined {
  const quantity = parseQuantity(text);
  if (typeof quantity === 'string') return undefined;
  return quantity.coefficient * 10n ** BigInt(QUANTITY_DECIMALS - quantity.decimals);
}

/** The hour, UTC, that usage of a moment belongs to. */
export function hourOf(ms: number): number {
  return Math.floor(ms / HOUR_MS) * HOUR_MS;
}

/** One correction of an event, as far as quantities go; `quantity` is null where only the charge was changed. */
export interface QuantityCorrection {
  readonly correctionNo: number;
  readonly kind: 'void' | 'amend';
  readonly quantity: string | null;
}

/**
 * By how much one of an event's corrections changed the usage, given all of them: a void takes what was in force until then,
 * an amended quantity stands in its place, and a changed charge leaves the usage as it was.
 */
export function correctedBy(
  original: string,
  corrections: readonly QuantityCorrection[],
  correctionNo: number,
): bigint | undefined {
  const ordered = [...corrections].sort((a, b) => a.correctionNo - b.correctionNo);
  const wanted = ordered.find((correction) => correction.correctionNo === correctionNo);
  if (wanted === undefined) return undefined;
  let inForce = exactQuantity(original);
  for (const { correctionNo: no, quantity } of ordered)
    if (no < correctionNo && quantity !== null) inForce = exactQuantity(quantity);
  if (inForce === undefined) return undefined;
  if (wanted.kind === 'void') return -inForce;
  if (wanted.quantity === null) return 0n;
  const amended = exactQuantity(wanted.quantity);
  return amended === undefined ? undefined : amended - inForce;
}

/** Changes of the same customer, meter and hour, added up; the newest posting counts. */
export function addUp(changes: Iterable<UsageChange>): readonly UsageChange[] {
  const sums = new Map<string, UsageChange>();
  for (const change of changes) {
    const key = JSON.stringify([change.tenant, change.account, change.meter, change.hourMs]);
    const known = sums.get(key);
    sums.set(
      key,
      known === undefined
        ? change
        : {
            ...known,
            quantity: known.quantity + change.quantity,
            postedAtMs: Math.max(known.postedAtMs, change.postedAtMs),
          },
    );
  }
  return [...sums.values()];
}
