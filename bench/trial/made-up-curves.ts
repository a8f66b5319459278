import type { Curve } from './read-curves.ts';

const STEP_MS = 300_000;
const START_MS = Date.UTC(2026, 2, 2);
const ROWS = 4_000;
const CURVES = 48;
const WINDOW_ROWS = 200;

interface Chance {
  /** From 0 to 1. */
  readonly even: () => number;
  /** About normal, with mean 0 and deviation 1. */
  readonly normal: () => number;
}

type Usual = (row: number, chance: Chance) => number;

/** Kinds of series that people watch: smooth days, flat noise, counts in bursts, saw teeth, weekdays. */
const USUAL: readonly Usual[] = [
  (row, { normal }) => 100 + 50 * day(row) + 4 * normal(),
  (_, { normal }) => 40 + 2 * normal(),
  (row, { even }) => Math.floor(-20 * (1.2 + day(row)) * Math.log(1 - even())),
  (row, { normal }) => 20 + ((row * 7) % 400) / 10 + normal(),
  (row, { normal }) => (Math.floor(row / 288) % 7 < 5 ? 80 + 40 * day(row) : 30) + 5 * normal(),
  (row, { even, normal }) => 10 + (even() < 0.01 ? 60 * even() : 0) + 0.5 * normal() + 3 * day(row),
];

type Odd = (value: number, since: number, spread: number, chance: Chance) => number;

/** What goes wrong: a spike, a drop to nothing, a new level, unrest, a line that stands still, a slow slide. */
const ODD: readonly Odd[] = [
  (value, since, spread) => (since < 2 ? value + 6 * spread : value),
  (value, since) => (since < 40 ? 0 : value),
  (value, _, spread) => value + 3 * spread,
  (value, since, spread, { normal }) => (since < 80 ? value + 2.5 * spread * normal() : value),
  (value, since, spread) => (since < 60 ? 4 * spread : value),
  (value, since, spread) => (since < 100 ? value + (since / 25) * spread : value),
];

/**
 * Seeded series in the manner of the Numenta Anomaly Benchmark, for those who do not have it: every usual kind with every way
 * to go wrong, once or twice, and some with none.
 */
export function madeUpCurves(): readonly Curve[] {
  return Array.from({ length: CURVES }, (_, index) => {
    const chance = chanceOf(index + 1);
    const usual = USUAL[index % USUAL.length] ?? (() => 0);
    const plain = Array.from({ length: ROWS }, (_unused, row) => usual(row, chance));
    const mean = plain.reduce((sum, value) => sum + value, 0) / ROWS;
    const spread = Math.sqrt(plain.reduce((sum, value) => sum + (value - mean) ** 2, 0) / ROWS);
    const starts = [...Array(Math.floor(index / USUAL.length) % 3).keys()].map(
      (which) => 1_200 + which * 1_400 + Math.floor(chance.even() * 900),
    );
    for (const [which, start] of starts.entries()) {
      const odd = ODD[(Math.floor(index / USUAL.length) + which * 2 + index) % ODD.length];
      for (let row = start; row < Math.min(ROWS, start + WINDOW_ROWS); row++) {
        plain[row] = odd?.(plain[row] ?? 0, row - start, spread, chance) ?? 0;
      }
    }
    return {
      name: `made-up-${index + 1}`,
      timesMs: Float64Array.from(plain, (_unused, row) => START_MS + row * STEP_MS),
      values: Float64Array.from(plain, (value) => Math.round(value * 1000) / 1000),
      windows: starts.map((start) => ({ from: start - WINDOW_ROWS / 2, to: start + WINDOW_ROWS - 1 })),
    };
  });
}

function day(row: number): number {
  return Math.sin((row / 288) * 2 * Math.PI);
}

/** Chance that is the same every time (mulberry32). */
function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const even = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { even, normal: () => (even() + even() + even() + even() - 2) * Math.sqrt(3) };
}
