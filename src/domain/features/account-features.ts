import type { StreamEvent } from '../detectors/stream-detector.ts';
import { HOUR_MS } from '../time.ts';
import { createDistinct, noteValue } from './distinct-values.ts';
import { type EventDetails, eventDetails } from './event-details.ts';
import {
  CLOCK_SKEW_MAX_MS,
  type FeatureDefinition,
  type FeatureSpec,
  FINE_PER_HOUR,
  fineOf,
  hourOf,
  hourOfFine,
} from './feature-spec.ts';
import type { AccountFeatures } from './feature-state.ts';
import { createRing, ringAdd, ringAt } from './ring.ts';
import { clearRises, foldStreams, openStreams, PLAN_CHANGE, type StreamDefinition, saveStreams } from './streams.ts';

// The lane knows features through this one file.
export { decodeFeatures, encodeFeatures } from './encode-features.ts';
export type { FeatureSpec } from './feature-spec.ts';
export { type AccountFeatures, createFeatures } from './feature-state.ts';

/** One event as features see it. `spendNanos` is a double: exact to 9 million USD an hour, and never used as money. */
export interface FoldInput {
  readonly meter: string;
  readonly quantity: number;
  readonly spendNanos: number;
  readonly occurredAtMs: number;
  readonly ingestedAtMs: number;
  readonly disposition: 'posted' | 'quarantined' | 'altered' | 'duplicate';
  /** The event's own time even when it is not believed; `occurredAtMs` when left out. */
  readonly claimedAtMs?: number;
  /** The wallet's balance; left out where it is not known, as in a replay of a file. */
  readonly balanceNanos?: number | undefined;
  /** Source, sequence and properties; without them stream rules are not shown the event. */
  readonly details?: EventDetails;
}

/**
 * Adds one event. O(1): cost does not grow with history. Call `judge` after each fold. Returns the hour the event was added
 * to; −1 when it was to none.
 */
export function foldUsage(features: AccountFeatures, input: FoldInput, spec: FeatureSpec): number {
  showToStreams(features, input, spec);
  if (input.disposition === 'duplicate') return -1;
  bindSpec(features, spec);
  const { transient } = features;

  // A time in our future cannot be true. The usage still counts, at the one time that is known: its arrival.
  const believable = input.occurredAtMs <= input.ingestedAtMs + CLOCK_SKEW_MAX_MS;
  const atMs = input.disposition === 'altered' || !believable ? input.ingestedAtMs : input.occurredAtMs;
  const fine = fineOf(atMs);
  const hour = hourOfFine(fine);
  if (!moveHeads(features, input, fine, hour, spec)) return -1;

  const definitions = spec.features;
  for (let index = 0; index < definitions.length; index++) {
    const definition = definitions[index];
    const series = features.series[index];
    if (definition === undefined || series === undefined) continue;
    const amount = amountFor(definition, input, spec);
    if (!(amount > 0)) continue;
    series.hourly ??= createRing(hour);
    ringAdd(series.hourly, hour, amount, spec.hourlyMax);
    if (definition.fineMax > 0) {
      series.fine ??= createRing(fine);
      ringAdd(series.fine, fine, amount, definition.fineMax);
    }
    transient.touched |= 1 << index;
    transient.totals[index] = (transient.totals[index] ?? 0) + amount;
  }
  transient.isUnder = false;
  if (input.meter === PLAN_CHANGE && input.disposition === 'posted' && spec.factMeters.has(PLAN_CHANGE)) {
    startHistory(features, hour);
  }
  if (input.details !== undefined) {
    for (const values of features.distinct) noteValue(values, { details: input.details, meter: input.meter, fine });
  }
  if (fine > transient.touchedFine) transient.touchedFine = fine;
  const head = input.disposition === 'altered' ? features.headFineIngested : features.headFine;
  if (fine < head) noteChange(features, fine);
  if (input.disposition === 'quarantined') flagHour(features, hour, spec);
  return hour;
}

/** What a fold did, for `foldBeside`; taken before anybody judges. */
export interface Folded {
  hour: number;
  touched: number;
  touchedFine: number;
  changedFromFine: number;
}

