import { halved } from '../math.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time.ts';
import type { EventDetails } from './event-details.ts';
import { type KnownValue, KnownValues, type SavedValues } from './known-values.ts';

export { DIMENSIONS, type Dimension, type KnownValue } from './known-values.ts';

/** Hours of on-time usage counts that are kept: enough to see holes of three days, and days of five. */
export const PROFILE_HOURS = 120;

// Doubles live in one array: as fields, each would be an object of its own somewhere else in memory.
const FIRST_MS = 0;
const FIRST_REAL_MS = 1;
const RECENT = 2;
const RECENT_AT_MS = 3;
const HOUR_SPEND = 4;
const DAY_SPEND = 5;
const HOURS = 6;
// Made of a fraction, so that the engine keeps doubles in it from the start, and copied: the fastest way to have another.
const FRESH = Array.from({ length: HOURS + PROFILE_HOURS }, () => 0.5).map((half, at) =>
  at <= FIRST_REAL_MS ? -1 : half - half,
);

// One list for all profiles: it is read and forgotten.
const counts: number[] = [];

/**
 * What several detectors need to know about an account: its age and size, the hours in which it reported on time, and
 * which sources, regions, keys and features it has used. Bounded; one per account, shared by all stream rules.
 */
export class Profile {
  events = 0;
  /** Events that were no declared test. */
  realEvents = 0;
  /** Newest hour (since the epoch) with on-time usage; −1 before the first. */
  headHour = -1;
  /** Whether the event before moved the head. Not stored; asking once too often is harmless. */
  headMoved = true;
  /** Hour and day of the newest usage by arrival, and its events that rules have not been told of yet. Not stored. */
  openHour = -1;
  openDay = -1;
  hourEvents = 0;
  dayEvents = 0;
  /** Whether the usage before opened the day. Not stored. */
  dayOpened = false;
  readonly values = new KnownValues();
  readonly #cells: number[] = FRESH.slice();

  /** First event; −1 before it. */
  get firstMs(): number {
    return this.#cells[FIRST_MS] ?? -1;
  }

  /** First event that is no declared test; −1 before it. */
  get firstRealMs(): number {
    return this.#cells[FIRST_REAL_MS] ?? -1;
  }

  /** Events of about the last day: half of them are gone a day later. */
  get recent(): number {
    return this.#cells[RECENT] ?? 0;
  }

  /** Spend of the open hour and day that rules have not been told of yet, in nano-units. */
  get hourSpendNanos(): number {
    return this.#cells[HOUR_SPEND] ?? 0;
  }

  get daySpendNanos(): number {
    return this.#cells[DAY_SPEND] ?? 0;
  }

  /** Events a day so far. */
  perDay(nowMs: number): number {
    return this.events / Math.max(1, (nowMs - this.firstMs) / DAY_MS);
  }

  ageMs(nowMs: number): number {
    const { firstMs } = this;
    return firstMs < 0 ? 0 : nowMs - firstMs;
  }

  /** On-time usage events in an hour; 0 outside what is kept. */
  hourCount(hour: number): number {
    if (hour > this.headHour || hour <= this.headHour - PROFILE_HOURS) return 0;
    return this.#cells[HOURS + (hour % PROFILE_HOURS)] ?? 0;
  }

  /** On-time usage events of the newest hours, newest first; at most `PROFILE_HOURS`. Valid until the next call. */
  countsBack(hours: number): readonly number[] {
    const cells = this.#cells;
    counts.length = Math.min(hours, PROFILE_HOURS);
    let slot = this.headHour % PROFILE_HOURS;
    for (let back = 0; back < counts.length; back++) {
      counts[back] = cells[HOURS + slot] ?? 0;
      slot = slot === 0 ? PROFILE_HOURS - 1 : slot - 1;
    }
    return counts;
  }

  /** The event's value of a dimension; undefined where it has none. */
  current(dimension: number): KnownValue | undefined {
    return this.values.current(dimension);
  }

