import { z } from 'zod';
import { DECADES_PER_NAT, poissonRarity } from '../calibration/poisson.ts';
import { hourNumber, type Profile } from '../features/profile.ts';
import { LATE, LATE_MS } from '../features/wakes.ts';
import { log } from '../math.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';
import { addLeaky, type LeakyCount } from './leaky-count.ts';
import { missingEvents, SETTLED_EVENTS } from './settled.ts';
import { durationText } from './shared-params.ts';
import { defineStreamDetector, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

const HALF_LIFE_MS = DAY_MS;

/** Share of honest events that come late though their source reports, and the count below which nothing is said. */
const HONEST_SHARE = 0.0042;
const HONEST_BASE = 0.1;
const VERY_LATE_SHARE = 2e-5;
const VERY_LATE_BASE = 0.005;

/** In an hour that was silent before, late events are a source that was offline and catches up. */
const HOLE_HOURS = 72;
const HOLE_SHARE = 0.25;
const HOLE_EVENTS = 3;

const shape = z.strictObject({
  rarity: rarityParam,
  very_late: durationText
    .default('7h')
    .describe('Beyond this a late event of a source that was reporting all along is no slow delivery.'),
});

const state = z.object({
  late: z.number(),
  veryLate: z.number(),
  lateAtMs: z.number(),
});

/** Flags events whose own time lies in the past although their account reported on time all along. */
export const backdated = defineStreamDetector({
  kind: 'backdated',
  shape,
  state,
  compile(params, context) {
    const veryLateMs = context.duration(['very_late'], params.very_late);
    if (veryLateMs === undefined) return undefined;
    return {
      prior: { at: 1.5, slope: 0.8 },
      windowMs: DAY_MS,
      wakes: LATE,
      open: (saved) => new BackdatedRun(veryLateMs, saved ?? { late: 0, veryLate: 0, lateAtMs: 0 }),
    };
  },
});

class BackdatedRun implements StreamRun {
  readonly #veryLateMs: number;
  readonly #late: LeakyCount;
  readonly #veryLate: LeakyCount;

  constructor(veryLateMs: number, saved: z.infer<typeof state>) {
    this.#veryLateMs = veryLateMs;
    this.#late = { value: saved.late, atMs: saved.lateAtMs };
    this.#veryLate = { value: saved.veryLate, atMs: saved.lateAtMs };
  }

  score(event: StreamEvent, profile: Profile): number {
    if (event.disposition === 'duplicate' || event.disposition === 'altered') return 0;
    if (profile.events < SETTLED_EVENTS) return 0;
    const now = event.ingestedAtMs;
    const lateMs = now - event.claimedAtMs;
    if (lateMs <= LATE_MS || isInHole(profile, event.claimedAtMs, now)) return 0;
    const isVeryLate = lateMs > this.#veryLateMs;
    addLeaky(this.#late, 1, now, HALF_LIFE_MS);
    addLeaky(this.#veryLate, isVeryLate ? 1 : 0, now, HALF_LIFE_MS);
    const all = profile.recent + 1;
    const usual = poissonRarity(Math.round(this.#late.value), HONEST_SHARE * all + HONEST_BASE);
    if (!isVeryLate) return usual;
    const count = Math.max(1, Math.round(this.#veryLate.value));
    const further = Math.min(1, log(lateMs / this.#veryLateMs) * DECADES_PER_NAT);
    return Math.max(usual, poissonRarity(count, VERY_LATE_SHARE * all + VERY_LATE_BASE) + further);
  }

  evidence({ recent }: Profile) {
    const observed = this.#late.value;
    const expected = HONEST_SHARE * recent + HONEST_BASE;
    return { observed, expected, parts: { late: observed, very_late: this.#veryLate.value } };
  }

  missing(profile: Profile): string | undefined {
    return missingEvents(profile);
  }

  restart(): void {
    this.#late.value = 0;
    this.#veryLate.value = 0;
  }

  relearn(): void {
    // Lateness has nothing to do with the plan.
  }

  save() {
    return {
      late: this.#late.value,
      veryLate: this.#veryLate.value,
      lateAtMs: this.#late.atMs,
    };
  }
}

// Whether the account was silent from the claimed hour until now: then the event is part of a backlog.
function isInHole(profile: Profile, claimedAtMs: number, nowMs: number): boolean {
  const first = hourNumber(claimedAtMs);
  const last = hourNumber(nowMs);
  if (last - first > HOLE_HOURS) return false;
  const end = Math.max(last, first + 1);
  let seen = 0;
  for (let hour = first; hour < end; hour++) seen += profile.hourCount(hour);
  const perHour = profile.events / Math.max(1, profile.ageMs(nowMs) / HOUR_MS);
  return seen <= HOLE_EVENTS || seen < HOLE_SHARE * perHour * (end - first);
}
