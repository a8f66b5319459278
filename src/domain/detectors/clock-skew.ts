import { z } from 'zod';
import { DECADES_PER_NAT, poissonRarity } from '../calibration/poisson.ts';
import type { Profile } from '../features/profile.ts';
import { AHEAD } from '../features/wakes.ts';
import { log } from '../math.ts';
import { DAY_MS } from '../time.ts';
import { addLeaky, type LeakyCount } from './leaky-count.ts';
import { missingEvents, SETTLED_EVENTS } from './settled.ts';
import { durationText } from './shared-params.ts';
import { defineStreamDetector, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

const HALF_LIFE_MS = DAY_MS;
const HONEST_SHARE = 1e-4;
const HONEST_BASE = 0.004;
const FURTHER_WEIGHT = 0.3;

const shape = z.strictObject({
  rarity: rarityParam,
  beyond: durationText.default('20s').describe('A clock may honestly run ahead of ours by this much.'),
});

const state = z.object({ ahead: z.number(), aheadAtMs: z.number() });

/** Flags events that claim a time which has not come yet: the one direction of lateness no network explains. */
export const clockSkew = defineStreamDetector({
  kind: 'clock_skew',
  shape,
  state,
  compile(params, context) {
    const beyondMs = context.duration(['beyond'], params.beyond);
    if (beyondMs === undefined) return undefined;
    return {
      prior: { at: 1.5, slope: 1 },
      windowMs: DAY_MS,
      wakes: AHEAD,
      open: (saved) => new SkewRun(beyondMs, saved ?? { ahead: 0, aheadAtMs: 0 }),
    };
  },
});

class SkewRun implements StreamRun {
  readonly #beyondMs: number;
  readonly #ahead: LeakyCount;

  constructor(beyondMs: number, saved: z.infer<typeof state>) {
    this.#beyondMs = beyondMs;
    this.#ahead = { value: saved.ahead, atMs: saved.aheadAtMs };
  }

  score(event: StreamEvent, profile: Profile): number {
    const aheadMs = event.claimedAtMs - event.ingestedAtMs;
    if (aheadMs <= this.#beyondMs || event.disposition === 'duplicate') return 0;
    if (profile.events < SETTLED_EVENTS) return 0;
    addLeaky(this.#ahead, 1, event.ingestedAtMs, HALF_LIFE_MS);
    const count = Math.max(1, Math.round(this.#ahead.value));
    const further = FURTHER_WEIGHT * log(aheadMs / this.#beyondMs) * DECADES_PER_NAT;
    return poissonRarity(count, HONEST_BASE + HONEST_SHARE * (profile.recent + 1)) + further;
  }

  evidence({ recent }: Profile) {
    const observed = this.#ahead.value;
    return { observed, expected: HONEST_BASE + HONEST_SHARE * recent, parts: { ahead: observed } };
  }

  missing(profile: Profile): string | undefined {
    return missingEvents(profile);
  }

  restart(): void {
    this.#ahead.value = 0;
  }

  relearn(): void {
    // Clocks have nothing to do with the plan.
  }

  save() {
    return { ahead: this.#ahead.value, aheadAtMs: this.#ahead.atMs };
  }
}
