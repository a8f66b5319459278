import { z } from 'zod';
import { poissonRarity } from '../calibration/poisson.ts';
import { compileWithin, durationText } from './shared-params.ts';
import { defineStreamDetector, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

const KEPT_MAX = 24;
/** Distinct values and failures go together in an attack; each counts for less than its own rarity. */
const SHARE = 0.7;

const shape = z.strictObject({
  rarity: rarityParam,
  of: z.enum(['card', 'device', 'source', 'key']).describe('Which values are counted.'),
  on: z.string().min(1).describe('On events of which meter: topup, auth …'),
  within: durationText.default('48h').describe('How far back values are counted; up to 7d.'),
  usual: z
    .number()
    .min(0.01)
    .max(10)
    .default(0.15)
    .describe('How many different values honest accounts have in that time.'),
  usual_failures: z.number().min(0.001).max(10).default(0.03).describe('How many failed attempts they have.'),
});

/** When, which value, and whether the attempt failed (1). */
const entry = z.tuple([z.number(), z.number(), z.number()]);
const state = z.object({ entries: z.array(entry).max(KEPT_MAX) });

/** Flags many different values (cards, devices, keys) and failures among the events of one meter in a short time. */
export const distinct = defineStreamDetector({
  kind: 'distinct',
  shape,
  state,
  compile(params, context) {
    const withinMs = compileWithin(params.within, 7, context);
    if (withinMs === undefined) return undefined;
    return {
      prior: { at: 1.8, slope: 1 },
      windowMs: withinMs,
      meters: new Set([params.on]),
      open: (saved) => new DistinctRun({ ...params, withinMs }, saved?.entries ?? []),
    };
  },
});

interface Settings {
  readonly of: 'card' | 'device' | 'source' | 'key';
  readonly on: string;
  readonly withinMs: number;
  readonly usual: number;
  readonly usual_failures: number;
}

class DistinctRun implements StreamRun {
  readonly #settings: Settings;
  #entries: [number, number, number][];

  constructor(settings: Settings, entries: readonly (readonly [number, number, number])[]) {
    this.#settings = settings;
    this.#entries = entries.map(([atMs, id, failed]) => [atMs, id, failed]);
  }

  score(event: StreamEvent): number {
    const { on, of, withinMs, usual, usual_failures: usualFailures } = this.#settings;
    if (event.meter !== on || event.disposition === 'duplicate') return 0;
    const now = event.ingestedAtMs;
    this.#entries = this.#entries.filter(([atMs]) => now - atMs < withinMs).slice(1 - KEPT_MAX);
    this.#entries.push([now, event.details[of], event.details.failed ? 1 : 0]);
    if (this.#entries.length < 2) return 0;
    const { values, failures } = this.#count();
    return SHARE * (poissonRarity(values, usual) + poissonRarity(failures, usualFailures));
  }

  evidence() {
    const { values, failures } = this.#count();
    return { observed: values, expected: this.#settings.usual, parts: { distinct: values, failed: failures } };
  }

  missing(): string | undefined {
    return this.#entries.length === 0 ? `no ${this.#settings.on} so far` : undefined;
  }

  restart(): void {
    this.#entries = [];
  }

  relearn(): void {
    // Nothing is learned.
  }

  save() {
    return { entries: this.#entries };
  }

  #count(): { values: number; failures: number } {
    const values = new Set<number>();
    let failures = 0;
    for (const [, id, failed] of this.#entries) {
      values.add(id);
      failures += failed;
    }
    return { values: values.size, failures };
  }
}
