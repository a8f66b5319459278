import { z } from 'zod';
import { DECADES_PER_NAT } from '../calibration/poisson.ts';
import { log } from '../math.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time.ts';
import { addLeaky, type LeakyCount } from './leaky-count.ts';
import { durationText } from './shared-params.ts';
import { defineStreamDetector, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

const FAST_HALF_LIFE_MS = 2 * HOUR_MS;
const SLOW_HALF_LIFE_MS = 7 * DAY_MS;
const AGE_MIN_MS = 2 * DAY_MS;

const shape = z.strictObject({
  rarity: rarityParam,
  runway: durationText.default('24h').describe('Only balances that would be gone within this time are looked at.'),
});

const state = z.object({
  fast: z.number(),
  slow: z.number(),
  atMs: z.number(),
  firstMs: z.number(),
});

/**
 * Flags a balance that runs out soon because spend is far above the account's week: how much faster than usual, and how
 * short the runway is. Where no balance is known, as in a replay of a file, it cannot say anything.
 */
export const drain = defineStreamDetector({
  kind: 'drain',
  shape,
  state,
  compile(params, context) {
    const runwayMs = context.duration(['runway'], params.runway);
    if (runwayMs === undefined) return undefined;
    return {
      prior: { at: 1.5, slope: 2 },
      windowMs: DAY_MS,
      open: (saved) => new DrainRun(runwayMs, saved ?? { fast: 0, slow: 0, atMs: 0, firstMs: -1 }),
    };
  },
});

class DrainRun implements StreamRun {
  readonly #runwayMs: number;
  readonly #fast: LeakyCount;
  readonly #slow: LeakyCount;
  #firstMs: number;
  #hoursLeft = 0;
  #isKnown = false;

  constructor(runwayMs: number, saved: z.infer<typeof state>) {
    this.#runwayMs = runwayMs;
    this.#fast = { value: saved.fast, atMs: saved.atMs };
    this.#slow = { value: saved.slow, atMs: saved.atMs };
    this.#firstMs = saved.firstMs;
  }

  score(event: StreamEvent): number {
    const { balanceNanos, spendNanos, ingestedAtMs: now } = event;
    this.#isKnown = balanceNanos !== undefined;
    if (balanceNanos === undefined || balanceNanos <= 0 || event.disposition !== 'posted') return 0;
    if (this.#firstMs < 0 || now - this.#firstMs < AGE_MIN_MS) return 0;
    const perHour = perHourOf(this.#fast.value + spendNanos, FAST_HALF_LIFE_MS);
    const usual = perHourOf(this.#slow.value, SLOW_HALF_LIFE_MS);
    if (!(perHour > usual) || usual <= 0) return 0;
    this.#hoursLeft = balanceNanos / perHour;
    const leftMs = Math.max(MINUTE_MS, this.#hoursLeft * HOUR_MS);
    if (leftMs >= this.#runwayMs) return 0;
    return (log(perHour / usual) + log(this.#runwayMs / leftMs) / 2) * DECADES_PER_NAT;
  }

  learn(event: StreamEvent, _profile: unknown, flagged: boolean): void {
    if (event.disposition !== 'posted' || event.isFact) return;
    const now = event.ingestedAtMs;
    if (this.#firstMs < 0) this.#firstMs = now;
    addLeaky(this.#fast, event.spendNanos, now, FAST_HALF_LIFE_MS);
    addLeaky(this.#slow, flagged ? 0 : event.spendNanos, now, SLOW_HALF_LIFE_MS);
  }

  evidence() {
    return { observed: this.#hoursLeft, expected: this.#runwayMs / HOUR_MS, parts: {} };
  }

  missing(): string | undefined {
    return this.#isKnown ? undefined : 'no balance is known';
  }

  restart(): void {
    // Burn rates forget by themselves.
  }

  relearn(): void {
    this.#firstMs = -1;
    this.#slow.value = 0;
  }

  save() {
    return { fast: this.#fast.value, slow: this.#slow.value, atMs: this.#fast.atMs, firstMs: this.#firstMs };
  }
}

// A leaky sum of a steady flow settles at flow × half-life ÷ ln 2.
function perHourOf(sum: number, halfLifeMs: number): number {
  return (sum * Math.LN2 * HOUR_MS) / halfLifeMs;
}
