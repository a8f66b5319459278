import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Books } from '../../src/cli/context.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import type { NewJob } from '../../src/pipeline/ingest/queue-port.ts';
import { addDailyRun, processReconcileJob } from '../../src/pipeline/reconcile/daily-run.ts';
import { runCli } from '../support/cli.ts';
import { PLAIN_RULESET, USD } from '../support/ledger.ts';
import { openMoneyIn } from '../support/money-in.ts';
import { reconcileParts } from '../support/reconcile.ts';

const HOSTILE = '=cmd|"<script>alert(1)</script>"';

/** Books in which somebody posted by hand what Stripe knows nothing of. */
async function openWrongBooks() {
  const money = await openMoneyIn();
  await topUp(money.ledger.admin, {
    tenant: 'default',
    account: HOSTILE,
    currency: 'USD',
    amount: 25n * USD,
    source: 'paid',
    key: 'stripe-pi_neverheardof',
    reason: 'typed by hand',
    actor: 'cli:ana',
    nowMs: money.now(),
    dryRun: false,
    overdraftNanos: 0n,
  });
  money.advance(HOUR_MS);
  const books = { reconciling: () => reconcileParts(money), close: async () => undefined } as unknown as Books;
  const given = {
    now: money.now,
    openBooks: async () => books,
    readRules: async () => ({
      directory: 'rules',
      result: { ok: true as const, ruleset: PLAIN_RULESET, warnings: [] },
    }),
  };
  return { money, given };
}

test('reconcile says what is off, writes it to files that cannot act, and exits 1 until somebody has mended it', async () => {
  const { money, given } = await openWrongBooks();
  const directory = mkdtempSync(join(tmpdir(), 'tollkeeper-reconcile-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const [csv, html] = [join(directory, 'd.csv'), join(directory, 'd.html')];
  const dry = await runCli(['reconcile', '--dry-run', '--csv', csv, '--html', html], given);
  expect(dry.stderr).toBe('');
  expect(dry.exitCode).toBe(1);
  expect(dry.stdout).toContain('unknown in stripe');
  expect(dry.stdout).toContain('drift $25.00 (100.00 % of what moved, oldest 60 minutes), $25.00 of it left');
  expect(dry.stdout).toContain('would be a case');
  expect(await money.openCases()).toEqual([]);
  const [, row = ''] = readFileSync(csv, 'utf8').split('\r\n');
  expect(row).toContain(`unknown_in_stripe,pi_neverheardof,pi_neverheardof,default,"'=cmd|""<script>`);
  expect(row).toContain(',USD,25,0,25,2026-03-02T09:00:00.000Z,would_open_case,');
  const page = readFileSync(html, 'utf8');
  expect(page).not.toContain('<script');
  expect(page).toContain('pi_neverheardof');

  const real = await runCli(['reconcile', '--json'], given);
  expect(real.exitCode).toBe(1);
  expect(real.json()).toMatchObject({
    isDry: false,
    byCause: { unknown_in_stripe: 1 },
    currencies: [{ currency: 'USD', driftNanos: '25000000000', leftNanos: '25000000000' }],
    items: [{ reference: 'pi_neverheardof', outcome: 'case', account: HOSTILE }],
  });
  expect(await money.openCases()).toEqual(['reconcile_unknown_in_stripe']);
  const earlier = await runCli(['reconcile', '--from', '2026-02-01', '--to', '2026-03-01'], given);
  expect([earlier.exitCode, earlier.stdout]).toEqual([0, expect.stringContaining('No differences.')]);
});

test('reconcile refuses a window that is none', async () => {
  const { given } = await openWrongBooks();
  const run = await runCli(['reconcile', '--from', '2026-03-02', '--to', '2026-03-01'], given);
  expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining('CLI_USAGE')]);
});

test('the daily run is added once a day after two, and looks at the three days before', async () => {
  const { money } = await openWrongBooks();
  const added: NewJob[] = [];
  const queue = {
    addJobs: async (jobs: readonly NewJob[]) => {
      added.push(...jobs);
    },
  };
  const midnight = Date.UTC(2026, 2, 3);
  let addedDay = '';
  for (const hour of [1, 2, 3, 23, 26]) {
    addedDay = await addDailyRun(queue, { addedDay, nowMs: midnight + hour * HOUR_MS });
  }
  expect(added.map(({ id }) => id)).toEqual(['reconcile-2026-03-02', 'reconcile-2026-03-03', 'reconcile-2026-03-04']);
  money.advance(DAY_MS);
  const job = { data: added[1]?.data } as Parameters<typeof processReconcileJob>[1];
  expect(await processReconcileJob(reconcileParts(money), job)).toMatchObject({
    byCause: { unknown_in_stripe: 1 },
    differences: 1,
  });
});
