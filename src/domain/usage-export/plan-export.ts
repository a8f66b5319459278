import { createHash } from 'node:crypto';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time.ts';
import { type ExportedAmount, type ExportScale, exportAmount } from './export-amount.ts';

/** Stripe remembers identifiers, and lets events be cancelled, for so long after it took them. */
export const IDENTIFIER_WINDOW_MS = DAY_MS;
/** Stripe takes events of so long ago. */
export const PAST_WINDOW_MS = 35 * DAY_MS;
/** Kept clear of both: a request may be under way for a while, and clocks differ. */
export const WINDOW_MARGIN_MS = 10 * MINUTE_MS;

/** Usage of one customer and meter in one hour, UTC, of the source's clock. */
export interface ExportHour {
  readonly tenant: string;
  readonly account: string;
  readonly meter: string;
  /** Begin of the hour. */
  readonly hourMs: number;
}

export type ExportPlan =
  | { readonly kind: 'nothing'; readonly carry: bigint }
  /** An event of the hour itself, or of the present hour where the hour went down. */
  | ({ readonly kind: 'send'; readonly atMs: number; readonly reason: 'usage' | 'correction' } & ExportedAmount)
  /** Usage of an hour that Stripe no longer takes: a person decides. */
  | { readonly kind: 'too_late'; readonly quantity: bigint };

/**
 * What to send for an hour, given what the ledger holds and what earlier events of this hour stand for, both in 10^-18 of
 * the meter's unit. Less usage than exported is taken back in the present hour; earlier events are not touched. Unless it
 * is too late, the hour is exported up to what the ledger holds afterwards, with the carry that the plan names.
 */
export function planExport(
  hour: Pick<ExportHour, 'hourMs'>,
  amounts: { readonly ledger: bigint; readonly exported: bigint; readonly carry: bigint; readonly scale: ExportScale },
  nowMs: number,
): ExportPlan {
  const quantity = amounts.ledger - amounts.exported;
  if (quantity === 0n) return { kind: 'nothing', carry: amounts.carry };
  const isCorrection = quantity < 0n;
  const atMs = isCorrection ? nowMs - (nowMs % HOUR_MS) : hour.hourMs;
  if (atMs < nowMs - PAST_WINDOW_MS + WINDOW_MARGIN_MS) return { kind: 'too_late', quantity };
  const amount = exportAmount(quantity, amounts.carry, amounts.scale);
  if (amount.valueSteps === 0n) return { kind: 'nothing', carry: amount.carry };
  return { kind: 'send', atMs, reason: isCorrection ? 'correction' : 'usage', ...amount };
}

/**
 * The identifier of an event: the same hour and part always give the same one. Lengths stand before the names, so that no
 * two hours are written alike. 68 characters of the 100 that Stripe takes.
 */
export function exportIdentifier({ tenant, account, meter, hourMs }: ExportHour, part: number): string {
  const names = [tenant, account, meter].map((name) => `${name.length}:${name}`).join('');
  return `tk1-${createHash('sha256').update(`${names}${hourMs}/${part}`).digest('hex')}`;
}

/**
 * Whether an event that may have been sent before can be sent again under its identifier. After a day the identifier is
 * forgotten, and the event would count twice: what the meter has must be looked at first.
 */
export function isSafeToRepeat(firstAttemptMs: number | null, nowMs: number): boolean {
  return firstAttemptMs === null || nowMs - firstAttemptMs < IDENTIFIER_WINDOW_MS - WINDOW_MARGIN_MS;
}

/** Whether an event that was taken can still be cancelled. */
export function isCancellable(takenAtMs: number, nowMs: number): boolean {
  return nowMs - takenAtMs < IDENTIFIER_WINDOW_MS - WINDOW_MARGIN_MS;
}

/**
 * What the meter's sum of an hour says of events whose fate is unknown: `arrived` or `lost`, or `unknown` when it is neither
 * with all of them nor without any (some arrived, or somebody else writes to the meter). Steps of the value.
 */
export function judgeSummary(sums: {
  readonly seen: bigint;
  readonly acknowledged: bigint;
  readonly uncertain: bigint;
}): 'arrived' | 'lost' | 'unknown' {
  if (sums.uncertain !== 0n && sums.seen === sums.acknowledged + sums.uncertain) return 'arrived';
  if (sums.uncertain !== 0n && sums.seen === sums.acknowledged) return 'lost';
  return 'unknown';
}
