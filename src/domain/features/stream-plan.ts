import type { CompiledStream } from '../detectors/stream-detector.ts';
import { ANY, TOTALS } from './wakes.ts';

/** Which stream rules an event of one meter may concern, and what wakes each. */
export interface MeterPlan {
  /** Places of the rules. */
  readonly places: readonly number[];
  /** For each of them, the bits of which an event must have one. */
  readonly wakes: readonly number[];
  /** For each of them, the bits at which it is told the usage that was added up; 0 when it is shown every event. */
  readonly totals: readonly number[];
  /** The bits of which an event must have one, or it concerns none of them. */
  readonly all: number;
}

/** Senders choose meter names, so only so many are remembered. */
const METERS_MAX = 1_000;

/** For one set of stream rules: whom to show which event. Computed once, shared by all accounts. */
export class StreamPlan {
  /** How far back a value is news to any rule. */
  readonly newsMs: number;
  readonly #streams: readonly CompiledStream[];
  readonly #byMeter = new Map<string, MeterPlan>();

  constructor(streams: readonly CompiledStream[]) {
    this.#streams = streams;
    this.newsMs = streams.reduce((most, { windowMs }) => Math.max(most, windowMs), 0);
  }

  /** The rules that look at a meter. */
  of(meter: string): MeterPlan {
    return this.#byMeter.get(meter) ?? this.#plan(meter);
  }

  #plan(meter: string): MeterPlan {
    const places = [...this.#streams.keys()].filter((place) => this.#streams[place]?.meters?.has(meter) ?? true);
    const wakes = places.map((place) => wakesOf(this.#streams[place]));
    const totals = places.map((place) => totalsOf(this.#streams[place]));
    const plan = { places, wakes, totals, all: wakes.reduce((known, bits) => known | bits, 0) };
    if (this.#byMeter.size < METERS_MAX) this.#byMeter.set(meter, plan);
    return plan;
  }
}

function totalsOf(stream: CompiledStream | undefined): number {
  return stream?.totals === undefined ? 0 : TOTALS[stream.totals];
}

function wakesOf(stream: CompiledStream | undefined): number {
  // What is added up must be told whenever the sum starts anew, whatever else wakes the rule.
  return (stream?.wakes ?? (stream?.totals === undefined ? ANY : 0)) | totalsOf(stream);
}
