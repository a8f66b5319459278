import { HOUR_MS, MINUTE_MS } from '../time.ts';
import { type HourOfUsage, PLATFORM_MEMORY_MS, platformFactorAfter } from './platform-level.ts';

/** An hour is counted when it is over for so long: most of its usage has arrived. */
export const HOUR_SETTLED_MS = 2 * MINUTE_MS;

/** Of the accounts of an hour so many count as they are; the others count no more than the busiest of these. */
const CAPPED_FROM_SHARE = 0.95;

const ACCOUNTS_MIN = 1_024;

/** At least the hours that are looked at together. */
const RECENT_MS = 6 * HOUR_MS;

/** The newest hour that is over and settled, epoch milliseconds of its beginning. */
export function newestSettledHour(nowMs: number): number {
  return Math.floor((nowMs - HOUR_SETTLED_MS) / HOUR_MS) * HOUR_MS - HOUR_MS;
}

/**
 * Counts charged usage by account and hour, and knows how much busier than usual all accounts together are: what a running
 * service publishes each hour, for whoever plays history. Accounts are named by their ordinal, from 0.
 */
export class PlatformHours {
  /** At least 1; see `platformFactorAfter`. */
  factor = 1;
  /** Events of each account, by hour, of hours that are not over yet. */
  readonly #open = new Map<number, Uint32Array<ArrayBuffer>>();
  #hours: HourOfUsage[] = [];
  /** The hour last counted into: nearly always the one to count into next. */
  #hour = Number.NaN;
  #counts = new Uint32Array(0);
  /** The newest hour that was counted. */
  #closedMs = Number.NEGATIVE_INFINITY;
  /** When the next hour is over. */
  #nextMs = Number.NEGATIVE_INFINITY;

  /** Tells the time before each event, so that the factor is the one a lane could have read. Never goes back. */
  advance(nowMs: number): void {
    if (nowMs >= this.#nextMs) this.#close(nowMs);
  }

  /** Counts one charged event, by its own time. An hour that was counted is not counted again. */
  count(account: number, occurredAtMs: number): void {
    const hour = Math.floor(occurredAtMs / HOUR_MS);
    if (hour !== this.#hour || account >= this.#counts.length) {
      if (hour * HOUR_MS <= this.#closedMs) return;
      this.#turnTo(hour, account);
    }
    this.#counts[account] = (this.#counts[account] ?? 0) + 1;
  }

  #turnTo(hour: number, account: number): void {
    const known = this.#open.get(hour);
    this.#hour = hour;
    if (known !== undefined && account < known.length) {
      this.#counts = known;
      return;
    }
    this.#counts = new Uint32Array(Math.max(ACCOUNTS_MIN, 2 * account));
    if (known !== undefined) this.#counts.set(known);
    this.#open.set(hour, this.#counts);
  }

  #close(nowMs: number): void {
    const lastMs = newestSettledHour(nowMs);
    this.#closedMs = lastMs;
    this.#nextMs = lastMs + 2 * HOUR_MS + HOUR_SETTLED_MS;
    const over = [...this.#open].filter(([hour]) => hour * HOUR_MS <= lastMs).sort(([a], [b]) => a - b);
    for (const [hour, counts] of over) {
      this.#hours.push(hourOf(hour * HOUR_MS, counts));
      this.#open.delete(hour);
    }
    this.#hour = Number.NaN;
    const fromMs = lastMs - PLATFORM_MEMORY_MS - HOUR_MS;
    this.#hours = this.#hours.filter(({ hourMs }) => hourMs >= fromMs);
    this.factor = platformFactorAfter(withQuietHours(this.#hours, lastMs));
  }
}

/** The newest hours with nothing in them are hours too: a platform that stood still is not busy. */
function withQuietHours(hours: readonly HourOfUsage[], lastMs: number): readonly HourOfUsage[] {
  const first = hours[0]?.hourMs ?? Number.POSITIVE_INFINITY;
  const quiet: HourOfUsage[] = [];
  for (let hourMs = lastMs; hourMs > lastMs - RECENT_MS && hourMs > first; hourMs -= HOUR_MS) {
    if (!hours.some((hour) => hour.hourMs === hourMs)) quiet.push({ hourMs, accounts: 0, events: 0 });
  }
  return quiet.length === 0 ? hours : [...hours, ...quiet].sort((a, b) => a.hourMs - b.hourMs);
}

// Of no account more than the 95th percentile of all (the discrete one, as SQL has it).
function hourOf(hourMs: number, counts: Uint32Array): HourOfUsage {
  const own = counts.filter((count) => count > 0).sort();
  const most = own[Math.max(0, Math.ceil(CAPPED_FROM_SHARE * own.length) - 1)] ?? 0;
  let events = 0;
  for (const count of own) events += Math.min(count, most);
  return { hourMs, accounts: own.length, events };
}
