import type { History } from '../features/history.ts';

/** Which earlier windows a window is compared with: every one, those of the same clock hour, or of the same weekday too. */
export type Comparison = 'all' | 'hour_of_day' | 'hour_of_week';

const STEP_HOURS = { all: 1, hour_of_day: 24, hour_of_week: 168 } as const;

/** The windows of a history that may be learned. */
export interface Points {
  /** Sums of the comparable windows, newest first. */
  readonly points: number[];
  /** Average sum of all learnable windows: the account's size, whatever the hour. */
  readonly level: number;
  /** Largest sum of all learnable windows. */
  readonly record: number;
  /** Learnable hours with any usage. */
  readonly activeHours: number;
}

/**
 * Sums of `windowHours` hours. The history must end right before the judged window. A window that touches an hour which
 * may not be learned is left out, so neither flagged usage nor the time before birth is ever half-learned.
 */
export function collectPoints(history: History, windowHours: number, compare: Comparison): Points {
  const { sums, usable } = history;
  const total = sums.length;
  // Running totals make each window one subtraction instead of `windowHours` additions.
  const runningSum = new Array<number>(total + 1).fill(0);
  const runningUsable = new Array<number>(total + 1).fill(0);
  let activeHours = 0;
  for (let index = 0; index < total; index++) {
    const isUsable = usable[index] === 1;
    const sum = sums[index] ?? 0;
    if (isUsable && sum > 0) activeHours++;
    runningSum[index + 1] = (runningSum[index] ?? 0) + sum;
    runningUsable[index + 1] = (runningUsable[index] ?? 0) + (isUsable ? 1 : 0);
  }

  const step = STEP_HOURS[compare];
  const points: number[] = [];
  let record = 0;
  let levelSum = 0;
  let windows = 0;
  // `back` is how many hours before the judged window a window ends; index total − 1 is `windowHours` hours back.
  for (let end = total - 1; end >= windowHours - 1; end--) {
    const usableHours = (runningUsable[end + 1] ?? 0) - (runningUsable[end + 1 - windowHours] ?? 0);
    if (usableHours < windowHours) continue;
    // Subtracting running totals of fractions can leave a trace below zero.
    const sum = Math.max(0, (runningSum[end + 1] ?? 0) - (runningSum[end + 1 - windowHours] ?? 0));
    windows++;
    levelSum += sum;
    if (sum > record) record = sum;
    const back = total - 1 - end + windowHours;
    if (back % step === 0) points.push(sum);
  }
  return { points, level: windows === 0 ? 0 : levelSum / windows, record, activeHours };
}

/** Largest sum of `windowHours` learnable hours, and nothing else: one pass without lists. */
export function recordOf({ sums, usable }: History, windowHours: number): number {
  let record = 0;
  let sum = 0;
  let usableHours = 0;
  for (let index = 0; index < sums.length; index++) {
    sum += sums[index] ?? 0;
    usableHours += usable[index] ?? 0;
    if (index >= windowHours) {
      sum -= sums[index - windowHours] ?? 0;
      usableHours -= usable[index - windowHours] ?? 0;
    }
    if (usableHours === windowHours && sum > record) record = sum;
  }
  return record;
}

/** How many points a full history of `fromHours` offers. */
export function pointsMax(compare: Comparison, fromHours: number, windowHours: number): number {
  const step = STEP_HOURS[compare];
  return Math.max(0, Math.floor(fromHours / step) - Math.ceil(windowHours / step) + 1);
}
