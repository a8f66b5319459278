import { z } from 'zod';
import { DECADES_PER_NAT } from '../calibration/poisson.ts';
import { log } from '../math.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';
import { durationText } from './shared-params.ts';
import { defineStreamDetector, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

const SOURCES_MAX = 8;
const EVENTS_MIN = 50;
/** A source is regular after a week: only then its longest pause means something. */
const REGULAR_MS = 7 * DAY_MS;
const DECADES_WEIGHT = 3;

const shape = z.strictObject({
  rarity: rarityParam,
  at_least: durationText.default('24h').describe('A source that is silent for less than this is never reported.'),
});

/** Id, events, last event, longest pause so far, whether its silence was told (1), first event. */
const sourceState = z.tuple([z.number(), z.number(), z.number(), z.number(), z.number(), z.number()]);
const state = z.object({ sources: z.array(sourceState).max(SOURCES_MAX), checkedMs: z.number() });

/**
 * Flags a source that has always reported and is now silent far longer than ever, while the account goes on through
 * others: metering that was switched off where it is dear. Pauses of the whole account, as long as `at_least`, do not count.
 */
export const silence = defineStreamDetector({
  kind: 'silence',
  shape,
  state,
  compile(params, context) {
    const leastMs = context.duration(['at_least'], params.at_least);
    if (leastMs === undefined) return undefined;
    return {
      prior: { at: 2.5, slope: 1 },
      windowMs: 2 * DAY_MS,
      open: (saved) => new SilenceRun(leastMs, saved ?? { sources: [], checkedMs: 0 }),
    };
  },
});

class SilenceRun implements StreamRun {
  readonly #leastMs: number;
  readonly #sources: z.infer<typeof sourceState>[];
  #checkedMs: number;
  #silentMs = 0;
  #longestMs = 0;

  constructor(leastMs: number, saved: z.infer<typeof state>) {
    this.#leastMs = leastMs;
    this.#sources = saved.sources.map((source) => [...source]);
    this.#checkedMs = saved.checkedMs;
  }

  // Sources are looked over once an hour: a day's silence can wait that long.
  score(event: StreamEvent): number {
    const now = event.ingestedAtMs;
    if (event.isFact || event.disposition === 'duplicate' || now - this.#checkedMs < HOUR_MS) return 0;
    this.#checkedMs = now;
    this.#leaveOutPause(now);
    let worst = 0;
    for (const source of this.#sources) {
      const [id, events, lastMs, longestMs, told, firstMs] = source;
      const silentMs = now - lastMs;
      if (id === event.details.source || told === 1 || silentMs < this.#leastMs) continue;
      if (events < EVENTS_MIN || lastMs - firstMs < REGULAR_MS) continue;
      const raw = DECADES_WEIGHT * log(silentMs / Math.max(longestMs, HOUR_MS)) * DECADES_PER_NAT;
      if (raw <= worst) continue;
      worst = raw;
      this.#silentMs = silentMs;
      this.#longestMs = longestMs;
    }
    return worst;
  }

  // While the whole account said nothing no source of it was silent by itself: a hole in the history, an outage, a holiday.
  #leaveOutPause(now: number): void {
    let lastMs = Number.NEGATIVE_INFINITY;
    for (const source of this.#sources) lastMs = Math.max(lastMs, source[2]);
    const pauseMs = now - lastMs;
    if (this.#sources.length === 0 || pauseMs < this.#leastMs) return;
    for (const source of this.#sources) source[2] += pauseMs;
  }

  learn(event: StreamEvent): void {
    if (event.isFact || event.details.declaredTest || event.disposition === 'duplicate') return;
    const now = event.ingestedAtMs;
    const { source } = event.details;
    for (const known of this.#sources) {
      if (known[0] !== source) continue;
      known[1]++;
      known[3] = Math.max(known[3], now - known[2]);
      known[2] = now;
      known[4] = 0;
      return;
    }
    if (this.#sources.length >= SOURCES_MAX) {
      let least = 0;
      for (const [index, known] of this.#sources.entries()) {
        if (known[1] < (this.#sources[least]?.[1] ?? 0)) least = index;
      }
      this.#sources.splice(least, 1);
    }
    this.#sources.push([source, 1, now, 0, 0, now]);
  }

  evidence() {
    return { observed: this.#silentMs / HOUR_MS, expected: this.#longestMs / HOUR_MS, parts: {} };
  }

  missing(): string | undefined {
    const regular = this.#sources.filter(
      ([, events, lastMs, , , firstMs]) => events >= EVENTS_MIN && lastMs - firstMs >= REGULAR_MS,
    ).length;
    return regular > 0 ? undefined : 'no source reports regularly yet';
  }

  // A source that has left for good is told of once.
  restart(): void {
    for (const source of this.#sources) {
      if (this.#checkedMs - source[2] >= this.#leastMs) source[4] = 1;
    }
  }

  relearn(): void {
    // Sources have nothing to do with the plan.
  }

  save() {
    return { sources: this.#sources, checkedMs: this.#checkedMs };
  }
}
