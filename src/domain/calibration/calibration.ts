import { exp, log } from '../math.ts';
import { DECADES_PER_NAT } from './poisson.ts';

/**
 * What is known about a rule before it has seen anything: raw values of `at` are reached by honest accounts once in
 * 1,000 account-days, and each further unit of raw value is `slope` decades rarer.
 */
export interface TailPrior {
  readonly at: number;
  readonly slope: number;
}

const PRIOR_AT_DECADES = 3;

/** Rarity of a raw value by the prior alone, in decades: all a lane has, which sees only its own accounts. */
export function priorRarity({ at, slope }: TailPrior, raw: number): number {
  return Math.max(0.3, PRIOR_AT_DECADES + (raw - at) * slope);
}

/** The raw value whose prior rarity is `decades`. */
export function rawAt({ at, slope }: TailPrior, decades: number): number {
  return at + (decades - PRIOR_AT_DECADES) / slope;
}

/** The prior counts like this many account-days of clean history. */
const PRIOR_ACCOUNT_DAYS = 400;

/** Incidents rarer than this are taken for flagged and never learned. */
const LEARNED_MAX_DECADES = 4;

const BINS_PER_UNIT = 20;
const BINS = 1_000;

/** The tail beyond this many largest incidents is smoothed by an exponential instead of counted. */
const TAIL_COUNT = 8;

/**
 * One rule's place on the common scale: −log10 of how many clean incidents per account-day reach a raw value at least as
 * high. Clean means: the prior, and the stream so far without what was flagged; labels are never used. Beyond the largest
 * learned incidents the tail is exponential with their mean excess (peaks over threshold: Pickands 1975), drawn towards
 * the prior's, so that the scale is continuous and has no end.
 */
export class Calibration {
  readonly #prior: TailPrior;
  readonly #bins = new Float64Array(BINS);
  /** Above it every bin is empty. */
  #top = 0;

  constructor(prior: TailPrior) {
    this.#prior = prior;
  }

  /** Rarity in decades of a raw value, after `accountDays` of stream. */
  rarity(raw: number, accountDays: number): number {
    const priorRate = exp(-priorRarity(this.#prior, raw) / DECADES_PER_NAT);
    const rate = (PRIOR_ACCOUNT_DAYS * priorRate + this.#countFrom(raw)) / (PRIOR_ACCOUNT_DAYS + accountDays);
    return -log(rate) * DECADES_PER_NAT;
  }

  /** Whether an incident with this highest raw value may be learned from. */
  isClean(raw: number): boolean {
    return priorRarity(this.#prior, raw) < LEARNED_MAX_DECADES;
  }

  /** Counts an incident whose highest raw value is `raw`; `weight` −1 takes it back when it has grown. */
  learn(raw: number, weight: 1 | -1): void {
    const bin = binOf(raw);
    if (bin > this.#top) this.#top = bin;
    this.#bins[bin] = Math.max(0, (this.#bins[bin] ?? 0) + weight);
  }

  #countFrom(raw: number): number {
    let count = 0;
    let sum = 0;
    let bin = this.#top;
    for (; bin >= 0 && count < TAIL_COUNT; bin--) {
      const here = this.#bins[bin] ?? 0;
      count += here;
      sum += (here * (bin + 0.5)) / BINS_PER_UNIT;
    }
    const threshold = (bin + 1) / BINS_PER_UNIT;
    if (count >= TAIL_COUNT && raw > threshold) {
      const excess = Math.max(0.01, sum / count - threshold);
      const priorExcess = DECADES_PER_NAT / this.#prior.slope;
      const scale = (excess * count + priorExcess * TAIL_COUNT) / (count + TAIL_COUNT);
      return count * exp(-(raw - threshold) / scale);
    }
    // Within the counted part: everything above, and the share of its own bin that lies above.
    const own = binOf(raw);
    let above = 0;
    for (let index = own + 1; index <= this.#top; index++) above += this.#bins[index] ?? 0;
    return above + (this.#bins[own] ?? 0) * Math.max(0, own + 1 - raw * BINS_PER_UNIT);
  }
}

function binOf(raw: number): number {
  return Math.min(BINS - 1, Math.max(0, Math.floor(raw * BINS_PER_UNIT)));
}
