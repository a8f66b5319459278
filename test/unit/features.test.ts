import { describe, expect, it } from 'vitest';
import {
  type AccountFeatures,
  createFeatures,
  decodeFeatures,
  encodeFeatures,
  type FoldInput,
  foldUsage,
  hourlySeries,
  unflagHours,
} from '../../src/domain/features/account-features.ts';
import type { FeatureSpec } from '../../src/domain/features/feature-spec.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';

const START = Date.UTC(2026, 0, 5);

const SPEC: FeatureSpec = {
  features: [
    { name: 'altered', source: 'altered', clock: 'ingested', fineMax: 12 },
    { name: 'events', source: 'events', clock: 'occurred', fineMax: 0 },
    { name: "quantity('output_tokens')", source: 'quantity', meter: 'output_tokens', clock: 'occurred', fineMax: 0 },
    { name: 'spend', source: 'spend', clock: 'occurred', fineMax: 24 },
  ],
  hourlyMax: 696,
  factMeters: new Set(['topup']),
};

const SPEND_ONLY: FeatureSpec = { ...SPEC, features: SPEC.features.filter(({ name }) => name === 'spend') };

function usage(atMs: number, change: Partial<FoldInput> = {}): FoldInput {
  return {
    meter: 'output_tokens',
    quantity: 10,
    spendNanos: 1_000_000,
    occurredAtMs: atMs,
    ingestedAtMs: atMs,
    disposition: 'posted',
    ...change,
  };
}

function hours(features: AccountFeatures, feature: string, count: number): number[] {
  return hourlySeries(features, feature, START, START + count * HOUR_MS);
}

describe('folding', () => {
  it('begins the history of an account anew with a declared change of plan', () => {
    const spec = { ...SPEC, factMeters: new Set(['plan_change']) };
    const features = createFeatures();
    for (let hour = 0; hour < 100; hour++) foldUsage(features, usage(START + hour * HOUR_MS), spec);
    foldUsage(features, usage(START + 100 * HOUR_MS, { meter: 'plan_change', quantity: 1, spendNanos: 0 }), spec);
    const spend = features.series.find(({ name }) => name === 'spend');
    expect(spend?.sinceHour).toBe(START / HOUR_MS + 100);
    expect(encodeFeatures(decodeFeatures(encodeFeatures(features)))).toEqual(encodeFeatures(features));
  });

  it('sums each feature by the hour in which usage happened', () => {
    const features = createFeatures();
    foldUsage(features, usage(START), SPEC);
    foldUsage(features, usage(START + HOUR_MS - 1), SPEC);
    foldUsage(features, usage(START + 2 * HOUR_MS, { quantity: 2.5 }), SPEC);
    expect(hours(features, 'spend', 3)).toEqual([2_000_000, 0, 1_000_000]);
    expect(hours(features, 'events', 3)).toEqual([2, 0, 1]);
    expect(hours(features, "quantity('output_tokens')", 3)).toEqual([20, 0, 2.5]);
  });

  it('lets late usage correct its own bucket', () => {
    const features = createFeatures();
    foldUsage(features, usage(START + 5 * HOUR_MS), SPEC);
    foldUsage(features, usage(START + HOUR_MS, { ingestedAtMs: START + 6 * HOUR_MS }), SPEC);
    expect(hours(features, 'spend', 6)).toEqual([0, 1_000_000, 0, 0, 0, 1_000_000]);
    expect(features.firstHour).toBe(Math.floor(START / HOUR_MS) + 1);
  });

  it('ignores usage from before anything it keeps', () => {
    const features = createFeatures();
    foldUsage(features, usage(START), SPEC);
    const before = encodeFeatures(features);
    foldUsage(features, usage(START - 40 * DAY_MS, { ingestedAtMs: START }), SPEC);
    expect(encodeFeatures(features)).toEqual(before);
  });

  it('counts usage from an impossible future when it arrived', () => {
    const features = createFeatures();
    foldUsage(features, usage(START + 3650 * DAY_MS, { ingestedAtMs: START, disposition: 'quarantined' }), SPEC);
    expect(hours(features, 'spend', 1)).toEqual([1_000_000]);
  });

  it('adds nothing for an exact duplicate', () => {
    const features = createFeatures();
    foldUsage(features, usage(START), SPEC);
    const before = encodeFeatures(features);
    foldUsage(features, usage(START + DAY_MS, { disposition: 'duplicate' }), SPEC);
    expect(encodeFeatures(features)).toEqual(before);
  });

  it('counts an altered event when it arrived, and in no volume', () => {
    const features = createFeatures();
    foldUsage(features, usage(START + 8 * HOUR_MS), SPEC);
    foldUsage(features, usage(START, { ingestedAtMs: START + 8 * HOUR_MS, disposition: 'altered' }), SPEC);
    expect(hours(features, 'altered', 9)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(hours(features, 'spend', 9)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1_000_000]);
  });

  it('counts facts as history but not as events', () => {
    const features = createFeatures();
    foldUsage(features, usage(START, { meter: 'topup', spendNanos: 0 }), SPEC);
    expect(hours(features, 'events', 1)).toEqual([0]);
    expect(features.firstHour).toBe(Math.floor(START / HOUR_MS));
  });

  it('marks the hour of quarantined usage once, and forgets the mark when it is benign', () => {
    const features = createFeatures();
    foldUsage(features, usage(START, { disposition: 'quarantined' }), SPEC);
    foldUsage(features, usage(START + MINUTE_MS, { disposition: 'quarantined' }), SPEC);
    expect(features.flaggedHours).toEqual([Math.floor(START / HOUR_MS)]);
    unflagHours(features, START, START + HOUR_MS);
    expect(features.flaggedHours).toEqual([]);
  });

  it('keeps marks bounded by what is kept', () => {
    const features = createFeatures();
    for (let hour = 0; hour < 2_000; hour++) {
      foldUsage(features, usage(START + hour * HOUR_MS, { disposition: 'quarantined' }), SPEC);
    }
    expect(features.flaggedHours.length).toBeLessThanOrEqual(SPEC.hourlyMax);
  });

  it('gives a feature that a new rule needs no history from before', () => {
    const features = createFeatures();
    foldUsage(features, usage(START), SPEND_ONLY);
    foldUsage(features, usage(START + HOUR_MS), SPEC);
    const events = features.series.find(({ name }) => name === 'events');
    expect(events?.sinceHour).toBe(Math.floor(START / HOUR_MS) + 1);
    expect(hours(features, 'spend', 2)).toEqual([1_000_000, 1_000_000]);
  });
});

