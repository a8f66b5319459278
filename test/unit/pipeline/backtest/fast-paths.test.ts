import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRuleFiles } from '../../../../src/adapters/rule-files.ts';
import { judge } from '../../../../src/domain/decisions/judge.ts';
import {
  decodeFeatures,
  encodeFeatures,
  type FoldInput,
  foldUsage,
} from '../../../../src/domain/features/account-features.ts';
import { eventDetails } from '../../../../src/domain/features/event-details.ts';
import { createFeatures } from '../../../../src/domain/features/feature-state.ts';
import { foldStreams, openStreams, saveStreams } from '../../../../src/domain/features/streams.ts';
import { ANY } from '../../../../src/domain/features/wakes.ts';
import { joinRulesets } from '../../../../src/domain/rules/join-rulesets.ts';
import { loadRuleset, type RuleFile, type Ruleset } from '../../../../src/domain/rules/ruleset.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../../src/domain/time.ts';
import { Collector } from '../../../../src/pipeline/backtest/collector.ts';
import { RulesetDiff } from '../../../../src/pipeline/backtest/diff.ts';
import type { History, HistoryEvent } from '../../../../src/pipeline/backtest/history-event.ts';
import { Replay } from '../../../../src/pipeline/backtest/replay.ts';
import { runBacktest } from '../../../../src/pipeline/backtest/run-backtest.ts';

const START_MS = Date.UTC(2026, 0, 5);
const files = await readRuleFiles();

function load(change: (file: RuleFile) => string = ({ text }) => text): Ruleset {
  const result = loadRuleset(
    files.map((file) => ({ ...file, text: change(file) })),
    { runTests: false },
  );
  if (!result.ok) throw new Error(JSON.stringify(result.errors[0]));
  return result.ruleset;
}

const shipped = load();

/** Every rule decides, and points weigh more, so that there is something to tell apart: alerts, freezes, held usage. */
function strict(parameters: (text: string) => string = (text) => text, freezeFrom = 50): Ruleset {
  return load(({ path, text }) => {
    if (path.endsWith('ruleset.yaml')) {
      return text
        .replace('from: 0, to: 19', 'from: 0, to: 9')
        .replace('from: 20, to: 34', 'from: 10, to: 19')
        .replace('from: 35', 'from: 20')
        .replace('to: 69', `to: ${freezeFrom - 1}`)
        .replace('from: 70', `from: ${freezeFrom}`);
    }
    return parameters(
      text.replace('mode: shadow', 'mode: live').replace('above_expected: 20.00', 'above_expected: 1.00'),
    );
  });
}

/** Numbers from a seed (Park and Miller): shrinking a seed would make other usage, not less of it. */
function drawFrom(seed: number): (below: number) => number {
  let state = (seed % 0x7fff_fffe) + 1;
  return (below) => {
    state = (state * 48_271) % 0x7fff_ffff;
    return Math.floor((state / 0x7fff_ffff) * below);
  };
}

/** Usage of some accounts as it never is: spurts, silences, drains, late and early clocks, gaps, new values, facts, copies. */
function usage(seed: number, accounts: number, count: number): HistoryEvent[] {
  const draw = drawFrom(seed);
  const events: HistoryEvent[] = [];
  let nowMs = START_MS;
  const facts = ['auth', 'topup', 'refund', 'signup', 'plan_change'];
  for (let index = 0; index < count; index++) {
    nowMs += draw(50) === 0 ? draw(2 * DAY_MS) : draw(30 * MINUTE_MS);
    const account = draw(accounts);
    const isOld = index > count / 2;
    const isDrain = isOld && draw(40) < 12 && Math.floor(nowMs / DAY_MS) % 5 === account % 5;
    const lateness = [draw(8_000), draw(8_000), draw(8_000), draw(3 * HOUR_MS), draw(40 * DAY_MS), -draw(HOUR_MS)];
    const isFact = draw(12) === 0;
    events.push({
      id: draw(60) === 0 ? `e${Math.max(0, index - draw(20))}` : `e${index}`,
      source: `s${draw(isOld ? 5 : 3)}`,
      account: `a${account}`,
      meter: isFact
        ? (facts[draw(facts.length * 4) % (index % 97 === 0 ? 5 : 4)] ?? '')
        : draw(3) === 0
          ? 'api.calls'
          : 'llm.tokens',
      quantity: isDrain ? 400_000 + draw(1e6) : 200 + draw(2_000),
      occurredAtMs: nowMs - (lateness[draw(20)] ?? draw(5_000)),
      arrivedAtMs: nowMs,
      sequence: draw(3) === 0 ? undefined : index + (draw(30) === 0 ? draw(5) : 0),
      properties: {
        region: `r${draw(isOld ? 3 : 2)}`,
        key: `k${draw(isOld ? 4 : 2)}`,
        feature: `f${draw(4)}`,
        ...(draw(40) === 0 ? { env: 'test' } : {}),
        ...(isFact ? { card: `c${draw(30)}`, outcome: draw(2) === 0 ? 'declined' : 'ok', device: `d${draw(5)}` } : {}),
      },
      index,
      known: undefined,
      knownNanos: undefined,
    });
  }
  return events;
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

const DISPOSITIONS = ['posted', 'posted', 'posted', 'posted', 'posted', 'quarantined', 'altered', 'duplicate'] as const;

function inputOf(event: HistoryEvent, draw: (below: number) => number): FoldInput {
  const { meter, quantity, occurredAtMs, arrivedAtMs } = event;
  return {
    meter,
    quantity,
    spendNanos: shipped.features.factMeters.has(meter) ? 0 : quantity * 6_000,
    occurredAtMs: Math.min(Math.max(occurredAtMs, arrivedAtMs - 30 * DAY_MS), arrivedAtMs),
    claimedAtMs: occurredAtMs,
    ingestedAtMs: arrivedAtMs,
    disposition: DISPOSITIONS[draw(DISPOSITIONS.length)] ?? 'posted',
    details: eventDetails(event),
  };
}

test('stream rules that sleep until something wakes them say and keep what they would if shown every event', () => {
  const asleep = shipped.features.streams ?? [];
  const awake = asleep.map((definition) => ({ ...definition, stream: { ...definition.stream, wakes: ANY } }));
  let risen = 0;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
      const draw = drawFrom(seed + 1);
      const [fast, plain] = [openStreams(asleep), openStreams(awake)];
      for (const event of usage(seed, 1, 900)) {
        const { balanceNanos, details, claimedAtMs, ...rest } = inputOf(event, draw);
        if (details === undefined || claimedAtMs === undefined) continue;
        const isFact = shipped.features.factMeters.has(event.meter);
        const shown = { ...rest, isFact, balanceNanos, details, claimedAtMs };
        foldStreams(fast, shown);
        foldStreams(plain, shown);
        // Tells what was added up at once: then usage is shown one by one.
        saveStreams(plain);
        expect(fast.rose).toBe(plain.rose);
        for (const [index, slot] of fast.slots.entries()) {
          const other = plain.slots[index];
          expect([slot.ruleId, slot.peak, slot.rose]).toEqual([other?.ruleId, other?.peak, other?.rose]);
          if (slot.rose) risen++;
        }
      }
      expect(JSON.stringify(saveStreams(fast))).toBe(JSON.stringify(saveStreams(plain)));
    }),
    { numRuns: 12 },
  );
  expect(risen).toBeGreaterThan(50);
});

