import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { autoTopUp } from '../../src/pipeline/stripe/auto-top-up.ts';
import { processRadarJob } from '../../src/pipeline/stripe/radar.ts';
import { openBooks } from '../../src/wire/books.ts';
import { runCli } from '../support/cli.ts';
import { openTestLedger, START_MS, type TestLedger, USD } from '../support/ledger.ts';
import { openMoneyIn, type TestMoney } from '../support/money-in.ts';

const RULE = `id: hour
title: Far above its busy hours
why: A test.
owner: team@example.com
mode: live
review_by: 2099-01-01
detect: { kind: burst, of: spend, window: 1h, times: 3, min_hours: 24, floor: { above_expected: 5.00 USD } }
say: "{observed} in {window}."
score: 80
once: { per: account, for: 2h, again_if: never }
tests:
  - { name: jump, series: "1x48 30@10min", expect: fires }
  - { name: steady, series: "1x48 1", expect: quiet }
  - { name: new, series: "1x3 30@10min", expect: inconclusive }
`;
const DAY_HOURS = 24;

interface Settings {
  readonly review?: string;
  readonly mode?: 'live' | 'shadow';
  readonly freezesFrom?: number;
}

const ASK = `{ kind: radar_review, hours: ${DAY_HOURS} }, `;

function rulesetWith({ review = ASK, mode = 'live', freezesFrom = 90 }: Settings = {}): Ruleset {
  const settings = `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: ${freezesFrom - 1}, outcome: review, actions: [${review}{ kind: notify, to: support }] }
  - { from: ${freezesFrom}, to: 100, outcome: freeze, actions: [{ kind: freeze_wallet, hours: 24 }, { kind: notify, to: support }] }
budgets: { alerts_per_day: 40, freezes_per_day: 20 }
`;
  const second = RULE.replace('id: hour', 'id: half').replace('window: 1h', 'window: 30min');
  const shown = (text: string) => text.replace('score: 80', 'score: 40').replace('mode: live', `mode: ${mode}`);
  const loaded = loadRuleset([
    { path: 'hour.yaml', text: shown(RULE) },
    { path: 'half.yaml', text: shown(second) },
    { path: 'ruleset.yaml', text: settings },
    { path: 'pricing.yaml', text: 'currency: USD\nmeters:\n  - { name: dollars, unit: dollar, price: 1 USD }\n' },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

const JUMP_MS = START_MS + 48 * HOUR_MS;

async function jump(ledger: TestLedger): Promise<void> {
  for (let hour = 0; hour < 49; hour++) {
    const atMs = START_MS + hour * HOUR_MS;
    await ledger.use('acme', [{ id: `e${hour}`, dollars: hour < 48 ? '1' : '30', atMs, receivedAtMs: atMs }]);
  }
}

async function asked(ledger: TestLedger) {
  const { rows } = await ledger.pool.query<{ message_key: string; payload: unknown }>(
    `select message_key, payload from outbox where topic = 'radar' order by outbox_id`,
  );
  return rows;
}

async function oneAlert(ledger: TestLedger) {
  const [alert] = await ledger.queries.alerts({ tenant: 'default', account: 'acme', limit: 1 });
  if (alert === undefined) throw new Error('nobody was told');
  return alert;
}

async function shown(ledger: TestLedger, alertId: string) {
  const config = parseConfig({ DATABASE_URL: ledger.connectionString });
  const books = { config: () => config, openBooks: () => openBooks(config, () => undefined) };
  const cli = await runCli(['alert', 'show', alertId, '--json'], books);
  return (cli.json() as { readonly radar: unknown }).radar;
}

/** What the relay and the queue do with what was decided. */
async function deliver(money: TestMoney, ledger: TestLedger): Promise<unknown[]> {
  const jobs = await asked(ledger);
  return Promise.all(jobs.map(({ payload: data }) => processRadarJob(money, { data })));
}

test('a band puts the customer before Radar: with the batch, once, and the next top-up is only authorised', async () => {
  const ledger = await openTestLedger(rulesetWith());
  const money = await openMoneyIn({ ledger });
  const { customer } = await money.withCard('acme');
  await jump(ledger);
  const untilMs = JUMP_MS + DAY_HOURS * HOUR_MS;
  const alert = await oneAlert(ledger);
  expect(await asked(ledger)).toEqual([
    {
      message_key: `radar-${alert.decisionId}`,
      payload: {
        v: 1,
        put: { tenant: 'default', account: 'acme', decision: alert.decisionId, untilMs, reason: 'half and hour' },
      },
    },
  ]);
  expect(alert.summary.replace(/\s+/g, ' ')).toContain(
    `Asked of Radar: to have this customer's top-ups looked at before they are captured, until 5 Mar 09:00 UTC. What came of it: tollkeeper alert show ${alert.alertId}.`,
  );
  expect(await shown(ledger, alert.alertId)).toMatchObject({ outcome: 'waiting' });

  money.advance(48 * HOUR_MS);
  expect(await deliver(money, ledger)).toEqual([{ account: 'acme', outcome: 'listed' }]);
  // Again, with the message that the listing has left of its own.
  expect(await deliver(money, ledger)).toEqual([
    { account: 'acme', outcome: 'listed' },
    { customer, outcome: 'listed' },
  ]);
  expect(money.sandbox.world.valueListItems.all()).toHaveLength(1);
  expect(await money.store.radar.read(customer)).toMatchObject({ decisionId: alert.decisionId, by: 'rules', untilMs });
  expect(await shown(ledger, alert.alertId)).toMatchObject({ outcome: 'listed' });

  // Below the line: what is charged now waits for somebody.
  const walletId = await money.setAuto('acme', { thresholdNanos: 10n * USD });
  const topUp = await autoTopUp(money, walletId);
  expect(topUp).toMatchObject({ isFlagged: true, status: 'in_review', creditedNanos: 0n });
});

test('what is carried out after its time puts nobody before Radar', async () => {
  const ledger = await openTestLedger(rulesetWith());
  const money = await openMoneyIn({ ledger });
  const { customer } = await money.withCard('acme');
  await jump(ledger);
  money.advance((48 + DAY_HOURS) * HOUR_MS);
  expect(await deliver(money, ledger)).toEqual([{ account: 'acme', outcome: 'ended' }]);
  expect(await money.store.radar.read(customer)).toBeUndefined();
});

test('an account without a customer has nothing to review, and the alert says so', async () => {
  const ledger = await openTestLedger(rulesetWith());
  const money = await openMoneyIn({ ledger });
  await jump(ledger);
  expect(await deliver(money, ledger)).toEqual([{ account: 'acme', outcome: 'no_customer' }]);
  expect(await shown(ledger, (await oneAlert(ledger)).alertId)).toMatchObject({ outcome: 'no_customer' });
});

test('a freeze asks for what the milder band does, beside the freeze', async () => {
  const ledger = await openTestLedger(rulesetWith({ freezesFrom: 70 }));
  await jump(ledger);
  const [wallet] = await ledger.queries.wallet({ tenant: 'default', name: 'acme' });
  expect(wallet?.wallet.status).toBe('frozen');
  expect(await asked(ledger)).toHaveLength(1);
  expect((await oneAlert(ledger)).summary).toContain('Asked of Radar');
});

test('nothing is asked in shadow, or where no band names the action', async () => {
  for (const settings of [{ mode: 'shadow' }, { review: '' }] as const) {
    const ledger = await openTestLedger(rulesetWith(settings));
    await jump(ledger);
    expect(await asked(ledger)).toEqual([]);
  }
});
