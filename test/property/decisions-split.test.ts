import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Judgement, judge } from '../../src/domain/decisions/judge.ts';
import {
  createFeatures,
  decodeFeatures,
  encodeFeatures,
  type FoldInput,
  foldUsage,
} from '../../src/domain/features/account-features.ts';
import { loadRuleset, type Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { BURST_RULE, PRICING, SETTINGS, Z_RULE } from '../unit/rules-samples.ts';

const START = Date.UTC(2026, 0, 5, 7);

// Short histories, so that a few hundred random events reach every state: inconclusive, quiet, hit, silenced, flagged.
function load(): Ruleset {
  const weekly = Z_RULE.replace('id: sample', 'id: daily')
    .replace('window: 6h', 'window: 2h')
    .replace(
      'from: 28d, compare: all, method: log_mad, min_points: 48',
      'from: 7d, compare: hour_of_day, method: raw, min_points: 2',
    )
    .replace('mode: live', 'mode: shadow')
    .replace('of: spend', "of: quantity('output_tokens')")
    .replace('20.00 USD', '3');
  const z = Z_RULE.replace('min_points: 48', 'min_points: 24, min_active_hours: 3').replace('20.00 USD', '2.00 USD');
  const burst = BURST_RULE.replace('times: 6', 'times: 2\n  min_hours: 3').replace('10.00 USD', '1.00 USD');
  const tampered = BURST_RULE.replace('id: burst', 'id: tampered')
    .replace('of: spend', 'of: altered')
    .replace('  times: 6\n', '  limit: 2\n  min_hours: 1\n')
    .replace('  floor: { above_expected: 10.00 USD }\n', '');
  const result = loadRuleset(
    [
      { path: 'rules/sample.yaml', text: z },
      { path: 'rules/burst.yaml', text: burst },
      { path: 'rules/daily.yaml', text: weekly },
      { path: 'rules/tampered.yaml', text: tampered },
      { path: 'rules/ruleset.yaml', text: SETTINGS },
      { path: 'rules/pricing.yaml', text: PRICING },
    ],
    { runTests: false },
  );
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

const ruleset = load();

const event = fc.record({
  stepMs: fc.oneof(
    { weight: 4, arbitrary: fc.nat(90 * MINUTE_MS) },
    { weight: 4, arbitrary: fc.nat(10 * MINUTE_MS) },
    { weight: 1, arbitrary: fc.nat(30 * HOUR_MS) },
  ),
  lateMs: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.nat(12 * MINUTE_MS) },
    { weight: 1, arbitrary: fc.nat(40 * HOUR_MS) },
    { weight: 1, arbitrary: fc.integer({ min: -30 * MINUTE_MS, max: 0 }) },
  ),
  dollars: fc.oneof(
    { weight: 5, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
    { weight: 1, arbitrary: fc.nat(60) },
  ),
  quantity: fc.double({ min: 0, max: 30, noNaN: true }),
  meter: fc.constantFrom('output_tokens', 'api.calls', 'topup'),
  disposition: fc.constantFrom('posted', 'posted', 'posted', 'posted', 'quarantined', 'altered', 'duplicate'),
  splits: fc.integer({ min: 0, max: 9 }),
} as const);

interface Outcome {
  readonly judgements: readonly (Judgement | null)[];
  readonly state: Uint8Array;
}

function play(events: readonly FoldInput[], isSplit: (index: number) => boolean): Outcome {
  let features = createFeatures();
  const judgements = events.map((input, index) => {
    foldUsage(features, input, ruleset.features);
    const moment = { account: 'acct_1', ingestedAtMs: input.ingestedAtMs, eventSpendNanos: input.spendNanos };
    const judgement = judge(ruleset, features, moment);
    if (isSplit(index)) features = decodeFeatures(encodeFeatures(features));
    return judgement;
  });
  return { judgements, state: encodeFeatures(features) };
}

function inputsOf(
  drawn: readonly {
    stepMs: number;
    lateMs: number;
    dollars: number;
    quantity: number;
    meter: string;
    disposition: FoldInput['disposition'];
  }[],
) {
  let nowMs = START;
  return drawn.map(({ stepMs, lateMs, dollars, quantity, meter, disposition }): FoldInput => {
    nowMs += stepMs;
    // Fractions of a nano on purpose: sums must not depend on where a sequence was cut.
    return {
      meter,
      quantity,
      spendNanos: dollars * 1e9,
      occurredAtMs: nowMs - lateMs,
      ingestedAtMs: nowMs,
      disposition,
    };
  });
}

describe('one sequence of events', () => {
  it('gives the same judgements and state however it is split, saved and loaded', () => {
    let raised = 0;
    let inconclusive = 0;
    fc.assert(
      fc.property(fc.array(event, { minLength: 20, maxLength: 220 }), (drawn) => {
        const inputs = inputsOf(drawn);
        const whole = play(inputs, () => false);
        const split = play(inputs, (index) => drawn[index]?.splits === 0);
        const single = play(inputs, () => true);
        expect(split).toEqual(whole);
        expect(single).toEqual(whole);
        expect(encodeFeatures(decodeFeatures(whole.state))).toEqual(whole.state);
        raised += whole.judgements.filter((judgement) => judgement?.raised === true).length;
        inconclusive += whole.judgements.filter((judgement) =>
          judgement?.results.some(({ status }) => status === 'inconclusive'),
        ).length;
      }),
      { seed: 20_260_105, numRuns: 150, interruptAfterTimeLimit: 15_000, markInterruptAsFailure: true },
    );
    // A property over sequences in which nothing happens would prove nothing.
    expect(raised).toBeGreaterThan(100);
    expect(inconclusive).toBeGreaterThan(100);
  });
});
