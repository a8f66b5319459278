import { z } from 'zod';
import { log } from '../math.ts';
import { DAY_MS } from '../time.ts';
import { defineStreamDetector, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

const DAYS_MIN = 7;
const DAYS_MEMORY = 28;
const DAYS_AFTER_INCIDENT = 5;
const Z_MAX = 3;
const SPREAD_MIN = 0.15;
const LEARN_MAX = 4;

const shape = z.strictObject({
  rarity: rarityParam,
  of: z.enum(['events', 'spend']).default('events').describe('What is summed per day.'),
  drift: z
    .number()
    .min(0.1)
    .max(3)
    .default(0.5)
    .describe('A rise of less than this many spreads a day is not counted.'),
});

const state = z.object({
  day: z.number(),
  sum: z.number(),
  days: z.number(),
  mean: z.number(),
  variance: z.number(),
  rise: z.number(),
});

/**
 * Flags days that lie above the account's own by a little, one after the other: a one-sided CUSUM (Page, Biometrika 1954)
 * over logarithms of daily sums. Finds what no single day shows; growth shows the same, so it needs company.
 */
export const cusum = defineStreamDetector({
  kind: 'cusum',
  shape,
  state,
  compile: ({ of, drift }) => ({
    prior: { at: 10, slope: 0.1 },
    windowMs: 7 * DAY_MS,
    totals: 'day',
    open: (saved) => new CusumRun(of, drift, saved ?? { day: -1, sum: 0, days: 0, mean: 0, variance: 0, rise: 0 }),
  }),
});

class CusumRun implements StreamRun {
  readonly #of: 'events' | 'spend';
  readonly #drift: number;
  readonly #state: z.infer<typeof state>;
  /** Logarithm of the day that was judged by the last event, still to be learned. */
  #closed: number | undefined;

  constructor(of: 'events' | 'spend', drift: number, saved: z.infer<typeof state>) {
    this.#of = of;
    this.#drift = drift;
    this.#state = { ...saved };
  }

  addUsage(_day: number, events: number, spendNanos: number): void {
    this.#state.sum += this.#of === 'events' ? events : spendNanos;
  }

  score(event: StreamEvent): number {
    this.#closed = undefined;
    if (event.isFact || event.disposition === 'duplicate' || event.disposition === 'altered') return 0;
    const at = this.#state;
    const day = Math.floor(event.ingestedAtMs / DAY_MS);
    if (day <= at.day || at.day < 0) {
      if (at.day < 0) at.day = day;
      return 0;
    }
    this.#closed = log(1 + at.sum);
    at.day = day;
    at.sum = 0;
    if (at.days < DAYS_MIN) return 0;
    const spread = Math.max(SPREAD_MIN, Math.sqrt(at.variance)) * (1 + 2 / at.days);
    const z = Math.max(-Z_MAX, Math.min(Z_MAX, (this.#closed - at.mean) / spread));
    at.rise = Math.max(0, at.rise + z - this.#drift);
    return at.rise;
  }

  learn(_event: StreamEvent, _profile: unknown, flagged: boolean): void {
    const at = this.#state;
    if (this.#closed === undefined || (at.days >= DAYS_MIN && (flagged || at.rise >= LEARN_MAX))) return;
    const weight = Math.max(1 / (at.days + 1), 1 / DAYS_MEMORY);
    const distance = this.#closed - at.mean;
    at.mean += weight * distance;
    at.variance = (1 - weight) * (at.variance + weight * distance * distance);
    at.days++;
  }

  evidence() {
    const { rise, days } = this.#state;
    return { observed: rise, expected: 0, parts: { days_learned: days } };
  }

  missing(): string | undefined {
    const { days } = this.#state;
    return days >= DAYS_MIN ? undefined : `${days} of ${DAYS_MIN} days so far`;
  }

  restart(): void {
    this.#state.rise = 0;
    this.#state.days = Math.min(this.#state.days, DAYS_AFTER_INCIDENT);
  }

  relearn(): void {
    this.#state.rise = 0;
    this.#state.days = 0;
    this.#state.mean = 0;
    this.#state.variance = 0;
  }

  save() {
    return this.#state;
  }
}
