import { describe, expect, it } from 'vitest';
import { judge } from '../../src/domain/decisions/judge.ts';
import {
  createFeatures,
  decodeFeatures,
  encodeFeatures,
  foldUsage,
} from '../../src/domain/features/account-features.ts';
import { DISTINCT_MAX } from '../../src/domain/features/distinct-values.ts';
import { eventDetails } from '../../src/domain/features/event-details.ts';
import { loadRuleset, type Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { PRICING, SETTINGS, Z_RULE } from './rules-samples.ts';

const START = Date.UTC(2026, 0, 5);

function load(condition: string) {
  return loadRuleset(
    [
      { path: 'rules/sample.yaml', text: Z_RULE.replace('say:', `when: ${condition}\nsay:`) },
      { path: 'rules/ruleset.yaml', text: SETTINGS },
      { path: 'rules/pricing.yaml', text: PRICING },
    ],
    { runTests: false },
  );
}

function rulesetOf(condition: string): Ruleset {
  const result = load(condition);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

/** 200 quiet hours under one key, then an expensive hour under these; what the rule then says. */
function attack(condition: string, keys: readonly string[], options: { readonly isReloaded?: boolean } = {}) {
  const ruleset = rulesetOf(condition);
  let features = createFeatures();
  const fold = (atMs: number, dollars: number, key: string) => {
    const details = eventDetails({ source: 'gw', properties: { key } });
    const times = { occurredAtMs: atMs, ingestedAtMs: atMs };
    const input = { meter: 'api.calls', quantity: 1, spendNanos: dollars * 1e9, ...times, details };
    foldUsage(features, { ...input, disposition: 'posted' }, ruleset.features);
    return judge(ruleset, features, { account: 'acct_1', ingestedAtMs: atMs, eventSpendNanos: dollars * 1e9 });
  };
  for (let hour = 0; hour < 200; hour++) fold(START + hour * HOUR_MS, 2, 'usual');
  if (options.isReloaded === true) features = decodeFeatures(encodeFeatures(features));
  let last: ReturnType<typeof judge> = null;
  for (const [index, key] of keys.entries()) last = fold(START + 200 * HOUR_MS + index, 60, key) ?? last;
  return last?.results[0];
}

describe('different values', () => {
  const keys = ['usual', 'new-1', 'new-2'];

  it('are counted over the trailing window, and told with the comparison', () => {
    const result = attack("distinct('key', '24h') >= 3", keys);
    expect(result?.status).toBe('hit');
    expect(result?.conditions).toEqual([
      { part: 'when', text: "distinct('key', '24h') >= 3", left: 3, right: 3, unit: 'count', answer: 'true' },
    ]);
    expect(attack("distinct('key', '24h') >= 4", keys)?.status).toBeUndefined();
    expect(attack("distinct('region', '24h') >= 1", keys)?.status).toBeUndefined();
    expect(attack("distinct('meter', '24h') == 1 && distinct('source', '2h') == 1", keys)?.status).toBe('hit');
  });

  it('leave the window when they are not seen again', () => {
    expect(attack("distinct('key', '2h') == 2", ['new-1'])?.status).toBe('hit');
    expect(attack("distinct('key', '5min') == 1", ['new-1'])?.status).toBe('hit');
  });

  it('are remembered by an account that is loaded again', () => {
    expect(attack("distinct('key', '24h') >= 3", keys, { isReloaded: true })?.status).toBe('hit');
  });

  it('saturate: a thousand are at least as many as are kept, and a condition for more is refused', () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `k${index}`);
    const result = attack(`distinct('key', '24h') >= ${DISTINCT_MAX}`, many);
    expect(result?.conditions?.[0]?.left).toBe(DISTINCT_MAX);
    const refused = load(`distinct('key', '24h') > ${DISTINCT_MAX}`);
    expect(refused.ok ? [] : refused.errors.map(({ code }) => code)).toEqual(['RULE-LOGIC-013']);
  });

  it('cost nothing where no condition asks for them', () => {
    const ruleset = rulesetOf('z > 3');
    const features = createFeatures();
    const details = eventDetails({ source: 'gw', properties: { key: 'a' } });
    const input = { meter: 'api.calls', quantity: 1, spendNanos: 1, occurredAtMs: START, ingestedAtMs: START, details };
    foldUsage(features, { ...input, disposition: 'posted' }, ruleset.features);
    expect(features.distinct).toEqual([]);
  });
});
