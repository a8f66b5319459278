import { expect, test } from 'vitest';
import { openFactHistory } from '../../src/adapters/postgres/fact-history.ts';
import { addressOf } from '../../src/domain/ids.ts';
import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { Replay, type ReplayAlert } from '../../src/pipeline/backtest/replay.ts';
import { runBacktest } from '../../src/pipeline/backtest/run-backtest.ts';
import { openTestLedger, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const burst = (id: string, window: string) => `id: ${id}
title: Far above its busy hours
why: A test.
owner: team@example.com
mode: live
review_by: 2099-01-01
detect: { kind: burst, of: spend, window: ${window}, times: 3, min_hours: 24, floor: { above_expected: 5.00 USD } }
say: "{observed} in {window}."
score: 40
once: { per: account, for: 2h, again_if: never }
tests:
  - { name: jump, series: "1x48 30@10min", expect: fires }
  - { name: steady, series: "1x48 1", expect: quiet }
  - { name: new, series: "1x3 30@10min", expect: inconclusive }
`;

const RUNWAY = `id: runway
title: Balance nearly gone
why: A test.
owner: team@example.com
mode: live
review_by: 2099-01-01
detect: { kind: drain, rarity: 1, runway: 24h }
say: "{observed} hours left."
score: 36
once: { per: account, for: 6h, again_if: never }
tests:
  - { name: unknown, events: [{ times: 100, every: 60min, meter: dollars, quantity: 1 }], expect: inconclusive }
  - name: drained
    events:
      - { times: 400, every: 60min, meter: dollars, quantity: 1, balance: 9000 }
      - { times: 31, every: 5min, meter: dollars, quantity: 8, balance: 300 }
    expect: fires
  - { name: deep, events: [{ times: 400, every: 60min, meter: dollars, quantity: 1, balance: 90000 }], expect: quiet }
`;

const SETTINGS = `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 69, outcome: review, actions: [{ kind: throttle_wallet, hours: 6, limit: 5.00 USD, per: 1h }, { kind: notify, to: support }] }
  - { from: 70, to: 100, outcome: freeze, actions: [{ kind: freeze_wallet, hours: 3 }, { kind: throttle_wallet, hours: 6, limit: 8.00 USD, per: 1h }, { kind: notify, to: support }] }
caps:
  freezes: { per_hour: 1, per_day: 2 }
  throttles: { per_hour: 1 }
budgets: { alerts_per_day: 40, freezes_per_day: 20 }
`;

function rules(settings = SETTINGS): Ruleset {
  const files = [
    { path: 'half.yaml', text: burst('half', '30min') },
    { path: 'hour.yaml', text: burst('hour', '1h') },
    { path: 'runway.yaml', text: RUNWAY },
    { path: 'ruleset.yaml', text: settings },
    { path: 'pricing.yaml', text: 'currency: USD\nmeters:\n  - { name: dollars, unit: dollar, price: 1 USD }\n' },
  ];
  const loaded = loadRuleset(files, { runTests: false });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

const laneOf = (account: string) => addressOf('default', account, 'USD').shard % 4;
/** Five accounts of one lane. */
const ACCOUNTS = Array.from({ length: 60 }, (_, index) => `acct-${index}`)
  .filter((account) => laneOf(account) === laneOf('acct-0'))
  .slice(0, 5);
const HOURS = 84;

/** Three and a half days: a dollar an hour each, top-ups of different sizes, and one account after another jumps. */
async function play(ledger: TestLedger, ruleset: Ruleset): Promise<void> {
  // A lane alone has all of every cap, as a backtest has.
  await ledger.pool.query('delete from lane_head where lane <> $1', [laneOf(ACCOUNTS[0] ?? '')]);
  const credit = async (account: string, dollars: number, nowMs: number) =>
    topUp(ledger.admin, {
      key: `${account}-${nowMs}`,
      actor: 'test',
      reason: null,
      nowMs,
      dryRun: false,
      tenant: 'default',
      account,
      currency: 'USD',
      amount: BigInt(dollars) * USD,
      source: 'paid',
      overdraftNanos: ruleset.overdraftNanos,
    });
  for (const [index, account] of ACCOUNTS.entries()) await credit(account, 60 + 200 * index, START_MS);
  const send = async (account: string, id: string, dollars: string, atMs: number) =>
    ledger.use(account, [{ id, dollars, atMs, receivedAtMs: atMs }]);
  for (let hour = 0; hour < HOURS; hour++) {
    for (const [index, account] of ACCOUNTS.entries()) {
      const atMs = START_MS + hour * HOUR_MS + index * MINUTE_MS;
      const step = hour - 50 - 4 * Math.floor(index / 3);
      const isJump = step >= 0 && step % 13 < 2;
      await send(account, `${account}-${hour}`, isJump ? String(9 + 4 * index) : '1', atMs);
      if (isJump) {
        for (let more = 1; more <= 3; more++)
          await send(account, `${account}-${hour}-${more}`, String(7 * more), atMs + more * 7 * MINUTE_MS);
      }
      if (hour === 60 && index < 2) await credit(account, 35, atMs + MINUTE_MS);
    }
  }
}

interface Decided {
  readonly account: string;
  readonly atMs: number;
  readonly outcome: string;
  readonly score: number;
  readonly raised: boolean;
  readonly slowedUntilMs: number | null;
  readonly results: readonly string[];
}

interface Evidence {
  readonly raised: boolean;
  readonly slowed?: { readonly untilMs: number };
  readonly results: readonly { readonly ruleId: string; readonly status: string; readonly observed: number }[];
}

function resultsOf(results: Evidence['results']): readonly string[] {
  return results.map(({ ruleId, status, observed }) => `${ruleId} ${status} ${observed}`);
}

async function decidedLive(ledger: TestLedger): Promise<readonly Decided[]> {
  const { rows } = await ledger.pool.query<{
    account_id: string;
    at: string;
    outcome: string;
    score: number;
    evidence: Evidence;
  }>(
    `select account_id, (extract(epoch from decided_at) * 1000)::bigint::text as at, outcome, score, evidence
     from decision order by decided_at, account_id`,
  );
  return rows.map(({ account_id: account, at, outcome, score, evidence }) => {
    const { raised, slowed, results } = evidence;
    const acts = { raised, slowedUntilMs: slowed?.untilMs ?? null };
    return { account, atMs: Number(at), outcome, score, ...acts, results: resultsOf(results) };
  });
}

async function decidedAgain(ledger: TestLedger, ruleset: Ruleset) {
  const decisions: Decided[] = [];
  const heldBack: string[] = [];
  let freezes = 0;
  const note = ({ account, atMs, outcome, score, raised, slowed, results }: ReplayAlert) => {
    const acts = { raised, slowedUntilMs: slowed?.untilMs ?? null };
    decisions.push({ account, atMs, outcome, score, ...acts, results: resultsOf(results) });
  };
  const replay = new Replay(ruleset, {
    decision: note,
    freeze: () => freezes++,
    heldBack: (alert) => heldBack.push(...alert.heldBack.map(({ kind }) => kind)),
  });
  const statuses = new Map<string, number>();
  const history = await openFactHistory(ledger.pool, 'default');
  await runBacktest(history, [replay], {
    observe: ({ known = '' }) => statuses.set(known, (statuses.get(known) ?? 0) + 1),
  });
  return { decisions, heldBack, freezes, replay, statuses };
}

test('a backtest of a history decides and acts as the lanes did: caps, slow-downs, freezes and balances', async () => {
  const ruleset = rules();
  const ledger = await openTestLedger(ruleset);
  await play(ledger, ruleset);
  const live = await decidedLive(ledger);
  const again = await decidedAgain(ledger, ruleset);
  expect(again.decisions).toEqual(live);
  // Each of what is compared has happened.
  const of = (what: (one: Decided) => boolean) => live.filter(what).length;
  expect(of(({ slowedUntilMs }) => slowedUntilMs !== null)).toBeGreaterThan(1);
  expect(again.freezes).toBeGreaterThan(0);
  expect(new Set(again.heldBack)).toEqual(new Set(['freeze', 'throttle']));
  expect(again.statuses.get('throttled')).toBeGreaterThan(0);
  expect(of(({ results }) => results.some((result) => result.startsWith('runway hit')))).toBeGreaterThan(0);
  const frozen = await ledger.pool.query<{ count: string }>('select count(*) from entry where kind = 4');
  expect(again.freezes).toBe(Number(frozen.rows[0]?.count));
  const wallets = await ledger.pool.query<{ account_id: string; posted: bigint }>(
    'select account_id, posted from wallet',
  );
  for (const { account_id: account, posted } of wallets.rows)
    expect(again.replay.accounts.get(account)?.balanceNanos).toBe(Number(posted));
});
