import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRuleFiles } from '../../../../src/adapters/rule-files.ts';
import { chargeFor } from '../../../../src/domain/money/price.ts';
import { parseQuantity } from '../../../../src/domain/money/quantity.ts';
import { loadRuleset, type Ruleset } from '../../../../src/domain/rules/ruleset.ts';
import { DAY_MS, HOUR_MS } from '../../../../src/domain/time.ts';
import { buildReport } from '../../../../src/pipeline/backtest/build-report.ts';
import { Collector } from '../../../../src/pipeline/backtest/collector.ts';
import { RulesetDiff } from '../../../../src/pipeline/backtest/diff.ts';
import { buildDiffReport } from '../../../../src/pipeline/backtest/diff-report.ts';
import { FraudLedger } from '../../../../src/pipeline/backtest/fraud-ledger.ts';
import type { History, HistoryEvent } from '../../../../src/pipeline/backtest/history-event.ts';
import { shareOf } from '../../../../src/pipeline/backtest/intervals.ts';
import type { LabelSet } from '../../../../src/pipeline/backtest/labels.ts';
import { QuickPricer } from '../../../../src/pipeline/backtest/quick-price.ts';
import { Replay } from '../../../../src/pipeline/backtest/replay.ts';
import { runBacktest } from '../../../../src/pipeline/backtest/run-backtest.ts';
import { SeenEvents } from '../../../../src/pipeline/backtest/seen-events.ts';

const START_MS = Date.UTC(2026, 0, 5);
const ruleset = await shipped();

async function shipped(): Promise<Ruleset> {
  const result = loadRuleset(await readRuleFiles(), { runTests: false });
  if (!result.ok) throw new Error('the shipped rules do not load');
  return result.ruleset;
}

function event(index: number, given: Partial<HistoryEvent> = {}): HistoryEvent {
  const atMs = given.arrivedAtMs ?? START_MS + index * HOUR_MS;
  return {
    id: `e${index}`,
    source: 's',
    account: 'acme',
    meter: 'api.calls',
    quantity: 500,
    occurredAtMs: atMs,
    arrivedAtMs: atMs,
    sequence: undefined,
    properties: undefined,
    index,
    known: undefined,
    knownNanos: undefined,
    ...given,
  };
}

/** A dollar an hour for thirty days, then sixty dollars in the next half hour and in the hours after it. */
function drained(): HistoryEvent[] {
  const steady = Array.from({ length: 720 }, (_, hour) => event(hour));
  const drain = Array.from({ length: 40 }, (_, step) => {
    return event(720 + step, { arrivedAtMs: START_MS + 720 * HOUR_MS + step * 300_000, quantity: 15_000 });
  });
  return [...steady, ...drain];
}

function historyOf(events: readonly HistoryEvent[]): History {
  return {
    name: 'test',
    eventsExpected: events.length,
    async *blocks() {
      yield { events, unreadable: [] };
    },
  };
}

const labels: LabelSet = {
  attacks: [
    {
      id: 'case_1',
      family: 'stolen_key_drain',
      accounts: new Set(['acme']),
      sources: new Set(),
      startMs: START_MS + 720 * HOUR_MS,
      endMs: START_MS + 724 * HOUR_MS,
      lossNanos: 1_200e9,
    },
  ],
  fraudEvents: undefined,
  benign: [],
  scope: {},
};

async function report(events: readonly HistoryEvent[], known?: LabelSet, rules: Ruleset = ruleset) {
  const ledger = known === undefined ? undefined : new FraudLedger(known, new QuickPricer(rules.pricing));
  const collector = new Collector({ ruleset: rules, ledger, withSightings: true });
  const replay = new Replay(rules, collector.listener());
  const tally = await runBacktest(historyOf(events), [replay], {
    ...(ledger === undefined ? {} : { observe: (one, isDuplicate) => ledger.book(one, isDuplicate) }),
  });
  collector.tick(replay, true);
  const labelled = known === undefined || ledger === undefined ? undefined : { labels: known, ledger };
  return buildReport({ ruleset: rules, historyName: 'test', tally, replay, collector, labelled });
}

