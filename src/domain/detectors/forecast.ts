import { z } from 'zod';
import { log } from '../math.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';
import { defineStreamDetector, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

const HOURS = 24;
const DAYS_MIN = 7;
const DAYS_MEMORY = 28;
const SPREAD_MIN = 0.25;
/** A forecast from less than this share of a day is a guess. */
const SHARE_MIN = 0.1;

const shape = z.strictObject({ rarity: rarityParam });

const state = z.object({
  day: z.number(),
  hour: z.number(),
  spent: z.number(),
  today: z.array(z.number()).length(HOURS),
  usual: z.array(z.number()).length(HOURS),
  days: z.number(),
  mean: z.number(),
  variance: z.number(),
});

/**
 * Flags a day whose spend is going to end far above the account's days: what is spent so far, divided by the share of a
 * usual day that is over. An alert at noon is worth more than the bill at midnight.
 */
export const forecast = defineStreamDetector({
  kind: 'forecast',
  shape,
  state,
  compile: () => ({
    prior: { at: 4, slope: 0.5 },
    windowMs: DAY_MS,
    totals: 'hour',
    open: (saved) => new ForecastRun(saved ?? fresh()),
  }),
});

function fresh(): z.infer<typeof state> {
  const zeros = () => new Array<number>(HOURS).fill(0);
  return { day: -1, hour: -1, spent: 0, today: zeros(), usual: zeros(), days: 0, mean: 0, variance: 0 };
}

class ForecastRun implements StreamRun {
  readonly #state: z.infer<typeof state>;
  #forecast = 0;

  constructor(saved: z.infer<typeof state>) {
    this.#state = { ...saved, today: [...saved.today], usual: [...saved.usual] };
  }

  addUsage(hour: number, _events: number, spendNanos: number): void {
    const at = this.#state;
    const clock = hour % HOURS;
    at.spent += spendNanos;
    at.today[clock] = (at.today[clock] ?? 0) + spendNanos;
  }

  score(event: StreamEvent): number {
    if (event.isFact || event.disposition === 'duplicate' || event.disposition === 'altered') return 0;
    const at = this.#state;
    const now = event.ingestedAtMs;
    const hour = Math.floor(now / HOUR_MS);
    if (hour <= at.hour || Math.floor(now / DAY_MS) !== at.day || at.days < DAYS_MIN) return 0;
    at.hour = hour;
    const over = this.#shareOver(hour % HOURS);
    if (over < SHARE_MIN) return 0;
    this.#forecast = at.spent / over;
    const spread = Math.max(SPREAD_MIN, Math.sqrt(at.variance)) * (1 + 2 / at.days);
    return Math.max(0, (log(1 + this.#forecast) - at.mean) / spread);
  }

  learn(event: StreamEvent, _profile: unknown, flagged: boolean): void {
    if (event.isFact || event.disposition === 'duplicate' || event.disposition === 'altered') return;
    const at = this.#state;
    const day = Math.floor(event.ingestedAtMs / DAY_MS);
    if (day > at.day) {
      if (at.day >= 0 && !flagged) this.#closeDay();
      at.day = day;
      at.spent = 0;
      at.today.fill(0);
    }
  }

  evidence() {
    return { observed: this.#forecast, expected: this.#state.mean, parts: { days_learned: this.#state.days } };
  }

  missing(): string | undefined {
    const { days } = this.#state;
    return days >= DAYS_MIN ? undefined : `${days} of ${DAYS_MIN} days so far`;
  }

  restart(): void {
    // A day is forecast by itself; nothing is left of the one before.
  }

  relearn(): void {
    this.#state.days = 0;
    this.#state.mean = 0;
    this.#state.variance = 0;
    this.#state.usual.fill(0);
  }

  save() {
    return this.#state;
  }

  // The share of a usual day's spend that comes before this hour.
  #shareOver(clock: number): number {
    let before = 0;
    let all = 0;
    const { usual } = this.#state;
    for (let hour = 0; hour < HOURS; hour++) {
      const share = usual[hour] ?? 0;
      all += share;
      if (hour < clock) before += share;
    }
    return all > 0 ? before / all : 0;
  }

  #closeDay(): void {
    const at = this.#state;
    const weight = Math.max(1 / (at.days + 1), 1 / DAYS_MEMORY);
    const distance = log(1 + at.spent) - at.mean;
    at.mean += weight * distance;
    at.variance = (1 - weight) * (at.variance + weight * distance * distance);
    for (const [hour, spent] of at.today.entries()) {
      // Shares, so that one large day does not set the shape of all.
      const share = at.spent > 0 ? spent / at.spent : 0;
      at.usual[hour] = (at.usual[hour] ?? 0) + weight * (share - (at.usual[hour] ?? 0));
    }
    at.days++;
  }
}
