import { priorRarity } from '../calibration/calibration.ts';
import type { Usual } from '../detectors/detector.ts';
import type { StreamEvidence } from '../detectors/stream-detector.ts';
import { hourOfFine } from '../features/feature-spec.ts';
import { type AccountFeatures, NO_CHANGE, type Series } from '../features/feature-state.ts';
import { type History, readHistory } from '../features/history.ts';
import { ringAt, ringSum } from '../features/ring.ts';
import { round6 } from '../math.ts';
import type { CompiledRule } from '../rules/compiled-rule.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import type { ShownRule } from '../rules/shown-rule.ts';

/*
 * Per rule eight numbers: the bucket the window ends with, the sum of the window's closed buckets, the cut-off, the hour
 * it holds for, whether it is exact (1) or only a lower bound (0), a lower bound that holds until an hour, and what the
 * window held beyond everything that was ever added when it was last summed. Everything is recomputed from the stored buckets in one fixed order, so an account that was just loaded judges to the bit like one
 * that stayed in memory.
 */
const STRIDE = 8;
const WINDOW_END = 0;
const CLOSED_SUM = 1;
const CUTOFF = 2;
const CUTOFF_HOUR = 3;
const IS_EXACT = 4;
const FLOOR = 5;
const FLOOR_UNTIL = 6;
const BEYOND = 7;

/** A floor is computed once for so many hours, and again after a day when a window has reached it. */
const FLOOR_HOURS = 168;
const FLOOR_HOURS_MIN = 24;

/** Rarity of what a rule that is shown events sees now: its open incident's, until the window has passed. */
function rarityOf(features: AccountFeatures, { id, shown }: CompiledRule): number {
  if (shown?.kind === 'fleet') {
    const mark = features.fleet.find(({ ruleId }) => ruleId === id);
    return mark === undefined ? 0 : round6(priorRarity(shown.fleet.prior, mark.raw));
  }
  if (shown === undefined) return 0;
  const slot = features.streams?.slots[shown.index];
  return slot === undefined || slot.peak === 0 ? 0 : round6(priorRarity(shown.stream.prior, slot.peak));
}

/** Makes the cache fit the ruleset, and forgets what the latest folds have made untrue. */
export function refreshCache(features: AccountFeatures, ruleset: Ruleset): void {
  const { transient } = features;
  if (transient.cacheKey !== ruleset) {
    transient.cacheKey = ruleset;
    transient.cache = new Array<number>(ruleset.judgedRules.length * STRIDE).fill(-1);
    for (let at = BEYOND; at < transient.cache.length; at += STRIDE) transient.cache[at] = Number.POSITIVE_INFINITY;
    transient.changedFromFine = NO_CHANGE;
    return;
  }
  const changed = transient.changedFromFine;
  if (changed === NO_CHANGE) return;
  transient.changedFromFine = NO_CHANGE;
  const changedHour = hourOfFine(changed);
  for (let index = 0; index < ruleset.judgedRules.length; index++) {
    const rule = ruleset.judgedRules[index];
    if (rule === undefined) continue;
    const at = index * STRIDE;
    transient.cache[at + WINDOW_END] = -1;
    // A change behind the window's own hours is a change of what was learned.
    if (changedHour > hourOfFine(headOf(features, rule)) - rule.detector.gapHours) continue;
    transient.cache[at + CUTOFF_HOUR] = -1;
    transient.cache[at + FLOOR_UNTIL] = -1;
  }
}

/** Sum of the rule's window, which ends with the account's newest bucket. */
export function observedBy(features: AccountFeatures, rule: CompiledRule, index: number): number {
  if (rule.shown !== undefined) return rarityOf(features, rule);
  const series = features.series[rule.featureIndex];
  if (series === undefined) return 0;
  const ring = rule.detector.bucket === 'hour' ? series.hourly : series.fine;
  if (ring === null) return 0;
  const cache = features.transient.cache;
  const at = index * STRIDE;
  const end = windowEnd(features, rule);
  if (cache[at + WINDOW_END] !== end) {
    cache[at + WINDOW_END] = end;
    cache[at + CLOSED_SUM] = ringSum(ring, end - 1, rule.detector.windowBuckets - 1);
  }
  return round6((cache[at + CLOSED_SUM] ?? 0) + ringAt(ring, end));
}

// Rounding of sums that are not whole; far above what doubles lose in a billion additions.
const ROUNDING_SHARE = 1e-7;

/**
 * Whether the window could be over the cut-off at all. Since it was last summed it holds at most what it held then and what
 * was added since; while that is too little to matter, no bucket is read. Exact: never false when the rule would fire.
 */
export function canReach(features: AccountFeatures, rule: CompiledRule, index: number): boolean {
  const { cache, totals } = features.transient;
  const at = index * STRIDE;
  const total = totals[rule.featureIndex] ?? 0;
  const most = (cache[at + BEYOND] ?? Number.POSITIVE_INFINITY) + total;
  let least = rule.detector.observedMin;
  if (hourOfFine(headOf(features, rule)) <= (cache[at + FLOOR_UNTIL] ?? -1))
    least = Math.max(least, cache[at + FLOOR] ?? 0);
  return !(most + (total + least) * ROUNDING_SHARE + 1e-5 < least);
}