test('windows that are not read because they cannot be over their cut-off would not have been', () => {
  const ruleset = strict();
  const windowsOnly: Ruleset = { ...ruleset, features: { ...ruleset.features } };
  let judged = 0;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
      const draw = drawFrom(seed + 2);
      const fast = createFeatures();
      let plain = createFeatures();
      for (const event of usage(seed, 1, 700)) {
        const { details: _details, ...input } = inputOf(event, draw);
        // An account that was just loaded knows nothing of what was looked at before.
        plain = decodeFeatures(encodeFeatures(plain));
        foldUsage(fast, input, windowsOnly.features);
        foldUsage(plain, input, windowsOnly.features);
        if (input.disposition === 'duplicate') continue;
        const moment = { account: 'a', ingestedAtMs: input.ingestedAtMs, eventSpendNanos: input.spendNanos };
        const [one, other] = [judge(windowsOnly, fast, moment), judge(windowsOnly, plain, moment)];
        expect(one).toEqual(other);
        if (one !== null) judged++;
      }
      expect(encodeFeatures(fast)).toEqual(encodeFeatures(plain));
    }),
    { numRuns: 8 },
  );
  expect(judged).toBeGreaterThan(20);
});

test('two rulesets over one set of features decide what each decides alone, freezes and all', async () => {
  const a = strict();
  const b = strict(
    (text) =>
      text
        .replace('drift: 0.4', 'drift: 0.3')
        .replace('threshold: 3.5', 'threshold: 2')
        .replace('of: card, on: topup', 'of: key, on: topup'),
    60,
  );
  expect(joinRulesets(a, b)).toBeDefined();
  let frozen = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1e9 }), async (seed) => {
      const history = historyOf(usage(seed, 6, 4_000));
      const diff = new RulesetDiff(a, b, undefined);
      await runBacktest(history, [diff.a.replay, diff.b.replay], { after: () => diff.after() });
      for (const [side, ruleset] of [[diff.a, a] as const, [diff.b, b] as const]) {
        const alone = new Collector({ ruleset, ledger: undefined, withSightings: false });
        await runBacktest(history, [new Replay(ruleset, alone.listener())]);
        expect(side.collector.alerts).toEqual(alone.alerts);
        expect(side.collector.freezes).toEqual(alone.freezes);
        frozen += alone.freezes.length;
      }
    }),
    { numRuns: 4 },
  );
  expect(frozen).toBeGreaterThan(3);
}, 120_000);

test('rulesets that keep different hours, or price differently, are not joined', () => {
  const longer = load(({ text }) => text.replace('window: 24h', 'window: 48h'));
  expect(longer.features.hourlyMax).not.toBe(shipped.features.hourlyMax);
  expect(joinRulesets(shipped, longer)).toBeUndefined();
  const meters = new Map([...shipped.pricing.meters].slice(1));
  expect(joinRulesets(shipped, { ...shipped, pricing: { ...shipped.pricing, meters } })).toBeUndefined();
});
