import { DAY_MS, MINUTE_MS } from '../time.ts';

/** What is known of a series' sampling: which interval and which clock period its rows fall in. */
export interface SeriesClock {
  /** Usual distance between rows in milliseconds; 0 while it is being learned. */
  stepMs: number;
  /** Length of an interval: the usual distance, at least a minute; 0 while it is being learned. */
  intervalMs: number;
  slotsPerPeriod: number;
  /** The latest time so far; null before the first. */
  lastMs: number | null;
  slot: number;
  /** Distances between the first rows, while the interval is being learned. */
  readonly steps: number[];
  /** Time of slot 0. */
  originMs: number;
}

/** How many steps between rows are looked at before the interval is settled. */
const STEPS_LEARNED = 12;

/** Shorter intervals share a slot: a week of slots must stay small. */
const SLOT_MS_MIN = MINUTE_MS;

/** A day must have this many intervals to be worth comparing; with fewer the week is the period. */
const SLOTS_PER_PERIOD_MIN = 4;

/** Nothing known yet. */
export function startClock(): SeriesClock {
  return { stepMs: 0, intervalMs: 0, slotsPerPeriod: 0, lastMs: null, slot: 0, steps: [], originMs: 0 };
}

/** What a row's time says: later than every row before, at the same time as the latest, or before it. */
export type TimeOrder = 'later' | 'repeated' | 'backward';

/**
 * Moves the clock to a row's time. Time that repeats or goes back leaves it where it is: such rows are judged in row
 * order, in the interval of the latest row.
 */
export function advanceClock(clock: SeriesClock, atMs: number): TimeOrder {
  const { lastMs } = clock;
  if (lastMs === null) {
    clock.lastMs = atMs;
    clock.originMs = atMs;
    return 'later';
  }
  if (atMs <= lastMs) return atMs === lastMs ? 'repeated' : 'backward';
  if (clock.intervalMs === 0) {
    clock.steps.push(atMs - lastMs);
    clock.slot++;
    if (clock.steps.length === STEPS_LEARNED) settle(clock, atMs);
  } else clock.slot = Math.round((atMs - clock.originMs) / clock.intervalMs);
  clock.lastMs = atMs;
  return 'later';
}

function settle(clock: SeriesClock, atMs: number): void {
  const ascending = clock.steps.toSorted((left, right) => left - right);
  clock.stepMs = ascending[STEPS_LEARNED >> 1] ?? SLOT_MS_MIN;
  clock.intervalMs = Math.max(SLOT_MS_MIN, clock.stepMs);
  clock.steps.length = 0;
  clock.originMs = atMs;
  clock.slot = 0;
  const perDay = DAY_MS / clock.intervalMs;
  const perWeek = perDay * 7;
  clock.slotsPerPeriod = perDay >= SLOTS_PER_PERIOD_MIN ? perDay : perWeek >= SLOTS_PER_PERIOD_MIN ? perWeek : 0;
}
