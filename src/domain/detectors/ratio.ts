import { z } from 'zod';
import { log } from '../math.ts';
import { DAY_MS } from '../time.ts';
import { USAGE } from '../features/wakes.ts';
import { durationText } from './shared-params.ts';
import { defineStreamDetector, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

/** Batches the baseline needs, and how many it remembers. */
const BATCHES_MIN = 5;
const BATCHES_MEMORY = 60;
/** What is kept of the baseline's weight after an incident: it may learn a new normal quickly, but not at once. */
const BATCHES_AFTER_INCIDENT = 4;
/** One batch says at most this many spreads. */
const Z_MAX = 4;
/** Beyond this sum the baseline stops learning: the fall is being judged. */
const LEARN_MAX = 4;
const SPREAD_MIN = 0.05;
const METERS_MAX = 4;

const shape = z.strictObject({
  rarity: rarityParam,
  of: z.string().min(1).optional().describe('Only this meter; otherwise every meter by itself.'),
  over: z.string().min(1).optional().describe('Compare with this meter instead of the number of events.'),
  batch: z.int().min(4).max(200).default(12).describe('How many events are averaged before they are judged.'),
  at_least: durationText.default('3h').describe('How long a batch lasts at least: usage comes in sessions.'),
  drift: z.number().min(0.1).max(3).default(0.4).describe('A fall of less than this many spreads is not counted.'),
});

const meterState = z.object({
  meter: z.string(),
  count: z.number(),
  sum: z.number(),
  squares: z.number(),
  other: z.number(),
  fromMs: z.number(),
  batches: z.number(),
  mean: z.number(),
  variance: z.number(),
  within: z.number(),
  fall: z.number(),
});
type MeterState = z.infer<typeof meterState>;

const state = z.object({ meters: z.array(meterState).max(METERS_MAX) });

/**
 * Flags a quantity per event, or a ratio of two meters, that falls below the account's own and stays there. Batches of
 * events are averaged in logarithms, and a one-sided CUSUM (Page, Biometrika 1954) adds up how far below the usual they lie.
 */
export const ratio = defineStreamDetector({
  kind: 'ratio',
  shape,
  state,
  compile(params, context) {
    const lastsMs = context.duration(['at_least'], params.at_least);
    if (lastsMs === undefined) return undefined;
    const settings = { of: params.of, over: params.over, batch: params.batch, lastsMs, drift: params.drift };
    return {
      prior: { at: 3.7, slope: 0.5 },
      windowMs: DAY_MS,
      wakes: USAGE,
      open: (saved) => new RatioRun(settings, saved?.meters ?? []),
    };
  },
});

interface Settings {
  readonly of: string | undefined;
  readonly over: string | undefined;
  readonly batch: number;
  readonly lastsMs: number;
  readonly drift: number;
}

class RatioRun implements StreamRun {
  readonly #settings: Settings;
  readonly #meters: MeterState[];
  /** What the last event left to learn: a batch that was judged just now. */
  #closed: { readonly at: MeterState; readonly mean: number; readonly within: number } | undefined;

  constructor(settings: Settings, meters: readonly MeterState[]) {
    this.#settings = settings;
    this.#meters = meters.map((meter) => ({ ...meter }));
  }

  score(event: StreamEvent): number {
    this.#closed = undefined;
    if (event.isFact || event.details.declaredTest) return 0;
    if (event.disposition === 'duplicate' || event.disposition === 'altered') return 0;
    const at = this.#find(event);
    if (at === undefined) return 0;
    const { over, batch, lastsMs, drift } = this.#settings;
    if (at.count === 0 && at.other === 0) at.fromMs = event.ingestedAtMs;
    if (over === undefined) {
      const value = log(Math.max(event.quantity, 1e-9));
      at.sum += value;
      at.squares += value * value;
      at.count++;
    } else if (event.meter === over) at.other += event.quantity;
    else {
      at.sum += event.quantity;
      at.count++;
    }
    if (at.count < batch || event.ingestedAtMs - at.fromMs < lastsMs) return 0;
    const mean = over === undefined ? at.sum / at.count : log(Math.max(at.sum, 1e-9) / Math.max(at.other, 1e-9));
    const within = over === undefined ? Math.max(0, at.squares / at.count - mean * mean) / at.count : 0;
    this.#closed = { at, mean, within };
    at.count = 0;
    at.sum = 0;
    at.squares = 0;
    at.other = 0;
    if (at.batches < BATCHES_MIN) return 0;
    const variance = Math.max(at.variance * 1.15, at.within, within * 0.5, SPREAD_MIN * SPREAD_MIN);
    // A centre and spread estimated from few batches are uncertain themselves.
    const spread = Math.sqrt(variance * (1 + 1 / at.batches)) * (1 + 2 / at.batches);
    const z = Math.max(-Z_MAX, Math.min(Z_MAX, (mean - at.mean) / spread));
    at.fall = Math.max(0, at.fall - z - drift);
    return at.fall;
  }

  learn(_event: StreamEvent, _profile: unknown, flagged: boolean): void {
    const closed = this.#closed;
    if (closed === undefined) return;
    const { at, mean, within } = closed;
    if (at.batches >= BATCHES_MIN && (flagged || at.fall >= LEARN_MAX)) return;
    const weight = Math.max(1 / (at.batches + 1), 1 / BATCHES_MEMORY);
    const distance = mean - at.mean;
    at.mean += weight * distance;
    at.variance = (1 - weight) * (at.variance + weight * distance * distance);
    at.within += (at.batches === 0 ? 1 : weight) * (within - at.within);
    at.batches++;
  }

  evidence() {
    let worst = this.#meters[0];
    for (const meter of this.#meters) if (meter.fall > (worst?.fall ?? 0)) worst = meter;
    return { observed: worst?.fall ?? 0, expected: 0, parts: { batches: worst?.batches ?? 0 } };
  }

  missing(): string | undefined {
    let batches = 0;
    for (const meter of this.#meters) batches = Math.max(batches, meter.batches);
    return batches >= BATCHES_MIN ? undefined : `${batches} of ${BATCHES_MIN} batches of usage so far`;
  }

  restart(): void {
    for (const meter of this.#meters) {
      meter.fall = 0;
      meter.batches = Math.min(meter.batches, BATCHES_AFTER_INCIDENT);
    }
  }

  relearn(): void {
    this.#meters.length = 0;
  }

  save() {
    return { meters: this.#meters };
  }

  #find({ meter }: StreamEvent): MeterState | undefined {
    const { of, over } = this.#settings;
    if (of !== undefined && meter !== of && meter !== over) return undefined;
    const name = of ?? meter;
    for (const known of this.#meters) if (known.meter === name) return known;
    if (this.#meters.length >= METERS_MAX) return undefined;
    const fresh = { meter: name, count: 0, sum: 0, squares: 0, other: 0, fromMs: 0 };
    const learned = { batches: 0, mean: 0, variance: 0, within: 0, fall: 0 };
    this.#meters.push({ ...fresh, ...learned });
    return this.#meters.at(-1);
  }
}
