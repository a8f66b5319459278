import { rawAt } from '../calibration/calibration.ts';
import { type CompiledStream, NOISE_MAX, type StreamEvent, type StreamRun } from '../detectors/stream-detector.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time.ts';
import { hourNumber, type Profile } from './profile.ts';
import { restoreProfile } from './restore-profile.ts';
import { StreamPlan } from './stream-plan.ts';
import {
  AFTER_NEW_DAY,
  AHEAD,
  ANY,
  HEAD_MOVED,
  LATE,
  LATE_MS,
  NEW_CLAIMED_HOUR,
  NEW_DAY,
  NEW_HOUR,
  NEWS,
  NUMBERED,
  REPEAT,
  TOTALS,
  USAGE,
} from './wakes.ts';

/** A stream rule's place in the feature spec. */
export interface StreamDefinition {
  readonly ruleId: string;
  readonly stream: CompiledStream;
  /** Rarity from which the rule fires, in decades. */
  readonly rarity: number;
}

/** One stream rule at work on one account. */
export interface StreamSlot {
  readonly ruleId: string;
  readonly run: StreamRun;
  /** Not stored: whether the run has anything to learn; looking for a method that is not there costs the most. */
  readonly learns: boolean;
  /** Highest raw value of the incident that is open; 0 when none is. */
  peak: number;
  /** When it rose last, by our clock. */
  roseAtMs: number;
  /** Not stored: whether the event at hand raised it. */
  rose: boolean;
}

/** All stream state of an account. */
export interface AccountStreams {
  readonly profile: Profile;
  readonly slots: readonly StreamSlot[];
  /** Not stored: which rule is shown what. */
  readonly plan: StreamPlan;
  readonly spec: readonly StreamDefinition[];
  /** Not stored: whether the event at hand raised any of them. */
  rose: boolean;
}

/** An incident ends when nothing rose for this long, or for the rule's window when that is longer. */
const INCIDENT_ENDS_MS = 2 * DAY_MS;
const RISE_MIN = 0.02;
/** Rarer than this by its prior is kept out of what is normal, whatever the rule's own threshold is. */
const FLAGGED_DECADES = 3.5;
const ON_TIME_MS = 30 * MINUTE_MS;
const HOURS_PER_DAY = DAY_MS / HOUR_MS;
/** A changed plan is a fact of this meter. */
export const PLAN_CHANGE = 'plan_change';

/** Streams of an account nothing is known about. */
export function openStreams(spec: readonly StreamDefinition[], saved?: unknown): AccountStreams {
  const { profile, slots } = readSaved(saved);
  return {
    spec,
    plan: planOf(spec),
    rose: false,
    profile: restoreProfile(profile),
    slots: spec.map(({ ruleId, stream }) => {
      const [peak, roseAtMs, state] = slots[ruleId] ?? [0, 0, undefined];
      const run = stream.open(state);
      return { ruleId, run, learns: run.learn !== undefined, peak, roseAtMs, rose: false };
    }),
  };
}

const plans = new WeakMap<readonly StreamDefinition[], StreamPlan>();

function planOf(spec: readonly StreamDefinition[]): StreamPlan {
  const known = plans.get(spec);
  if (known !== undefined) return known;
  const plan = new StreamPlan(spec.map(({ stream }) => stream));
  plans.set(spec, plan);
  return plan;
}

/** Plain data for storage; what `openStreams` takes back. Tells the rules what was added up for them first. */
export function saveStreams({ profile, slots, spec }: AccountStreams): unknown {
  for (const [place, { run }] of slots.entries()) {
    const totals = spec[place]?.stream.totals;
    if (totals !== undefined) tellTotals(run, profile, TOTALS[totals]);
  }
  profile.clearHour();
  profile.clearDay();
  const saved: { [ruleId: string]: unknown } = {};
  for (const { ruleId, run, peak, roseAtMs } of slots) saved[ruleId] = [peak, roseAtMs, run.save()];
  return { profile: profile.save(), slots: saved };
}

/** Shows an event to the stream rules it may concern: score first, learn after. O(1): cost does not grow with history. */
export function foldStreams(streams: AccountStreams, event: StreamEvent): void {
  const { profile, slots, spec, plan } = streams;
  const now = event.ingestedAtMs;
  const isRepeat = event.disposition === 'duplicate' || event.disposition === 'altered';
  const isUsage = !isRepeat && !event.isFact;
  clearRises(streams);
  const woken = wakesOf(streams, event, isRepeat);
  const { places, wakes, totals, all } = plan.of(event.meter);
  if ((all & woken) !== 0) {
    for (let index = 0; index < places.length; index++) {
      if (((wakes[index] ?? 0) & woken) === 0) continue;
      const place = places[index] ?? 0;
      const slot = slots[place];
      if (slot === undefined) continue;
      if (((totals[index] ?? 0) & woken) !== 0) tellTotals(slot.run, profile, totals[index] ?? 0);
      const raw = slot.run.score(event, profile);
      const flagged = raw > NOISE_MAX && raise(slot, spec[place]?.stream, raw, now);
      if (slot.rose) streams.rose = true;
      if (slot.learns) slot.run.learn?.(event, profile, flagged);
    }
  }
  if (isRepeat) return;
  profile.count(now);
  if (isUsage) countUsage(profile, event, woken);
  if (event.isFact && event.meter === PLAN_CHANGE) for (const { run } of slots) run.relearn();
}

