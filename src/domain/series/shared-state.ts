import type { SeriesPoint } from './channel.ts';
import { advanceClock, type SeriesClock, startClock } from './series-clock.ts';
import type { SeriesRow } from './series-detector.ts';
import { learnSize, type SeriesSize, spreadOf, startSize } from './series-size.ts';

/** What every detector knows of a series besides its channels. */
export interface SharedState {
  readonly clock: SeriesClock;
  readonly size: SeriesSize;
}

/** Nothing known yet. */
export function startShared(): SharedState {
  return { clock: startClock(), size: startSize() };
}

/** A row as channels see it. */
export function pointOf({ clock, size }: SharedState, { atMs, value }: SeriesRow): SeriesPoint {
  if (atMs === undefined) clock.slot++;
  else advanceClock(clock, atMs);
  const level = size.rows === 0 ? value : size.level;
  return { value, slot: clock.slot, slotsPerPeriod: clock.slotsPerPeriod, level, spread: spreadOf(size) };
}

/** Learns the row after every channel has judged it. */
export function learnShared({ size }: SharedState, value: number): void {
  learnSize(size, value);
}