test('quick prices are the exact charges', () => {
  const pricer = new QuickPricer(ruleset.pricing);
  const meters = [...ruleset.pricing.meters.keys()];
  const quantities = fc.oneof(
    fc.nat(2_000_000),
    fc.integer({ min: 0, max: 1e9 }).map((whole) => whole / 100),
    fc.double({ min: 0, max: 1e9, noNaN: true }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...meters), quantities, (meter, amount) => {
      const quantity = parseQuantity(amount);
      fc.pre(typeof quantity !== 'string');
      const charge = chargeFor(ruleset.pricing, { account: 'a', meter, quantity, occurredAtMs: START_MS });
      expect(pricer.price('a', meter, amount, START_MS)).toBe(
        typeof charge === 'string' ? undefined : Number(charge.nanos),
      );
    }),
  );
});

test('a retry is a duplicate, other content an altered copy, and a retry of the copy a duplicate again', () => {
  const seen = new SeenEvents();
  const first = event(1, { properties: { key: 'k', received_at: '1' } });
  const copy = { ...first, quantity: 7 };
  const said = [first, { ...first, properties: { received_at: '2', key: 'k' } }, copy, copy, event(2)];
  expect(said.map((one) => seen.judge(one))).toEqual(['new', 'duplicate', 'altered', 'duplicate', 'new']);
});

test('forgets identities beyond its two generations and no earlier', () => {
  const seen = new SeenEvents(10_000);
  for (let index = 0; index < 15_000; index++) seen.judge(event(index));
  expect(seen.judge(event(0))).toBe('duplicate');
  for (let index = 15_000; index < 40_000; index++) seen.judge(event(index));
  expect(seen.judge(event(0))).toBe('new');
});

test('a drained key is found, frozen, and what follows is stopped', async () => {
  const { alerts, freezes, money, labels: scored, caught } = await report(drained(), labels);
  expect(alerts.accounts).toBe(1);
  expect(freezes.map(({ account }) => account)).toEqual(['acme']);
  expect(Number(money.saved)).toBeGreaterThan(600);
  expect(money.friction).toBe('0');
  expect(scored?.decisions.recall.value).toBe(1);
  expect(scored?.decisions.precision.value).toBe(1);
  expect(Number(scored?.decisions.lostBefore)).toBeLessThan(300);
  expect(caught[0]?.spend.length).toBeGreaterThan(90);
});

test('a freeze saves no more than the attack took; the rest of what it stops then is honest usage', async () => {
  const [whole] = labels.attacks;
  if (whole === undefined) throw new Error('one attack is labelled');
  const small = { ...labels, attacks: [{ ...whole, lossNanos: 120e9 }] };
  const { money, freezes, perDay, labels: scored } = await report(drained(), small);
  expect(Number(money.stolen)).toBe(120);
  // A tenth of what the account used meanwhile was stolen, and so was a tenth of what the freeze stopped.
  expect(Number(money.saved)).toBeCloseTo(Number(money.stopped) / 10, 6);
  expect(Number(money.saved) + Number(money.friction)).toBeCloseTo(Number(money.stopped), 6);
  expect(Number(money.saved) + Number(scored?.decisions.lostBefore)).toBeCloseTo(120, 0);
  expect(Number(freezes[0]?.friction)).toBeCloseTo(Number(money.friction), 6);
  expect(perDay.reduce((sum, { saved }) => sum + Number(saved), 0)).toBeCloseTo(Number(money.saved), 6);
});

test('the alerts of a rule are those it had a part in: a shadow rule has a part in none', async () => {
  const judgedRules = ruleset.judgedRules.map((rule) =>
    rule.id === 'spend-burst' ? { ...rule, mode: 'shadow' as const } : rule,
  );
  const { rules, alerts, freezes } = await report(drained(), undefined, { ...ruleset, judgedRules });
  const of = (id: string) => rules.find(({ rule }) => rule === id);
  expect(alerts.accounts).toBe(1);
  expect(of('leaked-key-burst')?.alerts).toBeGreaterThan(0);
  expect(of('spend-burst')).toMatchObject({ mode: 'shadow', alerts: 0 });
  expect(of('spend-burst')?.incidents).toBeGreaterThan(0);
  expect(freezes.flatMap((freeze) => freeze.rules)).not.toContain('spend-burst');
});

test('the same usage without labels is stopped all the same, and nobody says it was stolen', async () => {
  const { money, freezes, labels: scored } = await report(drained());
  expect(freezes).toHaveLength(1);
  expect(money.saved).toBeNull();
  expect(scored).toBeNull();
});