  /**
   * Looks up the event's values and counts them. Comes before the detectors' turn. Returns when the newest of them that
   * is news first appeared; −1 when none is.
   */
  recognise(details: EventDetails, nowMs: number): number {
    const cells = this.#cells;
    if (details.declaredTest) {
      this.values.forgetCurrent();
      return -1;
    }
    if ((cells[FIRST_REAL_MS] ?? -1) < 0) cells[FIRST_REAL_MS] = nowMs;
    this.realEvents++;
    return this.values.recognise(details, this, nowMs);
  }

  /** Counts the event. Comes after the detectors' turn. */
  count(nowMs: number): void {
    const cells = this.#cells;
    if ((cells[FIRST_MS] ?? -1) < 0) cells[FIRST_MS] = nowMs;
    this.events++;
    // Forgetting once a minute is soon enough, and spares busy accounts an exponential per event.
    const elapsedMs = nowMs - (cells[RECENT_AT_MS] ?? 0);
    if (elapsedMs >= MINUTE_MS) {
      cells[RECENT] = (cells[RECENT] ?? 0) * halved(elapsedMs, DAY_MS);
      cells[RECENT_AT_MS] = nowMs;
    }
    cells[RECENT] = (cells[RECENT] ?? 0) + 1;
  }

  /** Counts usage that arrived about when it happened. */
  countOnTime(hour: number): void {
    const cells = this.#cells;
    if (hour > this.headHour) {
      const from = Math.max(this.headHour + 1, hour - PROFILE_HOURS + 1);
      for (let fresh = from; fresh <= hour; fresh++) cells[HOURS + (fresh % PROFILE_HOURS)] = 0;
      this.headHour = hour;
      this.headMoved = true;
    } else if (hour <= this.headHour - PROFILE_HOURS) return;
    const slot = HOURS + (hour % PROFILE_HOURS);
    cells[slot] = (cells[slot] ?? 0) + 1;
  }

  /** Adds usage to its hour and day. Comes after the detectors' turn. Sums of whole numbers, exact whatever their order. */
  countUsage(spendNanos: number): void {
    this.hourEvents++;
    this.dayEvents++;
    const cells = this.#cells;
    cells[HOUR_SPEND] = (cells[HOUR_SPEND] ?? 0) + spendNanos;
    cells[DAY_SPEND] = (cells[DAY_SPEND] ?? 0) + spendNanos;
  }

  /** The open hour's usage has been told. */
  clearHour(): void {
    this.hourEvents = 0;
    this.#cells[HOUR_SPEND] = 0;
  }

  /** The open day's usage has been told. */
  clearDay(): void {
    this.dayEvents = 0;
    this.#cells[DAY_SPEND] = 0;
  }

  /** Plain data for storage. */
  save(): unknown {
    const first = Math.max(0, this.headHour - PROFILE_HOURS + 1);
    const hours =
      this.headHour < 0 ? [] : Array.from({ length: PROFILE_HOURS }, (_, index) => this.hourCount(first + index));
    return {
      at: [this.firstMs, this.events, this.firstRealMs, this.realEvents, this.headHour],
      recent: [this.recent, this.#cells[RECENT_AT_MS] ?? 0],
      hours,
      known: this.values.save(),
    };
  }

  /** Takes back what `save` gave. */
  restore({ at, recent, hours, known }: SavedProfile): void {
    const cells = this.#cells;
    [, this.events, , this.realEvents, this.headHour] = at;
    [cells[FIRST_MS], , cells[FIRST_REAL_MS]] = at;
    [cells[RECENT], cells[RECENT_AT_MS]] = recent;
    const first = Math.max(0, this.headHour - PROFILE_HOURS + 1);
    for (const [index, count] of hours.entries()) cells[HOURS + ((first + index) % PROFILE_HOURS)] = count;
    this.values.restore(known, this.firstRealMs);
  }
}

/** A profile as it is stored. */
export interface SavedProfile {
  /** First event, events, first and number of those that were no test, newest hour. */
  readonly at: readonly [number, number, number, number, number];
  readonly recent: readonly [number, number];
  readonly hours: readonly number[];
  readonly known: SavedValues;
}

/** The hour number of a time. */
export function hourNumber(ms: number): number {
  return Math.floor(ms / HOUR_MS);
}
