import type { UsageTotal } from './admin-store.ts';
import type { SettledTotals } from './quarantine-store.ts';
import { type SettleTotals, STAY_REASONS, type StayReason } from './settle-results.ts';

const NONE: UsageTotal = { events: 0, amount: 0n };

/** Nothing yet, in one currency. */
export function emptyTally(currency: string): SettleTotals {
  const stays = { wallet_frozen: NONE, over_limit: NONE, unknown_meter: NONE, in_future: NONE, too_large: NONE };
  return { currency, posted: NONE, voided: NONE, duplicates: NONE, stays };
}

/** A tally with some usage more that left quarantine. */
export function addClosed(tally: SettleTotals, as: 'posted' | 'voided' | 'duplicates', more: UsageTotal): SettleTotals {
  return { ...tally, [as]: sum(tally[as], more) };
}

/** A tally with one event more that stays. */
export function addStay(tally: SettleTotals, why: StayReason, amount: bigint): SettleTotals {
  return { ...tally, stays: { ...tally.stays, [why]: sum(tally.stays[why], { events: 1, amount }) } };
}

/** Tallies of single wallets as one for each currency, by its name. */
export function byCurrency(tallies: readonly SettleTotals[]): readonly SettleTotals[] {
  const merged = new Map<string, SettleTotals>();
  for (const tally of tallies) {
    merged.set(tally.currency, join(merged.get(tally.currency) ?? emptyTally(tally.currency), tally));
  }
  return [...merged.values()].sort((a, b) => (a.currency < b.currency ? -1 : 1));
}

/**
 * The same with what all attempts of a request closed: one that was cut off and sent again answers as if it had been
 * carried out at once.
 */
export function withSettled(
  tallies: readonly SettleTotals[],
  settled: readonly SettledTotals[],
): readonly SettleTotals[] {
  const missing = settled.filter(({ currency }) => tallies.every((tally) => tally.currency !== currency));
  return byCurrency([...tallies, ...missing.map(({ currency }) => emptyTally(currency))]).map((tally) => ({
    ...tally,
    ...settled.find(({ currency }) => currency === tally.currency),
  }));
}

function join(left: SettleTotals, right: SettleTotals): SettleTotals {
  let { stays } = left;
  for (const why of STAY_REASONS) stays = { ...stays, [why]: sum(stays[why], right.stays[why]) };
  return {
    currency: left.currency,
    posted: sum(left.posted, right.posted),
    voided: sum(left.voided, right.voided),
    duplicates: sum(left.duplicates, right.duplicates),
    stays,
  };
}

function sum(left: UsageTotal, right: UsageTotal): UsageTotal {
  return { events: left.events + right.events, amount: left.amount + right.amount };
}
