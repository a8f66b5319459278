import { DAY_MS, HOUR_MS } from '../time.ts';

const CLOCK_HOURS = 24;
const DAYS_MIN = 5;
const DAYS_MEMORY = 14;
/** Hours that are looked at together: one hour of a small platform is chance. */
const RECENT_HOURS = 3;
/** Fewer events than this say nothing about the platform. */
const EVENTS_MIN = 50;
const FACTOR_MAX = 5;

/**
 * How much busier all accounts together are than at this time of day: 1 on an ordinary day, 2 during a sale. What everybody
 * does at once says nothing against anybody. Closed hours only, so that it is what a lane could have read as well.
 */
export class PlatformFactor {
  readonly #usual = new Array<number>(CLOCK_HOURS).fill(0);
  readonly #days = new Array<number>(CLOCK_HOURS).fill(0);
  readonly #recent: { readonly total: number; readonly usual: number }[] = [];
  #hour = -1;
  #total = 0;
  #factor = 1;

  /** Counts one usage event of any account. */
  count(nowMs: number): void {
    const hour = Math.floor(nowMs / HOUR_MS);
    if (this.#hour < 0) this.#hour = hour;
    // A gap of days closes a day's hours at most; more would say the same.
    for (let closed = 0; hour > this.#hour && closed < DAY_MS / HOUR_MS; closed++) this.#close();
    if (hour > this.#hour) this.#hour = hour;
    this.#total++;
  }

  /** At least 1: a quiet platform excuses nobody and accuses nobody. */
  now(): number {
    return this.#factor;
  }

  #close(): void {
    const clock = this.#hour % CLOCK_HOURS;
    const usual = this.#usual[clock] ?? 0;
    const days = this.#days[clock] ?? 0;
    if (days >= DAYS_MIN) this.#recent.push({ total: this.#total, usual });
    if (this.#recent.length > RECENT_HOURS) this.#recent.shift();
    const total = this.#recent.reduce((sum, hour) => sum + hour.total, 0);
    const expected = this.#recent.reduce((sum, hour) => sum + hour.usual, 0);
    this.#factor = total < EVENTS_MIN || expected <= 0 ? 1 : Math.min(FACTOR_MAX, Math.max(1, total / expected));
    const weight = Math.max(1 / (days + 1), 1 / DAYS_MEMORY);
    this.#usual[clock] = usual + weight * (this.#total - usual);
    this.#days[clock] = days + 1;
    this.#hour++;
    this.#total = 0;
  }
}
