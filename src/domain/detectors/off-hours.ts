import { z } from 'zod';
import { DECADES_PER_NAT } from '../calibration/poisson.ts';
import { hourNumber, PROFILE_HOURS, type Profile } from '../features/profile.ts';
import { HEAD_MOVED, NEW_CLAIMED_HOUR } from '../features/wakes.ts';
import { log } from '../math.ts';
import { DAY_MS } from '../time.ts';
import { defineStreamDetector, NOISE_MAX, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

const DAY = 24;
const AGE_MIN_MS = 6 * DAY_MS;
const EVENTS_MIN = 120;
const RECENT_MIN = 8;
const JUDGED_HOURS = 3;
const DAY_MIN = 3;
/** Usage comes in sessions: n events of a day weigh like this many times √n independent ones. */
const SESSION_FACTOR = 3;
/** Share of the account's learned events that stands for an hour it has never used. */
const SMOOTHING = 0.02;
/** A moved time zone explains the same hours; half of what it explains is taken off. */
const MOVED_SHARE = 0.5;

const shape = z.strictObject({
  rarity: rarityParam,
  quiet_hours: z.int().min(2).max(10).default(5).describe("Length of the account's own quiet stretch of the day."),
  days: z.int().min(2).max(5).default(4).describe('How many days are compared with what was learned before them.'),
});

const state = z.object({
  usual: z.array(z.number()).length(DAY),
  total: z.number(),
  learnedTo: z.number(),
  judgedFrom: z.number(),
});

/**
 * Flags usage that moves into the account's own quiet hours, day after day. Evidence is the likelihood ratio of the share
 * in those hours against the learned profile (Kullback-Leibler divergence times events), summed over days without the best
 * one, so that one batch job is not enough; what a shifted clock (a move to another time zone) explains is taken off.
 */
export const offHours = defineStreamDetector({
  kind: 'off_hours',
  shape,
  state,
  compile: ({ quiet_hours: quietHours, days }) => ({
    prior: { at: 2.9, slope: 0.5 },
    windowMs: days * DAY_MS,
    wakes: NEW_CLAIMED_HOUR | HEAD_MOVED,
    open: (saved) => new OffHoursRun(quietHours, days, saved ?? fresh()),
  }),
});

function stretchOf(hour: number): number {
  return Math.floor(hour / JUDGED_HOURS);
}

function fresh(): z.infer<typeof state> {
  return { usual: new Array<number>(DAY).fill(0), total: 0, learnedTo: -1, judgedFrom: -1 };
}

class OffHoursRun implements StreamRun {
  readonly #quietHours: number;
  readonly #days: number;
  readonly #usual: number[];
  #total: number;
  /** Last hour that is part of what is usual. */
  #learnedTo: number;
  /** Hours before it belong to an incident that is over. */
  #judgedFrom: number;
  #headHour = -1;
  #observed = 0;
  #expected = 0;

  constructor(quietHours: number, days: number, saved: z.infer<typeof state>) {
    this.#quietHours = quietHours;
    this.#days = days;
    this.#usual = [...saved.usual];
    this.#total = saved.total;
    this.#learnedTo = saved.learnedTo;
    this.#judgedFrom = saved.judgedFrom;
  }

  // Three hours are judged at once, when the first event after them arrives: most events cost a comparison.
  score(event: StreamEvent, profile: Profile): number {
    if (event.isFact || event.disposition === 'duplicate' || profile.headHour < 0) return 0;
    const hour = hourNumber(event.claimedAtMs);
    if (stretchOf(hour) <= stretchOf(profile.headHour) || event.claimedAtMs > event.ingestedAtMs + DAY_MS) return 0;
    if (this.#total < EVENTS_MIN || profile.ageMs(event.ingestedAtMs) < AGE_MIN_MS) return 0;
    return this.#judge(profile, profile.headHour);
  }

  learn(_event: StreamEvent, profile: Profile, flagged: boolean): void {
    if (profile.headHour < 0) return;
    if (this.#learnedTo < 0) this.#learnedTo = profile.headHour - 1;
    const until = profile.headHour - this.#days * DAY;
    if (until <= this.#learnedTo) return;
    for (let hour = Math.max(this.#learnedTo + 1, until - PROFILE_HOURS); hour <= until; hour++) {
      const count = profile.hourCount(hour);
      if (count === 0 || flagged) continue;
      // One hour of a batch job must not become the account's normal.
      const bounded = Math.min(count, 8 * Math.sqrt(1 + count));
      this.#usual[hour % DAY] = (this.#usual[hour % DAY] ?? 0) + bounded;
      this.#total += bounded;
    }
    this.#learnedTo = until;
  }

  evidence() {
    return { observed: this.#observed, expected: this.#expected, parts: { quiet_hours: this.#quietHours } };
  }

  missing(): string | undefined {
    if (this.#total >= EVENTS_MIN) return undefined;
    return `${Math.round(this.#total)} of ${EVENTS_MIN} events older than ${this.#days} days so far`;
  }

  restart(): void {
    this.#judgedFrom = this.#headHour;
  }

  relearn(): void {
    this.#usual.fill(0);
    this.#total = 0;
  }

  save() {
    return { usual: this.#usual, total: this.#total, learnedTo: this.#learnedTo, judgedFrom: this.#judgedFrom };
  }

  #judge(profile: Profile, lastHour: number): number {
    this.#headHour = lastHour;
    const likely = this.#smoothed();
    const { start, share } = quietest(likely, this.#quietHours);
    const counts = profile.countsBack(this.#days * DAY);
    const kept = Math.min(counts.length, lastHour - this.#judgedFrom + 1);
    let total = 0;
    let inside = 0;
    let above = 0;
    let clock = lastHour % DAY;
    for (let day = 0; day < this.#days; day++) {
      let all = 0;
      let quiet = 0;
      const end = Math.min(kept, (day + 1) * DAY);
      for (let index = day * DAY; index < end; index++) {
        const count = counts[index] ?? 0;
        if (count !== 0) {
          all += count;
          if ((clock < start ? clock + DAY : clock) - start < this.#quietHours) quiet += count;
        }
        clock = clock === 0 ? DAY - 1 : clock - 1;
      }
      total += all;
      inside += quiet;
      dayTotals[day] = all;
      dayShares[day] = all === 0 ? 0 : quiet / all;
      if (all >= DAY_MIN && quiet / all > share) above++;
    }
    this.#observed = total === 0 ? 0 : inside / total;
    this.#expected = share;
    // The best day is taken off, so two must speak against the account: most have none, and need no logarithm.
    if (total < RECENT_MIN || above < 2) return 0;
    let sum = 0;
    let best = Number.NEGATIVE_INFINITY;
    for (let day = 0; day < this.#days; day++) {
      const all = dayTotals[day] ?? 0;
      const evidence = all < DAY_MIN ? 0 : dayEvidence(dayShares[day] ?? 0, share, all);
      sum += evidence;
      if (evidence > best) best = evidence;
    }
    if (sum - best <= NOISE_MAX) return 0;
    const weight = Math.min(total, SESSION_FACTOR * Math.sqrt(total * this.#days)) / total;
    const recent = byClock(counts.slice(0, Math.max(0, kept)), lastHour);
    return Math.max(0, sum - best - MOVED_SHARE * movedEvidence(recent, likely) * weight * DECADES_PER_NAT);
  }

  // The learned share of each clock hour; neighbours lend each other a quarter, and no hour is impossible.
  #smoothed(): number[] {
    const usual = this.#usual;
    const likely = new Array<number>(DAY).fill(0.5);
    const floor = SMOOTHING * this.#total;
    let total = 0;
    for (let hour = 0; hour < DAY; hour++) {
      const before = usual[hour === 0 ? DAY - 1 : hour - 1] ?? 0;
      const after = usual[hour === DAY - 1 ? 0 : hour + 1] ?? 0;
      const value = (usual[hour] ?? 0) + 0.25 * (before + after) + floor + 1;
      likely[hour] = value;
      total += value;
    }
    for (let hour = 0; hour < DAY; hour++) likely[hour] = (likely[hour] ?? 0) / total;
    return likely;
  }
}

// Working memory of one judgement.
const dayTotals: number[] = [];
const dayShares: number[] = [];

// Counts, newest hour first, by hour of the day.
function byClock(counts: readonly number[], lastHour: number): number[] {
  const recent = new Array<number>(DAY).fill(0);
  for (const [index, count] of counts.entries()) {
    const clock = (lastHour - index) % DAY;
    recent[clock] = (recent[clock] ?? 0) + count;
  }
  return recent;
}

function quietest(likely: readonly number[], length: number): { start: number; share: number } {
  let start = 0;
  let share = Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let index = 0; index < length; index++) sum += likely[index] ?? 0;
  for (let from = 0; from < DAY; from++) {
    const end = from + length - 1;
    if (from > 0) sum += (likely[end < DAY ? end : end - DAY] ?? 0) - (likely[from - 1] ?? 0);
    // Sliding sums carry traces of rounding; a tie must not depend on them.
    if (sum < share - 1e-12) {
      share = sum;
      start = from;
    }
  }
  return { start, share };
}

// Signed: a day with fewer quiet events than usual speaks against.
function dayEvidence(found: number, usual: number, events: number): number {
  const inside = found > 0 ? found * log(found / usual) : 0;
  const outside = found < 1 ? (1 - found) * log((1 - found) / (1 - usual)) : 0;
  const weight = Math.min(events, SESSION_FACTOR * Math.sqrt(events)) * DECADES_PER_NAT;
  return (found > usual ? 1 : -1) * (inside + outside) * weight;
}

// How much better the best shift of the whole day explains the recent hours than the day as it was.
function movedEvidence(recent: readonly number[], likely: readonly number[]): number {
  // Two days of logarithms, so that a shifted hour needs no division.
  const logs: number[] = [];
  for (let hour = 0; hour < 2 * DAY; hour++) logs.push(hour < DAY ? log(likely[hour] ?? 0) : (logs[hour - DAY] ?? 0));
  let best = 0;
  for (let shift = 1; shift < DAY; shift++) {
    let gain = 0;
    for (let hour = 0; hour < DAY; hour++) {
      gain += (recent[hour] ?? 0) * ((logs[hour + shift] ?? 0) - (logs[hour] ?? 0));
    }
    if (gain > best) best = gain;
  }
  return best;
}