/**
 * Gives features what a fold of the same event has just done to others, whose buckets and streams they share: two rulesets
 * that keep the same look at one account. Marked hours, the incident and the judge's cache stay their own.
 */
export function foldBeside(
  features: AccountFeatures,
  others: AccountFeatures,
  { hour, touched, touchedFine, changedFromFine }: Folded,
  { isQuarantined, spec }: { readonly isQuarantined: boolean; readonly spec: FeatureSpec },
): void {
  features.firstHour = others.firstHour;
  features.headFine = others.headFine;
  features.headFineIngested = others.headFineIngested;
  features.series = others.series;
  features.distinct = others.distinct;
  features.streams = others.streams;
  const { transient } = features;
  transient.spec = spec;
  transient.totals = others.transient.totals;
  transient.touched |= touched;
  transient.touchedFine = Math.max(transient.touchedFine, touchedFine);
  transient.isUnder = false;
  noteChange(features, changedFromFine);
  if (isQuarantined && hour >= 0) flagHour(features, hour, spec);
}

function showToStreams(features: AccountFeatures, input: FoldInput, spec: FeatureSpec): void {
  const { streams: rules } = spec;
  const { details } = input;
  if (rules === undefined || details === undefined) {
    if (features.streams !== null) clearRises(features.streams);
    return;
  }
  if (features.streams === null || features.streams.spec !== rules) rebindStreams(features, rules);
  const { streams } = features;
  if (streams === null) return;
  shown.meter = input.meter;
  shown.isFact = spec.factMeters.has(input.meter);
  shown.quantity = input.quantity;
  shown.spendNanos = input.spendNanos;
  shown.balanceNanos = input.balanceNanos;
  shown.claimedAtMs = input.claimedAtMs ?? input.occurredAtMs;
  shown.ingestedAtMs = input.ingestedAtMs;
  shown.disposition = input.disposition;
  shown.details = details;
  foldStreams(streams, shown);
}

// One event for all: stream rules keep numbers of it, never the event.
const shown: { -readonly [field in keyof StreamEvent]: StreamEvent[field] } = {
  meter: '',
  isFact: false,
  quantity: 0.5,
  spendNanos: 0.5,
  balanceNanos: undefined,
  claimedAtMs: 0.5,
  ingestedAtMs: 0.5,
  disposition: 'posted',
  details: eventDetails({ source: '' }),
};

// Opens the state of an account with the rules in force. Rules that are gone lose theirs, new ones start afresh.
function rebindStreams(features: AccountFeatures, rules: readonly StreamDefinition[]): void {
  const saved = features.streams === null ? features.savedStreams : saveStreams(features.streams);
  features.streams = openStreams(rules, saved);
  features.savedStreams = undefined;
}

/** Folds a fact that was judged when it arrived: the next event's judgement must not take it for its own evidence. */
export function foldJudged(features: AccountFeatures, input: FoldInput, spec: FeatureSpec): void {
  foldUsage(features, input, spec);
  features.transient.touched = 0;
  features.transient.touchedFine = -1;
  if (features.streams !== null) clearRises(features.streams);
}

/** Marks an hour as not to be learned from. Returns whether it was new. */
export function flagHour(features: AccountFeatures, hour: number, spec: FeatureSpec): boolean {
  const flagged = features.flaggedHours;
  let at = flagged.length;
  while (at > 0 && (flagged[at - 1] ?? 0) > hour) at--;
  if (at > 0 && flagged[at - 1] === hour) return false;

  const oldest = hourOfFine(features.headFine) - spec.hourlyMax;
  if (hour <= oldest) return false;
  flagged.splice(at, 0, hour);
  const outdated = flagged.findIndex((kept) => kept > oldest);
  if (outdated > 0) flagged.splice(0, outdated);
  noteChange(features, hour * FINE_PER_HOUR);
  return true;
}

/**
 * Lets baselines learn a stretch again: a person closed the case as benign, so what was flagged is this account's
 * normal now. Without it an honest step change would alarm for ever.
 */
