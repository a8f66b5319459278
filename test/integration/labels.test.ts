import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readCaseCounts } from '../../src/adapters/postgres/lesson-rows.ts';
import { parseConfig } from '../../src/config.ts';
import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { closeAlert } from '../../src/pipeline/admin/close-alert.ts';
import { type LabelAccountRequest, labelAccount } from '../../src/pipeline/admin/label-account.ts';
import { openBooks } from '../../src/wire/books.ts';
import { runCli } from '../support/cli.ts';
import { codeOf, expectProven } from '../support/corrections.ts';
import { openTestLedger, START_MS, type TestLedger } from '../support/ledger.ts';

function ruleset(): Ruleset {
  const loaded = loadRuleset([
    {
      path: 'jump.yaml',
      text: `id: jump
title: Far above its busy hours
why: A test.
owner: team@example.com
mode: live
review_by: 2099-01-01
detect: { kind: burst, of: spend, window: 1h, times: 3, min_hours: 24, floor: { above_expected: 5.00 USD } }
say: "{observed} in {window}."
score: 40
once: { per: account, for: 2h, again_if: never }
tests:
  - { name: jump, series: "1x48 30", expect: fires }
  - { name: steady, series: "1x48 1", expect: quiet }
  - { name: new, series: "1x3 30", expect: inconclusive }
`,
    },
    {
      path: 'ruleset.yaml',
      text: `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 100, outcome: review, actions: [{ kind: notify, to: support }] }
budgets: { alerts_per_day: 40, freezes_per_day: 20 }
`,
    },
    { path: 'pricing.yaml', text: 'currency: USD\nmeters:\n  - { name: dollars, unit: dollar, price: 1 USD }\n' },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

const rules = ruleset();
const atHour = (hour: number) => START_MS + hour * HOUR_MS;

/** Two quiet days, then bursts of three hours that begin at these hours. */
async function withBursts(accounts: { readonly [account: string]: readonly number[] }): Promise<TestLedger> {
  const ledger = await openTestLedger(rules);
  for (let hour = 0; hour < 200; hour++) {
    for (const [account, bursts] of Object.entries(accounts)) {
      const isBurst = bursts.some((from) => hour >= from && hour < from + 3);
      const at = { atMs: atHour(hour), receivedAtMs: atHour(hour) };
      await ledger.use(account, [{ id: `${account}-${hour}`, dollars: isBurst ? '30' : '1', ...at }]);
    }
  }
  return ledger;
}

function label(given: Partial<LabelAccountRequest> & Pick<LabelAccountRequest, 'account'>): LabelAccountRequest {
  const told = { tenant: 'default', label: 'confirmed_fraud', cause: 'dispute', idempotencyKey: 'dp_1' } as const;
  return { ...told, atMs: atHour(60), actor: 'stripe', nowMs: atHour(300), dryRun: false, ...given };
}

const statusOf = async (ledger: TestLedger, account: string) =>
  (await ledger.queries.alerts({ tenant: 'default', account, limit: 100 }))
    .map(({ raisedAtMs, status }) => [Math.round((raisedAtMs - START_MS) / HOUR_MS), status])
    .reverse();

test('a dispute closes what was raised since the payment, incident by incident, and the rule is credited with it', async () => {
  const ledger = await withBursts({ acme: [60, 150] });
  expect(await statusOf(ledger, 'acme')).toEqual([
    [60, 'open'],
    [62, 'open'],
    [150, 'open'],
    [152, 'open'],
  ]);
  const result = await labelAccount(ledger.admin, label({ account: 'acme', note: 'card reported stolen' }));
  expect(result).toMatchObject({ status: 'labelled', isRepeated: false, contradicted: [] });
  expect(await statusOf(ledger, 'acme')).toEqual([
    [60, 'confirmed_fraud'],
    [62, 'duplicate'],
    [150, 'confirmed_fraud'],
    [152, 'duplicate'],
  ]);
  const client = await ledger.pool.connect();
  onTestFinished(() => client.release());
  expect(await readCaseCounts(client)).toEqual(new Map([['jump', { confirmed: 2, benign: 0 }]]));
  const { rows } = await ledger.pool.query('select label, cause, note, made_by from account_label');
  expect(rows).toEqual([
    { label: 'confirmed_fraud', cause: 'dispute', note: 'card reported stolen', made_by: 'stripe' },
  ]);
  await ledger.use('acme', [{ id: 'later', dollars: '1', atMs: atHour(301), receivedAtMs: atHour(301) }]);
  const lessons = await ledger.pool.query('select verdict, applied_batch from baseline_lesson order by lesson_id');
  expect(lessons.rows.map(({ verdict }) => verdict)).toEqual(['confirmed_fraud', 'confirmed_fraud']);
  expect(lessons.rows.every(({ applied_batch }) => applied_batch !== null)).toBe(true);
  await expectProven(ledger);
});

test('a label sent again changes nothing, and the same key for something else is refused', async () => {
  const ledger = await withBursts({ acme: [60] });
  const request = label({ account: 'acme' });
  const first = await labelAccount(ledger.admin, { ...request, dryRun: true });
  expect(await statusOf(ledger, 'acme')).toEqual([
    [60, 'open'],
    [62, 'open'],
  ]);
  const second = await labelAccount(ledger.admin, request);
  expect(second).toEqual(first);
  expect(await labelAccount(ledger.admin, request)).toEqual({ ...second, isRepeated: true });
  expect(await codeOf(labelAccount(ledger.admin, { ...request, label: 'benign' }))).toBe('IDEMPOTENCY_CONFLICT');
  const { rows } = await ledger.pool.query('select count(*)::int as labels from account_label');
  expect(rows).toEqual([{ labels: 1 }]);
  await expectProven(ledger);
});

test('a review is about a day around it, and teaches only that incident as normal', async () => {
  const ledger = await withBursts({ acme: [60, 150] });
  await labelAccount(ledger.admin, label({ account: 'acme', label: 'benign', cause: 'review' }));
  expect(await statusOf(ledger, 'acme')).toEqual([
    [60, 'benign'],
    [62, 'duplicate'],
    [150, 'open'],
    [152, 'open'],
  ]);
  const { rows } = await ledger.pool.query<{ to_at: Date }>('select to_at from baseline_lesson');
  expect(rows.map(({ to_at }) => to_at.getTime())).toEqual([atHour(62) + DAY_MS]);
});

test('what a person has closed stays as it is, and the label says that it disagrees', async () => {
  const ledger = await withBursts({ acme: [60] });
  const [alert] = await ledger.queries.alerts({ tenant: 'default', account: 'acme', limit: 1 });
  const alertId = alert?.alertId ?? '';
  const close = { tenant: 'default', reason: 'load test', key: 'c', actor: 'ana', nowMs: atHour(250), dryRun: false };
  await closeAlert(ledger.admin, { ...close, alertId, verdict: 'benign' });
  const result = await labelAccount(ledger.admin, label({ account: 'acme' }));
  expect(result).toMatchObject({ closed: [], contradicted: [alertId] });
  expect((await statusOf(ledger, 'acme')).map(([, status]) => status)).toContain('benign');
});

test('an account nobody knows, and times that cannot be, leave nothing behind', async () => {
  const ledger = await withBursts({ acme: [] });
  expect(await labelAccount(ledger.admin, label({ account: 'nobody' }))).toEqual({
    status: 'unknown_account',
    account: 'nobody',
  });
  // The name of a wallet is no account's.
  const [wallet] = await ledger.queries.wallet({ tenant: 'default', name: 'acme' });
  const walletName = `wal_${wallet?.wallet.walletId.toString(32) ?? ''}`;
  expect(await labelAccount(ledger.admin, label({ account: walletName }))).toMatchObject({ status: 'unknown_account' });
  const backwards = label({ account: 'acme', untilMs: atHour(1) });
  expect(await codeOf(labelAccount(ledger.admin, backwards))).toBe('LABELS_INVALID');
  const future = label({ account: 'acme', atMs: atHour(900) });
  expect(await codeOf(labelAccount(ledger.admin, future))).toBe('LABELS_INVALID');
  const { rows } = await ledger.pool.query('select 1 from account_label');
  expect(rows).toEqual([]);
});

async function labelsFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tollkeeper-labels-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'labels.csv');
  await writeFile(path, text);
  return path;
}

function cliOn(ledger: TestLedger) {
  const config = parseConfig({ DATABASE_URL: ledger.connectionString });
  return (...args: readonly string[]) =>
    runCli(args, {
      now: () => atHour(300),
      readRules: () => Promise.resolve({ directory: 'rules', result: { ok: true, ruleset: rules, warnings: [] } }),
      openBooks: () => openBooks(config, () => undefined),
    });
}

test('a file of labels is taken row by row; what cannot be taken is named, and taken when it is sent again', async () => {
  const ledger = await withBursts({ acme: [60], beta: [100] });
  const cli = cliOn(ledger);
  const file = await labelsFile(`account,label,cause,at,until,loss,note
acme,confirmed_fraud,dispute,${new Date(atHour(60)).toISOString()},,50.00,"card reported, stolen"
beta,benign,,2026-03-06,2026-03-07,,load test
"=HYPERLINK(""x"")\u001b[31mred",confirmed_fraud,dispute,2026-03-06,,,
beta,stolen,,2026-03-06,,,
beta,benign,,yesterday,,,
beta,benign,dispute,2026-03-06,,minus one,
`);
  const first = await cli('labels', 'import', file);
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(first.stdout).not.toContain('\u001b');
  expect(first.stdout).toContain('line 4:');
  expect(first.stdout).toContain('line 5: beta: label is "stolen"');
  expect(first.stdout).toContain('6 rows: 2 labelled, 0 known before, 1 of unknown accounts, 3 invalid.');
  const again = await cli('labels', 'import', file, '--json', '--strict');
  expect(again).toMatchObject({ exitCode: 1 });
  expect(again.json()).toMatchObject({ labelled: 0, repeated: 2, unknownAccounts: 1, invalid: 3, alertsClosed: 0 });
  const { rows } = await ledger.pool.query('select account_id, loss from account_label order by label_id');
  expect(rows).toEqual([
    { account_id: 'acme', loss: 50_000_000_000n },
    { account_id: 'beta', loss: null },
  ]);
  expect((await cli('labels', 'import', await labelsFile('who,what\na,b\n'))).stderr).toContain('LABELS_INVALID');
  const added = await cli('labels', 'add', 'acme', '--as', 'benign', '--at', '2026-03-02', '--key', 'k1');
  expect(added).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('acme is labelled benign') });
  await expectProven(ledger);
});

