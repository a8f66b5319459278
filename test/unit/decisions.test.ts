import { describe, expect, it } from 'vitest';
import { explain, type Judgement, judge } from '../../src/domain/decisions/judge.ts';
import {
  type AccountFeatures,
  closeIncident,
  createFeatures,
  decodeFeatures,
  encodeFeatures,
  type FoldInput,
  foldUsage,
} from '../../src/domain/features/account-features.ts';
import { loadRuleset, type Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { BURST_RULE, PRICING, SETTINGS, Z_RULE } from './rules-samples.ts';

const START = Date.UTC(2026, 0, 5);
const DOLLAR = 1e9;

const TAMPERED = BURST_RULE.replace('id: burst', 'id: tampered')
  .replace('of: spend', 'of: altered')
  .replace('  times: 6\n', '  limit: 3\n  min_hours: 6\n')
  .replace('  floor: { above_expected: 10.00 USD }\n', '')
  .replace('2x100 60@30min', '0x24 5')
  .replace('2x100 5@30min', '0x24 1')
  .replace('2x6 60@30min', '0x3 5');

function load(change: (text: string) => string = (text) => text): Ruleset {
  const result = loadRuleset([
    { path: 'rules/sample.yaml', text: change(Z_RULE) },
    { path: 'rules/burst.yaml', text: change(BURST_RULE) },
    { path: 'rules/tampered.yaml', text: change(TAMPERED) },
    { path: 'rules/ruleset.yaml', text: SETTINGS },
    { path: 'rules/pricing.yaml', text: PRICING },
  ]);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

const RULES = load();

/** One account that is fed and judged event by event. */
class Account {
  readonly features: AccountFeatures = createFeatures();
  readonly judgements: Judgement[] = [];
  readonly ruleset: Ruleset;

  constructor(ruleset: Ruleset = RULES) {
    this.ruleset = ruleset;
  }

  spend(atMs: number, dollars: number, change: Partial<FoldInput> = {}): Judgement | null {
    const spendNanos = dollars * DOLLAR;
    const input = { meter: 'api.calls', quantity: 1, spendNanos, occurredAtMs: atMs, ingestedAtMs: atMs, ...change };
    foldUsage(this.features, { disposition: 'posted', ...input }, this.ruleset.features);
    const moment = { account: 'acct_1', ingestedAtMs: input.ingestedAtMs, eventSpendNanos: spendNanos };
    const judgement = judge(this.ruleset, this.features, moment);
    if (judgement !== null) this.judgements.push(judgement);
    return judgement;
  }

  /** `hours` hours of steady spend from START on; returns the time after them. */
  steady(hours: number, dollars: number): number {
    for (let hour = 0; hour < hours; hour++) this.spend(START + hour * HOUR_MS, dollars);
    return START + hours * HOUR_MS;
  }
}

describe('judging', () => {
  it('says nothing about ordinary usage', () => {
    const account = new Account();
    account.steady(200, 2);
    expect(account.judgements).toEqual([]);
  });

  it('freezes when a burst and a z-score agree, with the numbers of both', () => {
    const account = new Account();
    const now = account.steady(200, 2);
    const judgement = account.spend(now, 60);
    expect(judgement).toMatchObject({ outcome: 'freeze', score: 80, raised: true, stateChanged: true });
    const z = judgement?.results.find(({ ruleId }) => ruleId === 'sample');
    expect(z).toMatchObject({ status: 'hit', unit: 'nanos', observed: 70 * DOLLAR, expected: 12 * DOLLAR, score: 40 });
    expect(z?.say).toBe('Spent $70.00 in 6 hours, usually $12.00.');
    expect(judgement?.results.find(({ ruleId }) => ruleId === 'tampered')?.status).toBe('no_hit');
  });

  it('names the value below which it would not have fired, and means it', () => {
    const account = new Account();
    const now = account.steady(200, 2);
    const threshold = account.spend(now, 60)?.results.find(({ ruleId }) => ruleId === 'sample')?.threshold ?? 0;
    const needed = threshold / DOLLAR - 10;
    for (const [extra, isHit] of [
      [0, true],
      [-0.01, false],
    ] as const) {
      const other = new Account();
      other.steady(200, 2);
      const results = other.spend(now, needed + extra)?.results ?? [];
      expect(results.some(({ ruleId, status }) => ruleId === 'sample' && status === 'hit')).toBe(isHit);
    }
  });

  it('is inconclusive about an account of two days, never a hit', () => {
    const account = new Account();
    const now = account.steady(48, 9);
    expect(account.spend(now, 5)).toBeNull();
    const z = explain(account.ruleset, account.features).find(({ ruleId }) => ruleId === 'sample');
    expect(z).toMatchObject({ status: 'inconclusive', threshold: null, say: '', score: 0 });
    expect(z?.reason).toContain('of 48 comparable windows');
  });

  it('stays silent after it has spoken, until what it sees has doubled or the gate reopens', () => {
    const account = new Account();
    const now = account.steady(200, 2);
    expect(account.spend(now, 60)?.raised).toBe(true);
    expect(account.spend(now + MINUTE_MS, 5)).toBeNull();
    expect(account.spend(now + 2 * MINUTE_MS, 80)?.raised).toBe(true);
    expect(account.spend(now + 3 * MINUTE_MS, 5)).toBeNull();
    const later = account.spend(now + 6 * HOUR_MS + 3 * MINUTE_MS, 60);
    expect(later?.raised).toBe(true);
  });

  it('speaks again when the money at risk has doubled, and not when only what it sees has', () => {
    const rules = load((text) => text.replace('observed_doubles', 'money_at_risk_doubles'));
    const account = new Account(rules);
    const now = account.steady(200, 2);
    // 62 dollars an hour for twelve hours.
    expect(account.spend(now, 60)?.raised).toBe(true);
    expect(account.features.incident?.gates.map(({ atRiskNanos }) => atRiskNanos)).toEqual([
      720 * DOLLAR,
      720 * DOLLAR,
    ]);
    expect(account.spend(now + MINUTE_MS, 59)).toBeNull();
    expect(account.spend(now + 2 * MINUTE_MS, 2)?.raised).toBe(true);
    const restored = decodeFeatures(encodeFeatures(account.features));
    expect(restored.incident).toEqual(account.features.incident);
    expect(account.spend(now + 3 * MINUTE_MS, 100)).toBeNull();
  });

  it('subtracts what the whole platform does at once, and says so', () => {
    const account = new Account();
    const now = account.steady(200, 2);
    const input = { meter: 'api.calls', quantity: 1, spendNanos: 60 * DOLLAR, occurredAtMs: now, ingestedAtMs: now };
    foldUsage(account.features, { disposition: 'posted', ...input }, RULES.features);
    const moment = { account: 'acct_1', ingestedAtMs: now, eventSpendNanos: 60 * DOLLAR };
    const busy = explain(RULES, account.features, { ...moment, platformFactor: 5 });
    const calm = explain(RULES, account.features, moment);
    const threshold = (results: typeof calm) => results.find(({ ruleId }) => ruleId === 'sample')?.threshold ?? 0;
    expect(threshold(busy)).toBeCloseTo(5 * threshold(calm), 0);
    expect(busy.find(({ ruleId }) => ruleId === 'sample')).toMatchObject({ platformFactor: 5, status: 'no_hit' });
    // Tampering is counted by our clock: nobody does that because everybody does.
    expect(busy.find(({ ruleId }) => ruleId === 'tampered')?.platformFactor).toBeUndefined();
    // The burst is ten times its own usual and still stands out; on an ordinary day both would freeze.
    expect(judge(RULES, account.features, { ...moment, platformFactor: 5 })).toMatchObject({
      outcome: 'review',
      score: 40,
    });
  });

  it('speaks again at once after its incident was closed', () => {
    const account = new Account();
    const now = account.steady(200, 2);
    account.spend(now, 60);
    closeIncident(account.features);
    expect(account.spend(now + MINUTE_MS, 1)?.raised).toBe(true);
  });

  it('speaks again when the outcome becomes harsher', () => {
    const account = new Account();
    const now = account.steady(200, 2);
    // Three altered events first: review. Then spend that freezes, while tampering is still silenced.
    for (let count = 0; count < 3; count++) account.spend(now, 0, { disposition: 'altered' });
    expect(account.judgements.map(({ outcome }) => outcome)).toEqual(['review']);
    const next = account.spend(now + MINUTE_MS, 60);
    expect(next).toMatchObject({ outcome: 'freeze', score: 100, raised: true });
    expect(next?.results.find(({ ruleId }) => ruleId === 'tampered')?.status).toBe('snoozed');
  });

  it('reviews tampering, and never freezes for it alone', () => {
    const account = new Account();
    const now = account.steady(200, 2);
    for (let count = 0; count < 50; count++) account.spend(now + count * 1000, 0, { disposition: 'altered' });
    expect(new Set(account.judgements.map(({ outcome }) => outcome))).toEqual(new Set(['review']));
  });

  it('does not learn what it flagged: the attack stays unusual on the next day', () => {
    const account = new Account();
    let now = account.steady(200, 2);
    account.spend(now, 60);
    expect(account.features.flaggedHours).toEqual([Math.floor(now / HOUR_MS)]);
    const before = thresholdOf(account);
    for (let hour = 1; hour <= 30; hour++) account.spend(now + hour * HOUR_MS, 2);
    now += 31 * HOUR_MS;
    account.spend(now, 2);
    expect(thresholdOf(account)).toBeLessThan(before * 1.5);
  });

  it('evaluates a shadow rule and reports it once, without points, flags or alerts', () => {
    const account = new Account(load((text) => text.replace('mode: live', 'mode: shadow')));
    const now = account.steady(200, 2);
    const judgement = account.spend(now, 60);
    expect(judgement).toMatchObject({ outcome: 'allow', score: 0, raised: false });
    expect(judgement?.results.filter(({ status, mode }) => status === 'hit' && mode === 'shadow').length).toBe(2);
    expect(account.features.flaggedHours).toEqual([]);
    expect(account.spend(now + MINUTE_MS, 5)).toBeNull();
  });

  it('does not count old spend as happening now when other evidence arrives days later', () => {
    const account = new Account();
    const now = account.steady(200, 2);
    account.spend(now, 60);
    const later = now + 72 * HOUR_MS;
    for (let count = 0; count < 3; count++) account.spend(later, 0, { disposition: 'altered' });
    expect(account.judgements.at(-1)).toMatchObject({ outcome: 'review', score: 40 });
  });

  it('judges late usage in the window it belongs to, and old usage not at all', () => {
    const account = new Account();
    const now = account.steady(200, 2);
    expect(account.spend(now, 300, { occurredAtMs: now - 100 * HOUR_MS, ingestedAtMs: now })).toBeNull();
    const other = new Account();
    other.steady(200, 2);
    expect(other.spend(now, 300, { occurredAtMs: now - 2 * HOUR_MS, ingestedAtMs: now })?.raised).toBe(true);
  });

  it('treats quarantined usage as evidence, and its hour as not to be learned', () => {
    const account = new Account();
    const now = account.steady(200, 2);
    const judgement = account.spend(now, 60, { disposition: 'quarantined' });
    expect(judgement?.outcome).toBe('freeze');
    expect(account.features.flaggedHours).toEqual([Math.floor(now / HOUR_MS)]);
  });
});

function thresholdOf(account: Account): number {
  return explain(account.ruleset, account.features).find(({ ruleId }) => ruleId === 'sample')?.threshold ?? Number.NaN;
}