export function unflagHours(features: AccountFeatures, fromMs: number, toMs: number): void {
  const from = hourOf(fromMs);
  const to = hourOf(toMs);
  features.flaggedHours = features.flaggedHours.filter((hour) => hour < from || hour > to);
  noteChange(features, from * FINE_PER_HOUR);
}

/** Ends the incident: a person closed the case or thawed the wallet, so the next hit is news again. */
export function closeIncident(features: AccountFeatures): void {
  features.incident = null;
}

/** Hourly sums of a feature for charts, one per hour that begins in [fromMs, toMs); zeros for what is not kept. */
export function hourlySeries(features: AccountFeatures, feature: string, fromMs: number, toMs: number): number[] {
  const ring = features.series.find((series) => series.name === feature)?.hourly ?? null;
  const sums: number[] = [];
  for (let hour = Math.ceil(fromMs / HOUR_MS); hour * HOUR_MS < toMs; hour++) {
    sums.push(ring === null ? 0 : ringAt(ring, hour));
  }
  return sums;
}

/** Puts the series in the order of the spec, so that index i of one is index i of the other. */
export function bindSpec(features: AccountFeatures, spec: FeatureSpec): void {
  const { transient } = features;
  if (transient.spec === spec) return;
  const known = new Map(features.series.map((series) => [series.name, series]));
  // A feature that starts later has no history before now: zeros there would look like a silent customer.
  const sinceHour = features.firstHour < 0 ? -1 : hourOfFine(features.headFine) + 1;
  features.series = spec.features.map(
    (definition) => known.get(definition.name) ?? { name: definition.name, sinceHour, hourly: null, fine: null },
  );
  const values = new Map(features.distinct.map((kept) => [kept.of, kept]));
  features.distinct = (spec.distinct ?? []).map((of) => values.get(of) ?? createDistinct(of, sinceHour));
  transient.spec = spec;
  transient.totals = spec.features.map(() => 0);
  transient.touched = 0;
  transient.cacheKey = null;
}

// Returns false when the event lies further back than anything kept.
function moveHeads(
  features: AccountFeatures,
  input: FoldInput,
  fine: number,
  hour: number,
  spec: FeatureSpec,
): boolean {
  const ingestedFine = fineOf(input.ingestedAtMs);
  if (ingestedFine > features.headFineIngested) features.headFineIngested = ingestedFine;
  if (input.disposition === 'altered') {
    if (features.firstHour < 0) features.firstHour = hour;
    if (features.headFine < 0) features.headFine = fine;
    return true;
  }
  if (fine > features.headFine) features.headFine = fine;
  if (hour <= hourOfFine(features.headFine) - spec.hourlyMax) return false;
  if (features.firstHour < 0) features.firstHour = hour;
  else if (hour < features.firstHour) {
    features.firstHour = hour;
    noteChange(features, hour * FINE_PER_HOUR);
  }
  return true;
}

// A declared change of plan ends what was normal: the larger plan is not an attack, and the old one no yardstick.
function startHistory(features: AccountFeatures, hour: number): void {
  for (const series of features.series) {
    if (hour <= series.sinceHour) continue;
    series.sinceHour = hour;
    noteChange(features, 0);
  }
}

// Tells the judge which of its cached sums and cut-offs no longer hold.
function noteChange(features: AccountFeatures, fine: number): void {
  if (fine < features.transient.changedFromFine) features.transient.changedFromFine = fine;
}

function amountFor(definition: FeatureDefinition, input: FoldInput, spec: FeatureSpec): number {
  if (input.disposition === 'altered') return definition.source === 'altered' ? 1 : 0;
  switch (definition.source) {
    case 'spend':
      return input.spendNanos;
    case 'events':
      if (definition.meter !== undefined) return definition.meter === input.meter ? 1 : 0;
      return spec.factMeters.has(input.meter) ? 0 : 1;
    case 'quantity':
      return definition.meter === input.meter ? input.quantity : 0;
    case 'altered':
      return 0;
  }
}