test('the scorecard holds the rules against closed cases and labels; accounts that nobody judged count for nothing', async () => {
  const ledger = await withBursts({ acme: [60], beta: [100], gamma: [120], delta: [150] });
  const cli = cliOn(ledger);
  expect((await cli('rules', 'scorecard', '--cases')).stderr).toContain('No case is closed yet');
  await labelAccount(ledger.admin, label({ account: 'acme' }));
  const benign = { account: 'beta', label: 'benign', cause: 'review', atMs: atHour(100), idempotencyKey: 'b' } as const;
  await labelAccount(ledger.admin, label(benign));
  // Nothing was raised about it then: the rules missed this one. What they said later is about something nobody judged.
  const missed = { account: 'delta', cause: 'unpaid_top_up', atMs: atHour(10), untilMs: atHour(20) } as const;
  await labelAccount(ledger.admin, label({ ...missed, lossNanos: 70_000_000_000n, idempotencyKey: 'd' }));
  const card = await cli('rules', 'scorecard', '--cases', '--json');
  expect(card).toMatchObject({ exitCode: 0 });
  const { attacks, rules: rows } = card.json() as { attacks: number; rules: { precision: object; recall: object }[] };
  expect(attacks).toBe(2);
  expect(rows[0]).toMatchObject({ rule: 'jump', recall: { hits: 1, of: 2 }, precision: { hits: 1, of: 2 } });
  const report = await cli('rules', 'backtest', '--cases', '--json');
  const { labels } = report.json() as { labels: { decisions: { attacks: { id: string; loss: string }[] } } };
  expect(labels.decisions.attacks.find(({ id }) => id.startsWith('label-'))).toMatchObject({ loss: '70' });
  expect((await cli('rules', 'scorecard')).exitCode).toBe(2);
});
