import { exp } from '../math.ts';
import { DAY_MS } from '../time.ts';
import type { LocalTime } from './local-time.ts';

/** One payment that was tried, where and when the payer lives. */
export interface PastTry {
  readonly atMs: number;
  readonly local: LocalTime;
  readonly succeeded: boolean;
}

/** How payments near an hour went: weights of successes and of all. */
export interface NearTries {
  readonly successes: number;
  readonly tries: number;
}

const HOUR_SIGMA = 1.6;
const HOUR_WEIGHTS = Array.from({ length: 13 }, (_, distance) => exp((-distance * distance) / (2 * HOUR_SIGMA ** 2)));
/** Another day of the same kind tells less than the day itself; a working day tells little of a weekend. */
const SAME_DAY = 1;
const SAME_KIND = 0.6;
const OTHER_KIND = 0.2;
/** What happened half a year ago counts half. */
const HALF_LIFE_MS = 182 * DAY_MS;

/** How tries near this hour went: near in the hour of day (around the clock), weighted by the day of week and by age. */
export function triesNear(past: readonly PastTry[], local: LocalTime, nowMs: number): NearTries {
  let successes = 0;
  let tries = 0;
  for (const { atMs, local: then, succeeded } of past) {
    const apart = Math.abs(then.hour - local.hour);
    const weight =
      (HOUR_WEIGHTS[apart > 12 ? 24 - apart : apart] ?? 0) *
      dayWeight(then.weekday, local.weekday) *
      ageWeight(nowMs - atMs);
    tries += weight;
    if (succeeded) successes += weight;
  }
  return { successes, tries };
}

/** All tries, by age alone. */
export function triesInAll(past: readonly PastTry[], nowMs: number): NearTries {
  let successes = 0;
  let tries = 0;
  for (const { atMs, succeeded } of past) {
    const weight = ageWeight(nowMs - atMs);
    tries += weight;
    if (succeeded) successes += weight;
  }
  return { successes, tries };
}

function dayWeight(a: number, b: number): number {
  if (a === b) return SAME_DAY;
  return a < 5 === b < 5 ? SAME_KIND : OTHER_KIND;
}

function ageWeight(ageMs: number): number {
  return ageMs <= 0 ? 1 : 1 / (1 + ageMs / HALF_LIFE_MS);
}