describe('the stored form', () => {
  it('keeps 28 full days of spend in 8 KB', () => {
    const features = createFeatures();
    for (let slot = 0; slot < 40 * 24 * 12; slot++) {
      foldUsage(features, usage(START + slot * 5 * MINUTE_MS, { spendNanos: 123_456_789_012 + slot }), SPEND_ONLY);
    }
    expect(encodeFeatures(features).length).toBeLessThanOrEqual(8_192);
    const fractional = createFeatures();
    for (let slot = 0; slot < 40 * 24 * 12; slot++) {
      foldUsage(fractional, usage(START + slot * 5 * MINUTE_MS, { spendNanos: 0.1 + slot }), SPEND_ONLY);
    }
    expect(encodeFeatures(fractional).length).toBeLessThanOrEqual(8_192);
  });

  it('keeps a sparse account small, in memory as well', () => {
    const features = createFeatures();
    for (let week = 0; week < 10; week++) foldUsage(features, usage(START + week * 30 * DAY_MS), SPEND_ONLY);
    expect(encodeFeatures(features).length).toBeLessThan(64);
    expect(features.series[0]?.hourly?.capacity).toBe(4);
  });

  it('refuses damage and versions it does not know', () => {
    const features = createFeatures();
    foldUsage(features, usage(START), SPEC);
    const bytes = encodeFeatures(features);
    expect(() => decodeFeatures(bytes.slice(0, -1))).toThrow(RangeError);
    expect(() => decodeFeatures(Uint8Array.from([...bytes, 0]))).toThrow(RangeError);
    expect(() => decodeFeatures(Uint8Array.from([9, ...bytes.slice(1)]))).toThrow(/version 9/);
    expect(() => decodeFeatures(new Uint8Array())).toThrow(RangeError);
  });

  it('of an unknown account is a handful of bytes', () => {
    expect(encodeFeatures(decodeFeatures(encodeFeatures(createFeatures()))).length).toBeLessThan(11);
  });
});
