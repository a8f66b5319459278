import { z } from 'zod';
import { poissonRarity } from '../calibration/poisson.ts';
import { NUMBERED } from '../features/wakes.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';
import { addLeaky, type LeakyCount, leaked } from './leaky-count.ts';
import { durationText } from './shared-params.ts';
import { defineStreamDetector, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

/** Shares of honest numbers that are missing after the grace (most come late), and that never come. */
const PENDING_SHARE = 0.003;
const PENDING_BASE = 0.05;
const LOST_SHARE = 0.0016;
const LOST_BASE = 0.02;

const ALL_HALF_LIFE_MS = 2 * DAY_MS;
const LOST_HALF_LIFE_MS = 4 * DAY_MS;

const SOURCES_MAX = 8;
const GAPS_MAX = 16;
/** A longer jump is a counter that was set anew. */
const JUMP_MAX = 200;

const shape = z.strictObject({
  rarity: rarityParam,
  grace: durationText.default('15min').describe('A number may come this late and is not missing.'),
  lost_after: durationText.default('7h').describe('A number that has not come by then will not come.'),
});

/** First and last missing number, when the jump was seen, and whether it counts as pending (1) yet. */
const gap = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const sourceState = z.object({
  id: z.number(),
  last: z.number(),
  seenMs: z.number(),
  gaps: z.array(gap).max(GAPS_MAX),
});
type SourceState = z.infer<typeof sourceState>;
const state = z.object({
  sources: z.array(sourceState).max(SOURCES_MAX),
  all: z.tuple([z.number(), z.number()]),
  pending: z.tuple([z.number(), z.number()]),
  lost: z.tuple([z.number(), z.number()]),
});

/**
 * Flags numbers that are missing from a source's own sequence. Runs of missing numbers are counted, not numbers: a source
 * that was offline leaves one run, somebody who drops events leaves many.
 */
export const sequenceGap = defineStreamDetector({
  kind: 'sequence_gap',
  shape,
  state,
  compile(params, context) {
    const graceMs = context.duration(['grace'], params.grace);
    const lostMs = context.duration(['lost_after'], params.lost_after);
    if (graceMs === undefined || lostMs === undefined) return undefined;
    return {
      prior: { at: 1.5, slope: 0.9 },
      windowMs: DAY_MS,
      wakes: NUMBERED,
      open: (saved) =>
        new GapRun(graceMs, lostMs, saved ?? { sources: [], all: [0, 0], pending: [0, 0], lost: [0, 0] }),
    };
  },
});

class GapRun implements StreamRun {
  readonly #graceMs: number;
  readonly #lostMs: number;
  readonly #sources: SourceState[];
  readonly #all: LeakyCount;
  readonly #pending: LeakyCount;
  readonly #lost: LeakyCount;

  constructor(graceMs: number, lostMs: number, saved: z.infer<typeof state>) {
    this.#graceMs = graceMs;
    this.#lostMs = lostMs;
    this.#sources = saved.sources.map((source) => ({ ...source, gaps: [...source.gaps] }));
    this.#all = { value: saved.all[0], atMs: saved.all[1] };
    this.#pending = { value: saved.pending[0], atMs: saved.pending[1] };
    this.#lost = { value: saved.lost[0], atMs: saved.lost[1] };
  }

  score(event: StreamEvent): number {
    const { sequence, source } = event.details;
    if (sequence < 0 || event.disposition === 'duplicate' || event.disposition === 'altered') return 0;
    const now = event.ingestedAtMs;
    if (now - this.#all.atMs < HOUR_MS / 60) this.#all.value++;
    else addLeaky(this.#all, 1, now, ALL_HALF_LIFE_MS);
    const at = this.#find(source, sequence, now);
    at.seenMs = now;
    if (sequence > at.last) this.#advance(at, sequence, now);
    else if (at.gaps.length > 0) this.#fill(at, sequence, now);
    if (at.gaps.length === 0) return 0;
    const changed = this.#age(at, now);
    if (!changed) return 0;
    const pending = Math.round(leaked(this.#pending, now, ALL_HALF_LIFE_MS));
    const lost = Math.round(leaked(this.#lost, now, LOST_HALF_LIFE_MS));
    return Math.max(
      poissonRarity(pending, PENDING_SHARE * this.#all.value + PENDING_BASE),
      poissonRarity(lost, LOST_SHARE * this.#all.value + LOST_BASE),
    );
  }

  evidence() {
    const observed = Math.max(this.#pending.value, this.#lost.value);
    const expected = PENDING_SHARE * this.#all.value + PENDING_BASE;
    return { observed, expected, parts: { pending: this.#pending.value, lost: this.#lost.value } };
  }

  missing(): string | undefined {
    return this.#sources.length === 0 ? 'no source numbers its events' : undefined;
  }

  restart(): void {
    this.#pending.value = 0;
    this.#lost.value = 0;
  }

  relearn(): void {
    // Sequences have nothing to do with the plan.
  }

  save() {
    return {
      sources: this.#sources,
      all: [this.#all.value, this.#all.atMs],
      pending: [this.#pending.value, this.#pending.atMs],
      lost: [this.#lost.value, this.#lost.atMs],
    };
  }

  #find(id: number, sequence: number, nowMs: number): SourceState {
    for (const known of this.#sources) if (known.id === id) return known;
    const fresh = { id, last: sequence, seenMs: nowMs, gaps: [] };
    if (this.#sources.length >= SOURCES_MAX) {
      let oldest = 0;
      for (const [index, known] of this.#sources.entries()) {
        if (known.seenMs < (this.#sources[oldest]?.seenMs ?? 0)) oldest = index;
      }
      this.#sources.splice(oldest, 1);
    }
    this.#sources.push(fresh);
    return fresh;
  }

  #advance(at: SourceState, sequence: number, nowMs: number): void {
    const jump = sequence - at.last;
    if (jump > 1 && jump < JUMP_MAX) {
      at.gaps.push([at.last + 1, sequence - 1, nowMs, 0]);
      if (at.gaps.length > GAPS_MAX) at.gaps.shift();
    }
    at.last = sequence;
  }

  // A number that was missing has come: its run shrinks, splits, or is gone.
  #fill(at: SourceState, sequence: number, nowMs: number): void {
    const index = at.gaps.findIndex(([from, to]) => sequence >= from && sequence <= to);
    const found = at.gaps[index];
    if (found === undefined) return;
    const [from, to, seenMs, counted] = found;
    const left: [number, number, number, number][] = [];
    if (from < sequence) left.push([from, sequence - 1, seenMs, counted]);
    if (to > sequence) left.push([sequence + 1, to, seenMs, left.length > 0 ? 1 : counted]);
    if (left.length === 0 && counted === 1) addLeaky(this.#pending, -1, nowMs, ALL_HALF_LIFE_MS);
    at.gaps.splice(index, 1, ...left.slice(0, Math.max(1, GAPS_MAX - at.gaps.length + 1)));
  }

  // Moves runs along: seen, pending after the grace, lost. Returns whether a count rose.
  #age(at: SourceState, nowMs: number): boolean {
    let changed = false;
    let kept = 0;
    for (const run of at.gaps) {
      const ageMs = nowMs - run[2];
      if (run[3] === 0 && ageMs > this.#graceMs) {
        run[3] = 1;
        addLeaky(this.#pending, 1, nowMs, ALL_HALF_LIFE_MS);
        changed = true;
      }
      if (run[3] === 1 && ageMs > this.#lostMs) {
        addLeaky(this.#lost, 1, nowMs, LOST_HALF_LIFE_MS);
        changed = true;
        continue;
      }
      at.gaps[kept++] = run;
    }
    at.gaps.length = kept;
    return changed;
  }
}
