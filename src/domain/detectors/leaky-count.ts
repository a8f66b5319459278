import { halved } from '../math.ts';

/** A count that forgets: half of it is gone after every half-life. Two numbers, whatever the history. */
export interface LeakyCount {
  value: number;
  atMs: number;
}

/** What is left of the count now. Times that go back leave it as it is. */
export function leaked({ value, atMs }: LeakyCount, nowMs: number, halfLifeMs: number): number {
  if (value === 0 || nowMs <= atMs) return value;
  return value * halved(nowMs - atMs, halfLifeMs);
}

/** Adds to the count. */
export function addLeaky(count: LeakyCount, amount: number, nowMs: number, halfLifeMs: number): void {
  count.value = Math.max(0, leaked(count, nowMs, halfLifeMs) + amount);
  count.atMs = Math.max(count.atMs, nowMs);
}