// The bits of everything about the event that a rule may have asked for.
function wakesOf({ profile, plan }: AccountStreams, event: StreamEvent, isRepeat: boolean): number {
  const { ingestedAtMs: now, claimedAtMs, details } = event;
  let woken = ANY;
  if (now - claimedAtMs >= LATE_MS) woken |= LATE;
  if (claimedAtMs > now) woken |= AHEAD;
  if (details.sequence >= 0) woken |= NUMBERED;
  if (hourNumber(claimedAtMs) > profile.headHour) woken |= NEW_CLAIMED_HOUR;
  if (profile.headMoved) {
    woken |= HEAD_MOVED;
    profile.headMoved = false;
  }
  if (isRepeat) return woken | REPEAT;
  const newsAtMs = profile.recognise(details, now);
  if (newsAtMs >= 0 && now - newsAtMs < plan.newsMs) woken |= NEWS;
  if (event.isFact) return woken;
  woken |= USAGE;
  if (profile.dayOpened) woken |= AFTER_NEW_DAY;
  const hour = hourNumber(now);
  if (hour === profile.openHour) return woken;
  return woken | (Math.floor(hour / HOURS_PER_DAY) === profile.openDay ? NEW_HOUR : NEW_HOUR | NEW_DAY);
}

// After the rules' turn: what they were told of is no longer open, and this event opens or joins an hour and a day.
function countUsage(profile: Profile, event: StreamEvent, woken: number): void {
  if ((woken & TOTALS.hour) !== 0) profile.clearHour();
  if ((woken & TOTALS.day) !== 0) profile.clearDay();
  profile.dayOpened = (woken & NEW_DAY) !== 0;
  if ((woken & NEW_HOUR) !== 0) {
    profile.openHour = hourNumber(event.ingestedAtMs);
    profile.openDay = Math.floor(profile.openHour / HOURS_PER_DAY);
  }
  profile.countUsage(event.spendNanos);
  const lateMs = event.ingestedAtMs - event.claimedAtMs;
  if (lateMs <= ON_TIME_MS && lateMs > -HOUR_MS) profile.countOnTime(hourNumber(event.claimedAtMs));
}

function tellTotals(run: StreamRun, profile: Profile, bits: number): void {
  if (bits === TOTALS.hour) {
    if (profile.hourEvents > 0) run.addUsage?.(profile.openHour, profile.hourEvents, profile.hourSpendNanos);
  } else if (profile.dayEvents > 0) run.addUsage?.(profile.openDay, profile.dayEvents, profile.daySpendNanos);
}

// Returns whether the value is flagged: kept out of what is normal. Restarting ends one that has not risen for long: its remains would
// otherwise alert again and again while they decay.
function raise(slot: StreamSlot, stream: CompiledStream | undefined, raw: number, nowMs: number): boolean {
  if (stream === undefined) return false;
  if (slot.peak > 0 && nowMs - slot.roseAtMs > Math.max(INCIDENT_ENDS_MS, stream.windowMs)) {
    slot.peak = 0;
    slot.run.restart();
    return false;
  }
  if (raw > slot.peak + RISE_MIN) {
    slot.peak = raw;
    slot.roseAtMs = nowMs;
    slot.rose = true;
  }
  return raw >= rawAt(stream.prior, FLAGGED_DECADES);
}

interface Saved {
  readonly profile: unknown;
  readonly slots: { readonly [ruleId: string]: readonly [number, number, unknown] };
}

/** Forgets what the last event raised: it was judged already, or was shown to no stream rule. */
export function clearRises(streams: AccountStreams): void {
  if (!streams.rose) return;
  streams.rose = false;
  for (const slot of streams.slots) slot.rose = false;
}

function readSaved(saved: unknown): Saved {
  if (typeof saved !== 'object' || saved === null || !('profile' in saved) || !('slots' in saved)) return NOTHING;
  const slots: { [ruleId: string]: readonly [number, number, unknown] } = {};
  for (const [ruleId, value] of Object.entries(saved.slots ?? {})) {
    if (!Array.isArray(value)) continue;
    const [peak, roseAtMs, state] = value;
    if (typeof peak === 'number' && typeof roseAtMs === 'number') slots[ruleId] = [peak, roseAtMs, state];
  }
  return { profile: saved.profile, slots };
}

const NOTHING: Saved = { profile: undefined, slots: {} };