/** Remembers what the window held, for `canReach`. */
export function noteObserved(features: AccountFeatures, rule: CompiledRule, index: number, observed: number): void {
  const { cache, totals } = features.transient;
  cache[index * STRIDE + BEYOND] = observed - (totals[rule.featureIndex] ?? 0);
}

/** Whether the rule fires at this observed value. Computes the cut-off at most once an hour, and only if it matters. */
export function isOverCutoff(features: AccountFeatures, rule: CompiledRule, index: number, observed: number): boolean {
  if (rule.shown !== undefined) return observed >= rule.shown.rarity;
  if (!(observed > 0) || observed < rule.detector.observedMin) return false;
  const cache = features.transient.cache;
  const at = index * STRIDE;
  const hour = hourOfFine(headOf(features, rule));
  if (cache[at + CUTOFF_HOUR] !== hour) {
    if (observed < floorFor(features, rule, { at, hour, observed })) return false;
    cache[at + CUTOFF_HOUR] = hour;
    cache[at + CUTOFF] = rule.detector.cutoffMin(historyFor(features, rule));
    cache[at + IS_EXACT] = 0;
  }
  if (observed < (cache[at + CUTOFF] ?? Number.POSITIVE_INFINITY)) return false;
  if (cache[at + IS_EXACT] === 0) {
    cache[at + CUTOFF] = usualFor(features, rule).cutoff;
    cache[at + IS_EXACT] = 1;
  }
  return observed >= (cache[at + CUTOFF] ?? Number.POSITIVE_INFINITY);
}

/**
 * A lower bound of every cut-off of the next hours: most windows stay below it, and then no month of buckets is read.
 * Learned from the part of the look-back that will still be in it by then, because more history never lowers a bound.
 */
function floorFor(
  features: AccountFeatures,
  rule: CompiledRule,
  { at, hour, observed }: { readonly at: number; readonly hour: number; readonly observed: number },
): number {
  const cache = features.transient.cache;
  const { gapHours, historyHours, cutoffMin } = rule.detector;
  const hours = Math.min(FLOOR_HOURS, historyHours >> 2);
  const until = cache[at + FLOOR_UNTIL] ?? -1;
  const known = cache[at + FLOOR] ?? 0;
  if (hour <= until && (observed < known || hour <= until - hours + FLOOR_HOURS_MIN)) return known;
  const series = features.series[rule.featureIndex] ?? UNKNOWN_SERIES;
  const floor = cutoffMin(readHistory(features, series, hour - gapHours, historyHours - hours));
  cache[at + FLOOR_UNTIL] = hour + hours;
  cache[at + FLOOR] = floor;
  return floor;
}

/** What is usual for this account under this rule, from the history before its window. */
export function usualFor(features: AccountFeatures, rule: CompiledRule): Usual {
  if (rule.shown !== undefined) return usualOfShown(features, rule.shown);
  return rule.detector.usual(historyFor(features, rule));
}

/** What a stream rule's rarity was made from; undefined for other rules, and before it was shown anything. */
export function evidenceOf({ streams }: AccountFeatures, { shown }: CompiledRule): StreamEvidence | undefined {
  if (shown?.kind !== 'stream' || streams === null) return undefined;
  const found = streams.slots[shown.index]?.run.evidence(streams.profile);
  if (found === undefined) return undefined;
  const parts: { [name: string]: number } = {};
  for (const [name, value] of Object.entries(found.parts)) parts[name] = round6(value);
  return { observed: round6(found.observed), expected: round6(found.expected), parts };
}

function usualOfShown({ streams }: AccountFeatures, shown: ShownRule): Usual {
  // Across accounts nothing is missing: what nobody found about an account is not there.
  const unknown = { expected: 0, lower: 0, upper: 0, zOf: () => undefined };
  if (shown.kind === 'fleet') {
    return { ...unknown, cutoff: shown.rarity, missing: undefined, points: streams?.profile.events ?? 0 };
  }
  const slot = streams?.slots[shown.index];
  const missing =
    slot === undefined || streams === null || streams === undefined
      ? 'no event was shown to it so far'
      : slot.run.missing(streams.profile);
  const points = streams?.profile.events ?? 0;
  return { ...unknown, cutoff: shown.rarity, missing, points };
}

function historyFor(features: AccountFeatures, rule: CompiledRule): History {
  const { gapHours, historyHours } = rule.detector;
  const series = features.series[rule.featureIndex] ?? UNKNOWN_SERIES;
  return readHistory(features, series, hourOfFine(headOf(features, rule)) - gapHours, historyHours);
}

const UNKNOWN_SERIES: Series = { name: '', sinceHour: Number.MAX_SAFE_INTEGER, hourly: null, fine: null };

/** The bucket (hour or five minutes) the rule's window ends with. */
export function windowEnd(features: AccountFeatures, rule: CompiledRule): number {
  const head = headOf(features, rule);
  return rule.detector.bucket === 'hour' ? hourOfFine(head) : head;
}

function headOf(features: AccountFeatures, rule: CompiledRule): number {
  return rule.clock === 'ingested' ? features.headFineIngested : features.headFine;
}
