import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createSightingBook, type Sighting } from '../../src/domain/decisions/sightings.ts';
import {
  createFeatures,
  decodeFeatures,
  encodeFeatures,
  type FoldInput,
  foldUsage,
} from '../../src/domain/features/account-features.ts';
import { eventDetails } from '../../src/domain/features/event-details.ts';
import type { AccountFeatures } from '../../src/domain/features/feature-state.ts';
import { loadRuleset } from '../../src/domain/rules/ruleset.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';

const START = Date.UTC(2026, 0, 5);
const FOLDER = fileURLToPath(new URL('../../rules/', import.meta.url));
const loaded = loadRuleset(
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.yaml'))
    .map((path) => ({ path, text: readFileSync(`${FOLDER}${path}`, 'utf8') })),
  { runTests: false },
);
if (!loaded.ok) throw new Error('the shipped rules do not load');
const { ruleset } = loaded;

function usage(atMs: number, change: { readonly lateMs?: number; readonly source?: string } = {}): FoldInput {
  const { lateMs = 0, source = 'office' } = change;
  return {
    meter: 'llm.tokens',
    quantity: 900,
    spendNanos: 5_400_000,
    occurredAtMs: atMs - lateMs,
    claimedAtMs: atMs - lateMs,
    ingestedAtMs: atMs,
    disposition: 'posted',
    details: eventDetails({ source, sequence: null, properties: { region: 'eu', key: 'k1', feature: 'chat' } }),
  };
}

function play(inputs: readonly FoldInput[], features: AccountFeatures = createFeatures()): Sighting[] {
  const book = createSightingBook(ruleset);
  return inputs.flatMap((input) => {
    foldUsage(features, input, ruleset.features);
    return [...book.see('acct', features, input)];
  });
}

const MONTH = Array.from({ length: 480 }, (_, index) => usage(START + index * HOUR_MS));
const backdated = (count: number, fromMs: number) =>
  Array.from({ length: count }, (_, index) => usage(fromMs + index * 10 * MINUTE_MS, { lateMs: 2 * DAY_MS }));

describe('sightings', () => {
  it('say nothing worth an alert about an ordinary month', () => {
    expect(play(MONTH).filter(({ score }) => score >= 3)).toEqual([]);
  });

  it('tell an incident when it begins and whenever its score rises, and not otherwise', () => {
    const told = play([...MONTH, ...backdated(8, START + 20 * DAY_MS)]).filter(
      ({ ruleId }) => ruleId === 'backdated-usage',
    );
    const raws = told.map(({ raw }) => raw);
    expect(raws.length).toBeGreaterThan(3);
    expect(raws).toEqual([...raws].sort((a, b) => a - b));
    expect(told.at(-1)?.score).toBeGreaterThan(4);
    expect(told.every(({ account }) => account === 'acct')).toBe(true);
  });

  it('tell an incident of days again when it is twice as rare, not for every step', () => {
    // A machine nobody knew, a little every day: its evidence rises with each event for a week.
    const stranger = Array.from({ length: 24 * 7 }, (_, index) =>
      usage(START + 20 * DAY_MS + index * HOUR_MS, { source: 'elsewhere' }),
    );
    const told = play([...MONTH, ...stranger]).filter(({ ruleId }) => ruleId === 'new-source');
    const firstMs = told.find(({ score }) => score >= 2.5)?.atMs ?? Number.NaN;
    const later = told.filter(({ atMs }) => atMs > firstMs + DAY_MS);
    const before = told.filter(({ atMs }) => atMs <= firstMs + DAY_MS);
    expect(before.length).toBeGreaterThan(10);
    expect(later.length).toBeGreaterThan(0);
    const scores = [before.at(-1)?.score ?? 0, ...later.map(({ score }) => score)];
    for (const [index, score] of scores.slice(1).entries()) {
      expect(score - (scores[index] ?? 0)).toBeGreaterThanOrEqual(0.3);
    }
  });

  it('are the same for the same events', () => {
    const inputs = [...MONTH, ...backdated(8, START + 20 * DAY_MS)];
    expect(play(inputs)).toEqual(play(inputs));
  });
});

describe('stored features', () => {
  it('carry what stream rules keep, to the byte, within eight kilobytes', () => {
    const features = createFeatures();
    play([...MONTH, ...backdated(8, START + 20 * DAY_MS)], features);
    const bytes = encodeFeatures(features);
    expect(bytes.length).toBeLessThan(8_192);
    expect(encodeFeatures(decodeFeatures(bytes))).toEqual(bytes);

    const loadedAgain = decodeFeatures(bytes);
    const next = usage(START + 21 * DAY_MS, { lateMs: 3 * DAY_MS });
    foldUsage(features, next, ruleset.features);
    foldUsage(loadedAgain, next, ruleset.features);
    expect(encodeFeatures(loadedAgain)).toEqual(encodeFeatures(features));
  });

  it('of the version before stream rules are still read', () => {
    const features = createFeatures();
    const { details: _details, ...plain } = usage(START);
    foldUsage(features, plain, ruleset.features);
    const bytes = encodeFeatures(features);
    // Version 1 had no text for streams, no count of different values and no findings across accounts at its end.
    const before = Uint8Array.from([1, ...bytes.slice(1, -3)]);
    expect(encodeFeatures(decodeFeatures(before))).toEqual(bytes);
    const withoutFindings = Uint8Array.from([3, ...bytes.slice(1, -1)]);
    expect(encodeFeatures(decodeFeatures(withoutFindings))).toEqual(bytes);
  });
});
