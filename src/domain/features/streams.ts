import { rawAt } from '../calibration/calibration.ts';
import type { CompiledStream, StreamEvent, StreamRun } from '../detectors/stream-detector.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time.ts';
import { hourNumber, type Profile } from './profile.ts';
import { restoreProfile } from './restore-profile.ts';

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
  /** The only meters it is shown; undefined for all. */
  readonly meters: ReadonlySet<string> | undefined;
  /** Highest raw value of the incident that is open; 0 when none is. */
  peak: number;
  /** When it rose last, by our clock. */
  roseAtMs: number;
  /** Not stored: whether the event at hand raised it. */
  rose: boolean;
}

/** All stream state of an account. */
export interface AccountStreams {
  profile: Profile;
  slots: StreamSlot[];
  spec: readonly StreamDefinition[];
  /** Not stored: whether the event at hand raised any of them. */
  rose: boolean;
}

/** An incident ends when nothing rose for this long, or for the rule's window when that is longer. */
const INCIDENT_ENDS_MS = 2 * DAY_MS;
const RISE_MIN = 0.02;
/** Below this a raw value is noise and opens nothing. */
const RAW_MIN = 0.3;
/** Rarer than this by its prior is kept out of what is normal, whatever the rule's own threshold is. */
const FLAGGED_DECADES = 3.5;
const ON_TIME_MS = 30 * MINUTE_MS;
/** A changed plan is a fact of this meter. */
export const PLAN_CHANGE = 'plan_change';

/** Streams of an account nothing is known about. */
export function openStreams(spec: readonly StreamDefinition[], saved?: unknown): AccountStreams {
  const { profile, slots } = readSaved(saved);
  return {
    spec,
    rose: false,
    profile: restoreProfile(profile),
    slots: spec.map(({ ruleId, stream }) => {
      const [peak, roseAtMs, state] = slots[ruleId] ?? [0, 0, undefined];
      const run = stream.open(state);
      return { ruleId, run, learns: run.learn !== undefined, meters: stream.meters, peak, roseAtMs, rose: false };
    }),
  };
}

/** Plain data for storage; what `openStreams` takes back. */
export function saveStreams({ profile, slots }: AccountStreams): unknown {
  const saved: { [ruleId: string]: unknown } = {};
  for (const { ruleId, run, peak, roseAtMs } of slots) saved[ruleId] = [peak, roseAtMs, run.save()];
  return { profile: profile.save(), slots: saved };
}

/** Shows an event to every stream rule: score first, learn after. O(1): cost does not grow with history. */
export function foldStreams(streams: AccountStreams, event: StreamEvent): void {
  const { profile, slots, spec } = streams;
  const now = event.ingestedAtMs;
  const isRepeat = event.disposition === 'duplicate' || event.disposition === 'altered';
  streams.rose = false;
  if (!isRepeat) profile.recognise(event.details, now);
  for (let index = 0; index < slots.length; index++) {
    const slot = slots[index];
    if (slot === undefined) continue;
    slot.rose = false;
    if (slot.meters !== undefined && !slot.meters.has(event.meter)) continue;
    const raw = slot.run.score(event, profile);
    const flagged = raw > RAW_MIN && raise(slot, spec[index]?.stream, raw, now);
    if (slot.rose) streams.rose = true;
    if (slot.learns) slot.run.learn?.(event, profile, flagged);
  }
  if (isRepeat) return;
  profile.count(now);
  const lateMs = now - event.claimedAtMs;
  if (!event.isFact && lateMs <= ON_TIME_MS && lateMs > -HOUR_MS) profile.countOnTime(hourNumber(event.claimedAtMs));
  if (event.isFact && event.meter === PLAN_CHANGE) for (const { run } of slots) run.relearn();
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
