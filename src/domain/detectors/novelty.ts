import { z } from 'zod';
import type { TailPrior } from '../calibration/calibration.ts';
import { DECADES_PER_NAT } from '../calibration/poisson.ts';
import {
  DIMENSIONS,
  type Dimension,
  type KnownValue,
  NEWS_AFTER_MS,
  NEWS_EVENTS_MIN,
} from '../features/known-values.ts';
import type { Profile } from '../features/profile.ts';
import { NEWS } from '../features/wakes.ts';
import { log } from '../math.ts';
import { DAY_MS } from '../time.ts';
import { durationText } from './shared-params.ts';
import { defineStreamDetector, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

/** A rate over less than this is mostly chance. */
const DAYS_MIN = 0.15;
const PER_DAY_MIN = 3;
const SHARE_MIN = 0.1;

/** Old values must go on with this share of the new one's events. */
const BESIDE_SHARE = 0.25;

const TOGETHER_DECADES = 1.2;
const OPENED_DECADES = 0.25;

/** A rotated key carries what the account used before; one that carries so many times as much is used by somebody else. */
const ROTATED_TIMES = 5;
const ROTATED_EVENTS_MIN = 20;
/** After this long, usage that goes on as ever without the new key says that nothing was rotated. */
const ROTATION_MS = 2 * DAY_MS;
const GOES_ON_SHARE = 0.6;
const BESIDE_KEY_SHARE = 0.8;
/** Honest teams open keys for new machines now and then, so a new key beside the old ones still explains something. */
const OWN_KEY_DECADES = 0.3;

/** Honest accounts add a source with a new key (rotation), a feature, or move their region; rarely several at once. */
const PRIORS: { readonly [what: string]: TailPrior } = {
  source: { at: 1.3, slope: 1.5 },
  region: { at: 1.9, slope: 1.2 },
  several: { at: 1.8, slope: 1.5 },
};

const shape = z.strictObject({
  rarity: rarityParam,
  of: z
    .enum(['source', 'region', 'several'])
    .describe('source: a new one alone; region: a new one alone; several: new source, region or feature together.'),
  new_for: durationText.default('14d').describe('How long a value counts as new.'),
});

/**
 * Flags usage carried by something the account has never used. How much it carries counts, and how it compares with the
 * account's own rate. A new key explains a new source: that is what key rotation looks like.
 */
export const novelty = defineStreamDetector({
  kind: 'novelty',
  shape,
  // The account's known values are part of its profile, which all novelty rules share.
  state: z.object({}),
  compile(params, context) {
    const newForMs = context.duration(['new_for'], params.new_for);
    if (newForMs === undefined) return undefined;
    return {
      prior: PRIORS[params.of] ?? { at: 1.5, slope: 1.5 },
      windowMs: newForMs,
      wakes: NEWS,
      open: () => new NoveltyRun(params.of, newForMs),
    };
  },
});

const [SOURCE, REGION, KEY, FEATURE] = DIMENSIONS.keys();

class NoveltyRun implements StreamRun {
  readonly #of: 'source' | 'region' | 'several';
  readonly #newForMs: number;
  #observed = 0;
  #expected = 0;
  #news: Dimension[] = [];

  constructor(of: 'source' | 'region' | 'several', newForMs: number) {
    this.#of = of;
    this.#newForMs = newForMs;
  }

  score(event: StreamEvent, profile: Profile): number {
    if (event.isFact || event.details.declaredTest) return 0;
    if (event.disposition === 'duplicate' || event.disposition === 'altered') return 0;
    const now = event.ingestedAtMs;
    const source = this.#newValue(profile, SOURCE, now);
    const region = this.#newValue(profile, REGION, now);
    const feature = this.#newValue(profile, FEATURE, now);
    if (source === undefined && region === undefined && feature === undefined) return 0;
    const key = this.#newValue(profile, KEY, now);
    const isRotation = key !== undefined && replaces(key, profile, now);
    const count = (source ? 1 : 0) + (region ? 1 : 0) + (feature ? 1 : 0) - (isRotation ? 1 : 0);
    switch (this.#of) {
      case 'source':
        if (source === undefined || isRotation || region !== undefined || feature !== undefined) return 0;
        this.#note(source, ['source'], now);
        return decades(1 + source.count) + 0.5 * pace(source, now) - (key === undefined ? 0 : OWN_KEY_DECADES);
      case 'region':
        if (region === undefined || key !== undefined || count !== 1) return 0;
        if (hasMoved(region, profile)) return 0;
        this.#note(region, ['region'], now);
        return 0.6 * decades(1 + region.count) + 0.8 * pace(region, now);
      case 'several': {
        if (count < 2) return 0;
        const least = rarest(rarest(source, region), feature);
        if (least === undefined) return 0;
        this.#note(least, named(source, region, feature), now);
        // A business that opens in another region runs its own machines there, and does there what it does at home.
        const opened = feature === undefined && source !== undefined && region !== undefined ? OPENED_DECADES : 0;
        return (count - 1) * TOGETHER_DECADES + 0.6 * decades(1 + least.count) + 1.2 * pace(least, now) - opened;
      }
    }
  }

  evidence() {
    const parts: { [name: string]: number } = { events: this.#observed };
    for (const name of this.#news) parts[`new_${name}`] = 1;
    return { observed: this.#observed, expected: this.#expected, parts };
  }

  missing(profile: Profile): string | undefined {
    if (profile.realEvents >= NEWS_EVENTS_MIN) return undefined;
    return `${profile.realEvents} of ${NEWS_EVENTS_MIN} events so far`;
  }

  restart(): void {
    // Nothing is accumulated here.
  }

  relearn(): void {
    // A larger plan explains more usage, not a stranger's source.
  }

  save() {
    return {};
  }

  #newValue(profile: Profile, dimension: number | undefined, nowMs: number): KnownValue | undefined {
    const value = profile.current(dimension ?? 0);
    if (value === undefined || value.eventsBefore < NEWS_EVENTS_MIN) return undefined;
    if (nowMs - value.firstMs >= this.#newForMs) return undefined;
    return value.firstMs - profile.firstRealMs > NEWS_AFTER_MS ? value : undefined;
  }

  #note(value: KnownValue, news: Dimension[], nowMs: number): void {
    this.#observed = value.count;
    this.#expected = (value.perDayBefore * (nowMs - value.firstMs)) / DAY_MS;
    this.#news = news;
  }
}

function named(source: unknown, region: unknown, feature: unknown): Dimension[] {
  const names: Dimension[] = [];
  if (source !== undefined) names.push('source');
  if (region !== undefined) names.push('region');
  if (feature !== undefined) names.push('feature');
  return names;
}

// Somebody who moves takes everything along; a thief works beside the owner.
function hasMoved({ count, eventsBefore }: KnownValue, { realEvents }: Profile): boolean {
  return realEvents - eventsBefore - count < BESIDE_SHARE * count;
}

// Whether a new key takes the place of the ones before, so that whatever is new with it is the account's own doing.
function replaces(key: KnownValue, profile: Profile, nowMs: number): boolean {
  const age = nowMs - key.firstMs;
  const expected = (key.perDayBefore * Math.max(DAYS_MIN * DAY_MS, age)) / DAY_MS;
  if (key.count > Math.max(ROTATED_EVENTS_MIN, ROTATED_TIMES * expected)) return false;
  if (age < ROTATION_MS) return true;
  const others = profile.realEvents - key.eventsBefore - key.count;
  return others < GOES_ON_SHARE * expected || others < BESIDE_KEY_SHARE * key.count;
}

function rarest(one: KnownValue | undefined, other: KnownValue | undefined): KnownValue | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.count < one.count ? other : one;
}

/** Decades by which the value's own rate exceeds the account's rate before it; at least −1. */
function pace({ firstMs, count, perDayBefore }: KnownValue, nowMs: number): number {
  const days = Math.max(DAYS_MIN, (nowMs - firstMs) / DAY_MS);
  return decades(Math.max(SHARE_MIN, count / days / Math.max(PER_DAY_MIN, perDayBefore)));
}

function decades(value: number): number {
  return log(value) * DECADES_PER_NAT;
}