test('honest usage that a freeze stops is friction', async () => {
  const elsewhere = {
    ...labels,
    attacks: labels.attacks.map((attack) => ({ ...attack, accounts: new Set(['other']) })),
  };
  const { money, labels: scored, warnings } = await report(drained(), elsewhere);
  expect(Number(money.friction)).toBeGreaterThan(600);
  expect(scored?.decisions.precision.value).toBe(0);
  expect(warnings.map(({ code }) => code)).toContain('LABELS_UNKNOWN_ACCOUNTS');
});

test('never looks ahead: what is alerted by a moment does not depend on what follows it', async () => {
  const all = drained();
  const until = START_MS + 721 * HOUR_MS;
  const cut = all.filter(({ arrivedAtMs }) => arrivedAtMs <= until);
  const [whole, part] = [await report(all), await report(cut)];
  const early = whole.freezes.filter(({ at }) => Date.parse(at) <= until).map(({ at }) => at);
  expect(part.freezes.map(({ at }) => at)).toEqual(early);
});

test('holes, an order that is not that of arrival and unknown meters are told', async () => {
  const events = [
    event(0),
    event(1, { arrivedAtMs: START_MS + 3 * DAY_MS }),
    event(2, { arrivedAtMs: START_MS + DAY_MS, meter: 'nobody.knows' }),
  ];
  const { warnings } = await report(events);
  expect(warnings.map(({ code }) => code)).toEqual([
    'HISTORY_NOT_IN_ARRIVAL_ORDER',
    'HISTORY_GAP',
    'HISTORY_SHORT',
    'HISTORY_UNKNOWN_METERS',
    'HISTORY_BALANCES_UNKNOWN',
  ]);
});

test('rules compared with themselves decide nothing differently', async () => {
  const diff = new RulesetDiff(ruleset, { ...ruleset, hash: 'other' }, undefined);
  await runBacktest(historyOf(drained()), [diff.a.replay, diff.b.replay], { after: () => diff.after() });
  expect(diff.a.collector.alerts.length).toBeGreaterThan(0);
  expect(diff.b.collector.alerts).toEqual(diff.a.collector.alerts);
  expect(diff.flips()).toEqual([]);
});

test('a flip shows what both sides saw', async () => {
  const deaf = { ...ruleset, hash: 'deaf', judgedRules: ruleset.judgedRules.map((rule) => ({ ...rule, score: 0 })) };
  const diff = new RulesetDiff(ruleset, deaf, undefined);
  await runBacktest(historyOf(drained()), [diff.a.replay, diff.b.replay], { after: () => diff.after() });
  const [flip] = diff.flips();
  expect(flip).toMatchObject({ account: 'acme', from: 'freeze', to: 'allow' });
  expect(flip?.results.a.length).toBe(ruleset.judgedRules.length);
  expect(flip?.results.b.length).toBe(ruleset.judgedRules.length);
});

test('a comparison shares the loss of an attack out as a backtest does', async () => {
  const [whole] = labels.attacks;
  if (whole === undefined) throw new Error('one attack is labelled');
  const small = { ...labels, attacks: [{ ...whole, lossNanos: 120e9 }] };
  const ledger = new FraudLedger(small, new QuickPricer(ruleset.pricing));
  const diff = new RulesetDiff(ruleset, { ...ruleset, hash: 'other' }, ledger);
  const tally = await runBacktest(historyOf(drained()), [diff.a.replay, diff.b.replay], {
    observe: (one, isDuplicate) => ledger.book(one, isDuplicate),
    after: () => diff.after(),
  });
  const labelled = { labels: small, ledger };
  const compared = buildDiffReport({ diff, tally, names: { a: 'a', b: 'b' }, historyName: 'test', labelled });
  expect(Number(compared.b.friction)).toBeCloseTo(Number(compared.b.stopped) * 0.9, 6);
});

test('a share of few cases has a wide interval, and none without cases', () => {
  expect(shareOf(0, 0).value).toBeNull();
  const { low, high } = shareOf(8, 10);
  // R. G. Newcombe, 1998: the Wilson interval of 8/10 is 0.4902 to 0.9433.
  expect(low).toBeCloseTo(0.4902, 3);
  expect(high).toBeCloseTo(0.9433, 3);
});
