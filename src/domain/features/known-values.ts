import { DAY_MS } from '../time.ts';
import type { EventDetails } from './event-details.ts';

/** Distinct values remembered per dimension: honest accounts have a handful. */
export const VALUES_MAX = 12;

/** What can be new about an event. */
export const DIMENSIONS = ['source', 'region', 'key', 'feature'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** A value is news when it first appears after the account had so many events and days; before, it was still unpacking. */
export const NEWS_EVENTS_MIN = 60;
export const NEWS_AFTER_MS = 7 * DAY_MS;

/** One value of a dimension, such as one source. */
export interface KnownValue {
  readonly id: number;
  readonly firstMs: number;
  /** Events with it. */
  readonly count: number;
  /** Events of the account before it first appeared, and how many a day that was. */
  readonly eventsBefore: number;
  readonly perDayBefore: number;
}

/** Values as they are stored, by dimension: id, first, count, events before, a day before. */
export type SavedValues = readonly (readonly (readonly [number, number, number, number, number])[])[];

/** What the values need to know of their account. */
interface Account {
  readonly realEvents: number;
  readonly firstRealMs: number;
}

/*
 * Values of all dimensions in the order they came, in two arrays: what every event looks at (key and count), and what only
 * news is asked for (first time, events before, a day before). A key holds id, dimension and whether the value is news.
 */
const PAIR = 2;
const TRIPLE = 3;
const KEYS_PER_ID = 8;
const KEYS_PER_DIMENSION = 2;
const NONE = -1;

/** The values of its dimensions that an account has used. Bounded. */
export class KnownValues {
  readonly #seen: number[] = [];
  readonly #firsts: number[] = [];
  /** Places of the values of the event at hand. Not stored. */
  readonly #current = [NONE, NONE, NONE, NONE];

  /** Looks up the event's values and counts them; returns when the newest that is news first appeared, −1 for none. */
  recognise(details: EventDetails, account: Account, nowMs: number): number {
    const current = this.#current;
    current[0] = this.#find(0, details.source, account, nowMs);
    current[1] = this.#find(1, details.region, account, nowMs);
    current[2] = this.#find(2, details.key, account, nowMs);
    current[3] = this.#find(3, details.feature, account, nowMs);
    let newestMs = NONE;
    for (let dimension = 0; dimension < current.length; dimension++) {
      const place = current[dimension] ?? NONE;
      if (place === NONE || (this.#seen[place * PAIR] ?? 0) % KEYS_PER_DIMENSION === 0) continue;
      newestMs = Math.max(newestMs, this.#firsts[place * TRIPLE] ?? NONE);
    }
    return newestMs;
  }

  /** The event at hand has no values that count. */
  forgetCurrent(): void {
    this.#current.fill(NONE);
  }

  /** The value of the event at hand; undefined where it has none. */
  current(dimension: number): KnownValue | undefined {
    const place = this.#current[dimension] ?? NONE;
    return place === NONE ? undefined : this.#valueAt(place);
  }

  /** Plain data for storage. */
  save(): SavedValues {
    return DIMENSIONS.map((_, dimension) =>
      this.#placesOf(dimension).map((place) => {
        const { id, firstMs, count, eventsBefore, perDayBefore } = this.#valueAt(place);
        return [id, firstMs, count, eventsBefore, perDayBefore] as const;
      }),
    );
  }

  /** Takes back what `save` gave. */
  restore(saved: SavedValues, firstRealMs: number): void {
    for (const [dimension, values] of saved.entries()) {
      for (const [id, firstMs, count, eventsBefore, perDayBefore] of values) {
        this.#push(dimension, { id, firstMs, count, eventsBefore, perDayBefore }, firstRealMs);
      }
    }
  }

  #find(dimension: number, id: number, account: Account, nowMs: number): number {
    if (id === 0) return NONE;
    const seen = this.#seen;
    const plain = id * KEYS_PER_ID + dimension * KEYS_PER_DIMENSION;
    for (let at = 0; at < seen.length; at += PAIR) {
      const key = seen[at];
      if (key !== plain && key !== plain + 1) continue;
      seen[at + 1] = (seen[at + 1] ?? 0) + 1;
      return at / PAIR;
    }
    return this.#add(dimension, id, account, nowMs);
  }

  #add(dimension: number, id: number, { realEvents, firstRealMs }: Account, nowMs: number): number {
    const days = Math.max(1, (nowMs - firstRealMs) / DAY_MS);
    const places = this.#placesOf(dimension);
    // The least used makes room: a flood of made-up values must not push out the account's own.
    if (places.length >= VALUES_MAX) this.#remove(this.#leastUsed(places));
    const fresh = { id, firstMs: nowMs, count: 1, eventsBefore: realEvents, perDayBefore: realEvents / days };
    this.#push(dimension, fresh, firstRealMs);
    return this.#seen.length / PAIR - 1;
  }

  #push(dimension: number, value: KnownValue, firstRealMs: number): void {
    const { id, firstMs, count, eventsBefore, perDayBefore } = value;
    const isNews = eventsBefore >= NEWS_EVENTS_MIN && firstMs - firstRealMs > NEWS_AFTER_MS;
    this.#seen.push(id * KEYS_PER_ID + dimension * KEYS_PER_DIMENSION + (isNews ? 1 : 0), count);
    this.#firsts.push(firstMs, eventsBefore, perDayBefore);
  }

  #remove(place: number): void {
    this.#seen.splice(place * PAIR, PAIR);
    this.#firsts.splice(place * TRIPLE, TRIPLE);
    const current = this.#current;
    for (let at = 0; at < current.length; at++) if ((current[at] ?? NONE) > place) current[at] = (current[at] ?? 0) - 1;
  }

  #placesOf(dimension: number): number[] {
    const places: number[] = [];
    for (let place = 0; place * PAIR < this.#seen.length; place++) {
      const key = this.#seen[place * PAIR] ?? 0;
      if (Math.floor((key % KEYS_PER_ID) / KEYS_PER_DIMENSION) === dimension) places.push(place);
    }
    return places;
  }

  #leastUsed(places: readonly number[]): number {
    let least = places[0] ?? 0;
    for (const place of places) {
      if ((this.#seen[place * PAIR + 1] ?? 0) < (this.#seen[least * PAIR + 1] ?? 0)) least = place;
    }
    return least;
  }

  #valueAt(place: number): KnownValue {
    return {
      id: Math.floor((this.#seen[place * PAIR] ?? 0) / KEYS_PER_ID),
      firstMs: this.#firsts[place * TRIPLE] ?? 0,
      count: this.#seen[place * PAIR + 1] ?? 0,
      eventsBefore: this.#firsts[place * TRIPLE + 1] ?? 0,
      perDayBefore: this.#firsts[place * TRIPLE + 2] ?? 0,
    };
  }
}
