import { z } from 'zod';
import { USAGE } from '../features/wakes.ts';
import { log } from '../math.ts';
import { DAY_MS } from '../time.ts';
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

// One stretch of numbers a meter, in the order of its stored fields: a batch in the making, then what was learned. As fields
// of an object each would be an object of its own, and fetching those is what an event costs at ten thousand accounts.
const COUNT = 0;
const SUM = 1;
const SQUARES = 2;
const OTHER = 3;
const FROM_MS = 4;
const BATCHES = 5;
const MEAN = 6;
const VARIANCE = 7;
const WITHIN = 8;
const FALL = 9;
const STRIDE = 10;

class RatioRun implements StreamRun {
  readonly #settings: Settings;
  readonly #meters: string[] = [];
  readonly #cells: number[] = [];
  /** Where the batch that the last event closed, and that is still to be learned, begins; −1 when it closed none. */
  #closedAt = -1;
  #closedMean = 0.5;
  #closedWithin = 0.5;

  constructor(settings: Settings, meters: readonly MeterState[]) {
    this.#settings = settings;
    for (const { meter, count, sum, squares, other, fromMs, batches, mean, variance, within, fall } of meters) {
      this.#meters.push(meter);
      this.#cells.push(count, sum, squares, other, fromMs, batches, mean, variance, within, fall);
    }
  }

  score(event: StreamEvent): number {
    this.#closedAt = -1;
    if (event.isFact || event.details.declaredTest) return 0;
    if (event.disposition === 'duplicate' || event.disposition === 'altered') return 0;
    const at = this.#find(event.meter);
    if (at < 0) return 0;
    const { over, batch, lastsMs, drift } = this.#settings;
    const cells = this.#cells;
    if (cells[at + COUNT] === 0 && cells[at + OTHER] === 0) cells[at + FROM_MS] = event.ingestedAtMs;
    if (over !== undefined && event.meter === over) cells[at + OTHER] = (cells[at + OTHER] ?? 0) + event.quantity;
    else this.#add(at, event.quantity);
    const count = cells[at + COUNT] ?? 0;
    if (count < batch || event.ingestedAtMs - (cells[at + FROM_MS] ?? 0) < lastsMs) return 0;
    const sum = cells[at + SUM] ?? 0;
    const isEach = over === undefined;
    const mean = isEach ? sum / count : log(Math.max(sum, 1e-9) / Math.max(cells[at + OTHER] ?? 0, 1e-9));
    const within = isEach ? Math.max(0, (cells[at + SQUARES] ?? 0) / count - mean * mean) / count : 0;
    this.#closedAt = at;
    this.#closedMean = mean;
    this.#closedWithin = within;
    for (let field = COUNT; field <= OTHER; field++) cells[at + field] = 0;
    const batches = cells[at + BATCHES] ?? 0;
    if (batches < BATCHES_MIN) return 0;
    const learned = Math.max((cells[at + VARIANCE] ?? 0) * 1.15, cells[at + WITHIN] ?? 0);
    const variance = Math.max(learned, within * 0.5, SPREAD_MIN * SPREAD_MIN);
    // A centre and spread estimated from few batches are uncertain themselves.
    const spread = Math.sqrt(variance * (1 + 1 / batches)) * (1 + 2 / batches);
    const z = Math.max(-Z_MAX, Math.min(Z_MAX, (mean - (cells[at + MEAN] ?? 0)) / spread));
    const fall = Math.max(0, (cells[at + FALL] ?? 0) - z - drift);
    cells[at + FALL] = fall;
    return fall;
  }

  learn(_event: StreamEvent, _profile: unknown, flagged: boolean): void {
    const at = this.#closedAt;
    if (at < 0) return;
    const cells = this.#cells;
    const batches = cells[at + BATCHES] ?? 0;
    if (batches >= BATCHES_MIN && (flagged || (cells[at + FALL] ?? 0) >= LEARN_MAX)) return;
    const weight = Math.max(1 / (batches + 1), 1 / BATCHES_MEMORY);
    const mean = cells[at + MEAN] ?? 0;
    const distance = this.#closedMean - mean;
    const within = cells[at + WITHIN] ?? 0;
    cells[at + MEAN] = mean + weight * distance;
    cells[at + VARIANCE] = (1 - weight) * ((cells[at + VARIANCE] ?? 0) + weight * distance * distance);
    cells[at + WITHIN] = within + (batches === 0 ? 1 : weight) * (this.#closedWithin - within);
    cells[at + BATCHES] = batches + 1;
  }

  evidence() {
    const meters = this.#saved();
    let worst = meters[0];
    for (const meter of meters) if (meter.fall > (worst?.fall ?? 0)) worst = meter;
    return { observed: worst?.fall ?? 0, expected: 0, parts: { batches: worst?.batches ?? 0 } };
  }

  missing(): string | undefined {
    let batches = 0;
    for (const meter of this.#saved()) batches = Math.max(batches, meter.batches);
    return batches >= BATCHES_MIN ? undefined : `${batches} of ${BATCHES_MIN} batches of usage so far`;
  }

  restart(): void {
    const cells = this.#cells;
    for (let at = 0; at < cells.length; at += STRIDE) {
      cells[at + FALL] = 0;
      cells[at + BATCHES] = Math.min(cells[at + BATCHES] ?? 0, BATCHES_AFTER_INCIDENT);
    }
  }

  relearn(): void {
    this.#meters.length = 0;
    this.#cells.length = 0;
  }

  save() {
    return { meters: this.#saved() };
  }

  #saved(): MeterState[] {
    return this.#meters.map((meter, place) => {
      const own = this.#cells.slice(place * STRIDE, (place + 1) * STRIDE);
      const [count = 0, sum = 0, squares = 0, other = 0, fromMs = 0, ...learned] = own;
      const [batches = 0, mean = 0, variance = 0, within = 0, fall = 0] = learned;
      return { meter, count, sum, squares, other, fromMs, batches, mean, variance, within, fall };
    });
  }

  #add(at: number, quantity: number): void {
    const cells = this.#cells;
    cells[at + COUNT] = (cells[at + COUNT] ?? 0) + 1;
    if (this.#settings.over !== undefined) {
      cells[at + SUM] = (cells[at + SUM] ?? 0) + quantity;
      return;
    }
    const value = log(Math.max(quantity, 1e-9));
    cells[at + SUM] = (cells[at + SUM] ?? 0) + value;
    cells[at + SQUARES] = (cells[at + SQUARES] ?? 0) + value * value;
  }

  // Where the meter's numbers begin; −1 when it is none of the rule's business, or there is no room for it.
  #find(meter: string): number {
    const { of, over } = this.#settings;
    if (of !== undefined && meter !== of && meter !== over) return -1;
    const place = this.#meters.indexOf(of ?? meter);
    if (place >= 0) return place * STRIDE;
    if (this.#meters.length >= METERS_MAX) return -1;
    for (let field = 0; field < STRIDE; field++) this.#cells.push(0);
    return (this.#meters.push(of ?? meter) - 1) * STRIDE;
  }
}
