import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createStoryStore } from '../../src/adapters/postgres/story-store.ts';
import { parseConfig } from '../../src/config.ts';
import { checkNumbers } from '../../src/domain/numbers-lock/check-numbers.ts';
import { alertBrief } from '../../src/domain/summaries/alert-brief.ts';
import { briefTexts } from '../../src/domain/summaries/brief.ts';
import { summaryEvidence } from '../../src/domain/summaries/evidence.ts';
import { INCIDENT_GAP_MS } from '../../src/domain/summaries/incident.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { openBooks } from '../../src/wire/books.ts';
import { ENGLISH_STYLE } from '../support/alert-stories.ts';
import { runCli } from '../support/cli.ts';
import { BURST_HOUR, frozen, FREEZING_RULES as rules } from '../support/frozen-books.ts';
import { openTestLedger, START_MS, type TestLedger } from '../support/ledger.ts';

function cliOn(ledger: TestLedger) {
  return (...args: readonly string[]) =>
    runCli(args, {
      now: () => START_MS + (BURST_HOUR + 12) * HOUR_MS,
      config: () => parseConfig({ TOLLKEEPER_PUBLIC_URL: 'https://billing.example.com' }),
      readRules: () => Promise.resolve({ directory: 'rules', result: { ok: true, ruleset: rules, warnings: [] } }),
      openBooks: () => openBooks(parseConfig({ DATABASE_URL: ledger.connectionString }), () => undefined),
    });
}

async function newestAlert(ledger: TestLedger): Promise<string> {
  const [alert] = await ledger.queries.alerts({ tenant: 'default', limit: 1 });
  if (alert === undefined) throw new Error('no alert was raised');
  return alert.alertId;
}

test('a stored alert is told with the freeze that it made, what was saved, and no figure that is not in the books', async () => {
  const ledger = await frozen();
  const stories = createStoryStore(ledger.pool);
  const told = await stories.incidentOf('default', await newestAlert(ledger), INCIDENT_GAP_MS);
  const story = told.at(-1)?.story;
  if (story === undefined) throw new Error('no story');
  expect(story.facts).toMatchObject({ outcome: 'freeze', notFrozenBecause: null, currency: 'USD' });
  expect(story.facts.frozenUntilMs).toBe(story.facts.raisedAtMs + DAY_MS);
  expect(story.facts.heldBackNanos).toBe(60_000_000_000n);
  const brief = alertBrief(story, ENGLISH_STYLE);
  expect(brief.mark).toBe('Wallet frozen');
  expect(checkNumbers(briefTexts(brief).join('\n\n'), summaryEvidence([story], ENGLISH_STYLE))).toEqual([]);
});

test('an alert is previewed in every form and language, and nothing is sent or changed', async () => {
  const ledger = await frozen();
  const cli = cliOn(ledger);
  const id = await newestAlert(ledger);
  await cli(
    'account',
    'contact',
    'acme',
    '--called',
    'Acme Robotics',
    '--language',
    'de',
    '--time-zone',
    'Europe/Berlin',
  );
  const before = await ledger.pool.query('select count(*) from outbox');
  const text = await cli('alert', 'preview', id);
  expect(text).toMatchObject({ exitCode: 0, stderr: '' });
  expect(text.stdout).toContain('Subject: Wallet frozen: Acme Robotics');
  expect(text.stdout).toContain('Spent $30.00 in 1 hour.');
  expect(text.stdout.replace(/\s+/g, ' ')).toContain('Wir haben die Nutzung Ihres Kontos am');
  expect((await cli('alert', 'preview', id, '--lang', 'de')).stdout).toContain('30,00\u00a0$ in 1 Stunde ausgegeben.');
  const slack = await cli('alert', 'preview', id, '--form', 'slack');
  expect(JSON.parse(slack.stdout).blocks[0]).toMatchObject({
    type: 'header',
    text: { text: 'Wallet frozen · Acme Robotics' },
  });
  const folder = await mkdtemp(join(tmpdir(), 'tollkeeper-preview-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'alert.html');
  expect((await cli('alert', 'preview', id, '--form', 'html', '--out', file)).stderr).toContain(file);
  const page = await readFile(file, 'utf8');
  expect(page).toContain('src="data:image/png;base64,');
  expect(page).toContain(`https://billing.example.com/v1/alerts/${id}`);
  expect((await cli('alert', 'preview', id, '--json')).json()).toMatchObject({
    kind: 'alert',
    severity: 'severe',
    attachments: [{ filename: 'chart.png' }],
  });
  expect((await ledger.pool.query('select count(*) from outbox')).rows).toEqual(before.rows);
});

test('bad input to a preview names the option and the fix', async () => {
  const cli = cliOn(await openTestLedger(rules));
  expect((await cli('alert', 'preview', 'alt_0000000000000000')).stderr).toContain('ALERT_NOT_FOUND');
  expect((await cli('alert', 'digest', '--time-zone', 'Mars/Olympus')).stderr).toContain('--time-zone');
  expect((await cli('alert', 'digest', '--from', '2026-03-02', '--to', '2026-03-01')).exitCode).toBe(2);
  expect((await cli('account', 'low-balance', 'nobody')).stderr).toContain('WALLET_NOT_FOUND');
});

test('open alerts of a time are one digest', async () => {
  const cli = cliOn(await frozen());
  const digest = await cli('alert', 'digest');
  expect(digest.stdout).toContain('1 incident to look at');
  expect(digest.stdout).toContain('acme');
  expect((await cli('alert', 'digest', '--from', '2020-01-01', '--to', '2020-01-02')).stdout).toContain(
    'Nothing to look at.',
  );
});

test('a balance is told with the days it lasts at the account’s own pace', async () => {
  const ledger = await openTestLedger(rules);
  for (let hour = 0; hour < 24 * 7; hour++) {
    const atMs = START_MS + hour * HOUR_MS;
    await ledger.use('acme', [{ id: `a-${hour}`, dollars: '1', atMs, receivedAtMs: atMs }]);
  }
  const cli = cliOn(ledger);
  await cli('wallet', 'topup', 'acme', '228.00', '--reason', 'test');
  const low = await cli('account', 'low-balance', 'acme', '--json');
  expect(low.json()).toMatchObject({
    kind: 'low_balance',
    subject: 'Your balance is down to $60.00',
    severity: 'normal',
  });
  expect(low.json()).toMatchObject({
    event: { type: 'balance.low', data: { dailyPace: '24', threshold: '72', runwaySeconds: 216_000 } },
  });
  expect((await cli('account', 'low-balance', 'acme')).stdout).toContain('lasts about 2 days');
  expect((await cli('account', 'low-balance', 'acme', '--days', '1')).stderr).toContain('not low now');
});
