import { z } from 'zod';
import { poissonRarity } from '../calibration/poisson.ts';
import type { Profile } from '../features/profile.ts';
import { LATE, LATE_MS, REPEAT } from '../features/wakes.ts';
import { DAY_MS, MINUTE_MS } from '../time.ts';
import { addLeaky, type LeakyCount, leaked } from './leaky-count.ts';
import { missingEvents, SETTLED_EVENTS } from './settled.ts';
import { durationText } from './shared-params.ts';
import { defineStreamDetector, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

/** Replays older than half this weigh half. */
const HALF_LIFE_MS = 2 * DAY_MS;

/** How many an honest account has at any time: retries are exact and soon, so almost none. */
const HONEST_MEAN = 0.004;

/** Somebody who re-sends other content under a known id is not retrying. */
const ALTERED_WEIGHT = 1.3;

/** A source that delivers late now may retry late as well. */
const DELIVERY_MS = 30 * MINUTE_MS;
const DELIVERY_SHARE = 1.2;

const shape = z.strictObject({
  rarity: rarityParam,
  grace: durationText.default('10min').describe('An exact repeat this soon after its own time is an honest retry.'),
});

const state = z.object({ count: z.number(), atMs: z.number(), lateMs: z.number(), lateAtMs: z.number() });

/**
 * Flags known ids that come back: with other content, or long after the event. The age of a repeat is its arrival less its
 * own time, which a repeat shares with its original, so nothing of the original need be remembered.
 */
export const duplicate = defineStreamDetector({
  kind: 'duplicate',
  shape,
  state,
  compile(params, context) {
    const graceMs = context.duration(['grace'], params.grace);
    if (graceMs === undefined) return undefined;
    return {
      prior: { at: 1.5, slope: 1 },
      windowMs: DAY_MS,
      wakes: REPEAT | LATE,
      open: (saved) => new DuplicateRun(graceMs, saved ?? { count: 0, atMs: 0, lateMs: 0, lateAtMs: 0 }),
    };
  },
});

class DuplicateRun implements StreamRun {
  readonly #graceMs: number;
  readonly #count: LeakyCount;
  #lateMs: number;
  #lateAtMs: number;

  constructor(graceMs: number, saved: z.infer<typeof state>) {
    this.#graceMs = graceMs;
    this.#count = { value: saved.count, atMs: saved.atMs };
    this.#lateMs = saved.lateMs;
    this.#lateAtMs = saved.lateAtMs;
  }

  score(event: StreamEvent, profile: Profile): number {
    if (event.disposition !== 'duplicate' && event.disposition !== 'altered') return 0;
    if (profile.events < SETTLED_EVENTS) return 0;
    const now = event.ingestedAtMs;
    const isAltered = event.disposition === 'altered';
    const delivering = now - this.#lateAtMs < DELIVERY_MS ? this.#lateMs * DELIVERY_SHARE : 0;
    if (!isAltered && now - event.claimedAtMs <= Math.max(this.#graceMs, delivering)) return 0;
    addLeaky(this.#count, isAltered ? ALTERED_WEIGHT : 1, now, HALF_LIFE_MS);
    return poissonRarity(Math.max(1, Math.round(this.#count.value)), HONEST_MEAN);
  }

  learn(event: StreamEvent): void {
    if (event.disposition === 'duplicate' || event.disposition === 'altered') return;
    const lateMs = event.ingestedAtMs - event.claimedAtMs;
    if (lateMs < LATE_MS) return;
    const isSame = event.ingestedAtMs - this.#lateAtMs < DELIVERY_MS;
    this.#lateMs = isSame ? Math.max(lateMs, this.#lateMs) : lateMs;
    this.#lateAtMs = event.ingestedAtMs;
  }

  evidence() {
    const observed = leaked(this.#count, this.#count.atMs, HALF_LIFE_MS);
    return { observed, expected: HONEST_MEAN, parts: { replays: observed } };
  }

  missing(profile: Profile): string | undefined {
    return missingEvents(profile);
  }

  restart(): void {
    this.#count.value = 0;
  }

  relearn(): void {
    // A change of plan changes nothing about repeats.
  }

  save() {
    const { value: count, atMs } = this.#count;
    return { count, atMs, lateMs: this.#lateMs, lateAtMs: this.#lateAtMs };
  }
}
