import { describe, expect, it } from 'vitest';
import { explain, type Judgement, judge, type Moment } from '../../src/domain/decisions/judge.ts';
import { type AccountFeatures, createFeatures, foldUsage } from '../../src/domain/features/account-features.ts';
import { loadRuleset, type RuleFile, type Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { PRICING, SETTINGS, Z_RULE } from './rules-samples.ts';

const START = Date.UTC(2026, 0, 5);
const DOLLAR = 1e9;

const TRUSTED = `why: Partners.
entries:
  - { value: acct_1, until: 2026-01-14, why: a partner until the 14th }
`;

function load(conditions: string, { settings = SETTINGS, more = [] as RuleFile[], say = '' } = {}): Ruleset {
  const rule = Z_RULE.replace('say:', `${conditions}\nsay:`);
  const files = [
    { path: 'rules/sample.yaml', text: say === '' ? rule : rule.replace(/say: .*/, `say: "${say}"`) },
    { path: 'rules/ruleset.yaml', text: settings },
    { path: 'rules/pricing.yaml', text: PRICING },
    { path: 'rules/lists/trusted.yaml', text: TRUSTED },
    ...more,
  ];
  const result = loadRuleset(files, { runTests: false });
  if (!result.ok) throw new Error(JSON.stringify(result.errors, null, 1));
  return result.ruleset;
}

class Account {
  readonly features: AccountFeatures = createFeatures();
  readonly ruleset: Ruleset;
  readonly moment: Partial<Moment>;

  constructor(ruleset: Ruleset, moment: Partial<Moment> = {}) {
    this.ruleset = ruleset;
    this.moment = moment;
  }

  spend(atMs: number, dollars: number): Judgement | null {
    const input = {
      meter: 'api.calls',
      quantity: 1,
      spendNanos: dollars * DOLLAR,
      occurredAtMs: atMs,
      ingestedAtMs: atMs,
    };
    foldUsage(this.features, { ...input, disposition: 'posted' }, this.ruleset.features);
    return judge(this.ruleset, this.features, {
      account: 'acct_1',
      ingestedAtMs: atMs,
      eventSpendNanos: dollars * DOLLAR,
      ...this.moment,
    });
  }

  /** 200 hours at $2, then one of $60: over the sample rule's cut-off. */
  attack(): Judgement | null {
    for (let hour = 0; hour < 200; hour++) expect(this.spend(START + hour * HOUR_MS, 2)).toBeNull();
    return this.spend(START + 200 * HOUR_MS, 60);
  }
}

function resultOf(judgement: Judgement | null) {
  const result = judgement?.results[0];
  if (result === undefined) throw new Error('nothing was recorded');
  return result;
}

describe('a condition', () => {
  it('lets the rule fire when it holds, with every comparison and its values', () => {
    const ruleset = load("when: spend('1h') > 20.00 USD && (events('6h') >= 100 || z > 3)");
    const result = resultOf(new Account(ruleset).attack());
    expect(result.status).toBe('hit');
    expect(result.conditions).toEqual([
      {
        part: 'when',
        text: "spend('1h') > 20.00 USD",
        left: 60 * DOLLAR,
        right: 20 * DOLLAR,
        unit: 'nanos',
        answer: 'true',
      },
      { part: 'when', text: "events('6h') >= 100", left: 6, right: 100, unit: 'count', answer: 'false' },
      { part: 'when', text: 'z > 3', left: expect.any(Number), right: 3, unit: 'ratio', answer: 'true' },
    ]);
  });

  it('keeps the rule quiet when it does not hold', () => {
    const account = new Account(load("when: events('6h') >= 100"));
    expect(account.attack()).toBeNull();
    const result = explain(account.ruleset, account.features)[0];
    expect(result).toMatchObject({ status: 'no_hit', reason: "when is false: events('6h') >= 100", score: 0 });
  });

  it.each([
    ['a division by zero', "when: spend('1h') / altered('1h') > 1.00 USD", 'cannot', "altered('1h') is zero"],
    ['an event nobody has given', "when: event.source == 'api'", 'cannot', 'event.source is not known'],
    ['a wallet nobody has given', 'when: wallet.balance < 0.00 USD', 'cannot', 'wallet.balance is not known'],
    ['an exception that cannot be said', 'unless: wallet.balance > 0.00 USD', 'cannot', 'unless: wallet.balance'],
  ])('that cannot be said is inconclusive, told once, and no hit: %s', (_name, condition, _verb, reason) => {
    const account = new Account(load(condition));
    const judgement = account.attack();
    expect(judgement).toMatchObject({ outcome: 'allow', score: 0, raised: false });
    expect(resultOf(judgement)).toMatchObject({ status: 'inconclusive', score: 0, say: '' });
    expect(resultOf(judgement).reason).toContain(reason);
    expect(account.spend(START + 200 * HOUR_MS + 1, 0.5)).toBeNull();
  });

  it('that could not be said does not silence the hit that follows', () => {
    const ruleset = load('when: wallet.balance < 5.00 USD');
    const account = new Account(ruleset);
    expect(resultOf(account.attack()).status).toBe('inconclusive');
    const wallet = { posted: 1n, held: 0n, quarantined: 0n, status: 'active' };
    const known = Object.assign(new Account(ruleset, { wallet }), { features: account.features });
    expect(known.spend(START + 200 * HOUR_MS + 2, 1)).toMatchObject({ outcome: 'review', raised: true });
  });

  it('is decided by the side that is known, as in CEL', () => {
    const yes = load('when: z > 3 || wallet.balance < 0.00 USD');
    expect(resultOf(new Account(yes).attack()).status).toBe('hit');
    const no = load('when: z > 1000 && wallet.balance < 0.00 USD');
    expect(new Account(no).attack()).toBeNull();
  });

  it.each([
    ['wallet.posted == -1.50 USD && wallet.available == -2.50 USD', true],
    ['wallet.held * 2 == 2.00 USD && wallet.status == "frozen"', true],
    ["event.source.startsWith('api-') && event.meter in ['api.calls', 'other']", true],
    ["!event.source.endsWith('-1')", false],
    ["account.contains('ct_1')", true],
    ['account.age_days > 8.3 && account.age_days < 8.4', true],
    ['now.hour == 8 && now.weekday == 2', true],
    ['times > 5 && observed > expected && observed >= threshold && lower <= upper', true],
    ['observed - expected > 50.00 USD', true],
    ["spend('24h') / events('24h') > 4.00 USD", true],
    ["count('api.calls', '24h') == 24", true],
    ["sum('api.calls', '24h') / count('api.calls', '1h') == 24", true],
    ["events('1h') % 2 == 1", true],
    ['-z < 0', true],
  ])('knows %s', (condition, isHit) => {
    const wallet = { posted: -1_500_000_000n, held: 1_000_000_000n, quarantined: 0n, status: 'frozen' };
    const event = { source: 'api-1', meter: 'api.calls' };
    const judgement = new Account(load(`when: '${condition.replaceAll("'", "''")}'`), { wallet, event }).attack();
    expect(judgement === null ? 'no_hit' : resultOf(judgement).status).toBe(isHit ? 'hit' : 'no_hit');
  });

  it('keeps a feature that only a condition reads, and one that is new is not known for the time before', () => {
    const before = load('when: z > 3');
    const after = load("when: altered('24h') >= 1 || events('24h') > 500");
    expect(before.features.features.map(({ name }) => name)).toEqual(['spend']);
    expect(after.features.features.map(({ name }) => name)).toEqual(['altered', 'events', 'spend']);
    const account = new Account(before);
    for (let hour = 0; hour < 200; hour++) account.spend(START + hour * HOUR_MS, 2);
    const changed = Object.assign(new Account(after), { features: account.features });
    const result = resultOf(changed.spend(START + 200 * HOUR_MS, 60));
    expect(result).toMatchObject({ status: 'inconclusive' });
    expect(result.reason).toContain("altered('24h') is not known");
  });

  it('offers what it reads to the sentence', () => {
    const ruleset = load("when: events('6h') >= 3 && spend('1h') > 1.00 USD", {
      say: 'Spent {observed}; {events} events, {spend} of it in the last hour.',
    });
    expect(resultOf(new Account(ruleset).attack()).say).toBe('Spent $70.00; 6 events, $60.00 of it in the last hour.');
  });
});

describe('a list', () => {
  it('excepts its values until their end, by the time the pipeline judges in', () => {
    const ruleset = load("unless: account in list('trusted')");
    const excepted = new Account(ruleset);
    expect(excepted.attack()).toBeNull();
    const before = explain(ruleset, excepted.features, { account: 'acct_1', ingestedAtMs: START, eventSpendNanos: 0 });
    expect(before[0]).toMatchObject({ status: 'no_hit', reason: "unless is true: account in list('trusted')" });
    expect(before[0]?.conditions).toEqual([
      { part: 'unless', text: "account in list('trusted')", left: 'acct_1', right: null, unit: 'text', answer: 'true' },
    ]);
    const endMs = Date.UTC(2026, 0, 14);
    const after = explain(ruleset, excepted.features, { account: 'acct_1', ingestedAtMs: endMs, eventSpendNanos: 0 });
    expect(after[0]?.status).toBe('hit');
    expect(resultOf(new Account(ruleset, { account: 'acct_2' }).attack()).status).toBe('hit');
  });

  it('is part of the version', () => {
    const result = load('when: z > 3');
    const other = load('when: z > 3', { more: [{ path: 'rules/lists/more.yaml', text: TRUSTED }] });
    expect(other.hash).not.toBe(result.hash);
  });
});

describe('a planned spike', () => {
  const settings = (ceiling: string, account = 'acct_1') =>
    SETTINGS.replace(
      'budgets:',
      `planned:\n  - { account: ${account}, from: 2026-01-13, to: 2026-01-14, ceiling: ${ceiling}, why: launch }\nbudgets:`,
    );

  it('keeps rules from firing up to its ceiling, keeps what was planned out of the baseline, and says so', () => {
    const account = new Account(load('when: z > 3', { settings: settings('100.00 USD') }));
    const judgement = account.attack();
    expect(judgement).toMatchObject({ outcome: 'allow', score: 0, raised: false, stateChanged: true });
    expect(resultOf(judgement)).toMatchObject({ status: 'no_hit', score: 0 });
    expect(resultOf(judgement).reason).toContain('up to $100.00 in the window');
    expect(account.features.flaggedHours).toEqual([START / HOUR_MS + 200]);
    // Nothing more to record in the same hour.
    expect(account.spend(START + 200 * HOUR_MS + 1, 1)).toBeNull();
  });

  it.each([
    ['above the ceiling', settings('50.00 USD')],
    ['for another account', settings('100.00 USD', 'acct_2')],
  ])('changes nothing %s', (_name, text) => {
    expect(resultOf(new Account(load('when: z > 3', { settings: text })).attack()).status).toBe('hit');
  });
});

describe('given values in tests of rules', () => {
  const tests = (given: string) =>
    Z_RULE.replace('say:', "when: distinct('key', '24h') >= 3 && wallet.balance > -5.00 USD\nsay:").replaceAll(
      'expect:',
      `given: { ${given} }, expect:`,
    );
  const failures = (given: string) => {
    const result = loadRuleset([
      { path: 'rules/sample.yaml', text: tests(given) },
      { path: 'rules/ruleset.yaml', text: SETTINGS },
      { path: 'rules/pricing.yaml', text: PRICING },
    ]);
    return result.ok ? [] : result.errors.map(({ message }) => message);
  };

  it('stand for what the series cannot hold', () => {
    expect(failures(`"distinct('key', '24h')": 4, wallet.balance: -1.00 USD`)).toEqual([]);
  });

  it('decide: with fewer keys nothing fires, and without a wallet nothing can be said', () => {
    expect(failures(`"distinct('key','24h')": 2, wallet.balance: -1.00 USD`)).toEqual([
      expect.stringContaining('"fires" expects fires, but the result is quiet'),
    ]);
    expect(failures(`"distinct('key','24h')": 4`)).toEqual([
      expect.stringContaining('"fires" expects fires, but the result is inconclusive'),
    ]);
  });
});
