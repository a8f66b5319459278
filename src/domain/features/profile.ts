import { halved } from '../math.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time.ts';
import type { EventDetails } from './event-details.ts';

/** Hours of on-time usage counts that are kept: enough to see holes of three days, and days of five. */
export const PROFILE_HOURS = 120;

/** Distinct values remembered per dimension: honest accounts have a handful. */
export const VALUES_MAX = 12;

/** What can be new about an event. */
export const DIMENSIONS = ['source', 'region', 'key', 'feature'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** One value of a dimension, such as one source. */
export interface KnownValue {
  readonly id: number;
  readonly firstMs: number;
  /** Events with it. */
  count: number;
  /** Events of the account before it first appeared, and how many a day that was. */
  readonly eventsBefore: number;
  readonly perDayBefore: number;
}

/**
 * What several detectors need to know about an account: its age and size, the hours in which it reported on time, and
 * which sources, regions, keys and features it has used. Bounded; one per account, shared by all stream rules.
 */
export class Profile {
  /** First event; −1 before it. */
  firstMs = -1;
  events = 0;
  /** Events of about the last day: half of them are gone a day later. */
  recent = 0;
  recentAtMs = 0;
  /** First event that is no declared test, and their number. */
  firstRealMs = -1;
  realEvents = 0;
  /** Newest hour (since the epoch) with on-time usage; −1 before the first. */
  headHour = -1;
  /** On-time usage events by hour modulo PROFILE_HOURS. */
  readonly hours: number[] = new Array<number>(PROFILE_HOURS).fill(0);
  readonly known: KnownValue[][] = DIMENSIONS.map(() => []);
  /** The values of the event at hand by dimension; undefined where it has none. Not stored. */
  readonly current: (KnownValue | undefined)[] = DIMENSIONS.map(() => undefined);

  /** Events a day so far. */
  perDay(nowMs: number): number {
    return this.events / Math.max(1, (nowMs - this.firstMs) / DAY_MS);
  }

  ageMs(nowMs: number): number {
    return this.firstMs < 0 ? 0 : nowMs - this.firstMs;
  }

  /** On-time usage events in an hour; 0 outside what is kept. */
  hourCount(hour: number): number {
    if (hour > this.headHour || hour <= this.headHour - PROFILE_HOURS) return 0;
    return this.hours[hour % PROFILE_HOURS] ?? 0;
  }

  /** Looks up the event's values and counts them. Comes before the detectors' turn. */
  recognise(details: EventDetails, nowMs: number): void {
    const { current } = this;
    if (details.declaredTest) {
      current.fill(undefined);
      return;
    }
    if (this.firstRealMs < 0) this.firstRealMs = nowMs;
    this.realEvents++;
    current[0] = this.#find(0, details.source, nowMs);
    current[1] = this.#find(1, details.region, nowMs);
    current[2] = this.#find(2, details.key, nowMs);
    current[3] = this.#find(3, details.feature, nowMs);
  }

  /** Counts the event. Comes after the detectors' turn. */
  count(nowMs: number): void {
    if (this.firstMs < 0) this.firstMs = nowMs;
    this.events++;
    // Forgetting once a minute is soon enough, and spares busy accounts an exponential per event.
    if (nowMs - this.recentAtMs >= MINUTE_MS) {
      this.recent *= halved(nowMs - this.recentAtMs, DAY_MS);
      this.recentAtMs = nowMs;
    }
    this.recent++;
  }

  /** Counts usage that arrived about when it happened. */
  countOnTime(hour: number): void {
    if (hour > this.headHour) {
      const from = Math.max(this.headHour + 1, hour - PROFILE_HOURS + 1);
      for (let fresh = from; fresh <= hour; fresh++) this.hours[fresh % PROFILE_HOURS] = 0;
      this.headHour = hour;
    } else if (hour <= this.headHour - PROFILE_HOURS) return;
    const slot = hour % PROFILE_HOURS;
    this.hours[slot] = (this.hours[slot] ?? 0) + 1;
  }

  #find(dimension: number, id: number, nowMs: number): KnownValue | undefined {
    if (id === 0) return undefined;
    const values = this.known[dimension] ?? [];
    for (const value of values) {
      if (value.id !== id) continue;
      value.count++;
      return value;
    }
    const days = Math.max(1, (nowMs - this.firstRealMs) / DAY_MS);
    const fresh = { id, firstMs: nowMs, count: 1, eventsBefore: this.realEvents, perDayBefore: this.realEvents / days };
    // The least used makes room: a flood of made-up values must not push out the account's own.
    if (values.length >= VALUES_MAX) values.splice(leastUsed(values), 1);
    values.push(fresh);
    return fresh;
  }

  /** Plain data for storage. */
  save(): unknown {
    const first = Math.max(0, this.headHour - PROFILE_HOURS + 1);
    const hours =
      this.headHour < 0 ? [] : Array.from({ length: PROFILE_HOURS }, (_, index) => this.hourCount(first + index));
    return {
      at: [this.firstMs, this.events, this.firstRealMs, this.realEvents, this.headHour],
      recent: [this.recent, this.recentAtMs],
      hours,
      known: this.known.map((values) =>
        values.map(({ id, firstMs, count, eventsBefore, perDayBefore }) => [
          id,
          firstMs,
          count,
          eventsBefore,
          perDayBefore,
        ]),
      ),
    };
  }
}

function leastUsed(values: readonly KnownValue[]): number {
  let least = 0;
  for (let index = 1; index < values.length; index++) {
    if ((values[index]?.count ?? 0) < (values[least]?.count ?? 0)) least = index;
  }
  return least;
}

/** The hour number of a time. */
export function hourNumber(ms: number): number {
  return Math.floor(ms / HOUR_MS);
}
