import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { openBooks } from '../../src/wire/books.ts';
import { type CliRun, runCli } from '../support/cli.ts';
import { balanceOf, creditDollars, expectProven, PRICED_RULESET } from '../support/corrections.ts';
import { openTestLedger, START_MS, type TestLedger, USD } from '../support/ledger.ts';

type Cli = (...args: readonly string[]) => Promise<CliRun>;

function cliOn({ connectionString }: TestLedger): Cli {
  const config = () => parseConfig({ DATABASE_URL: connectionString });
  let keys = 0;
  return (...args) =>
    runCli(args, {
      config,
      newKey: () => `cli-${++keys}`,
      readRules: () =>
        Promise.resolve({ directory: 'rules', result: { ok: true, ruleset: PRICED_RULESET, warnings: [] } }),
      openBooks: () => openBooks(config(), () => undefined),
    });
}

async function acme(): Promise<{ readonly ledger: TestLedger; readonly cli: Cli }> {
  const ledger = await openTestLedger();
  await creditDollars(ledger, 'acme', 20);
  await ledger.use('acme', [
    { id: 'e1', dollars: '7' },
    { id: 'g1', meter: 'gpu', dollars: '2' },
    { id: 'g2', meter: 'none', dollars: '2' },
  ]);
  return { ledger, cli: cliOn(ledger) };
}

test('an event is amended and voided, and shown with its corrections', async () => {
  const { ledger, cli } = await acme();
  const dry = await cli('events', 'amend', 'e1', '--quantity', '4.5', '--reason', 'case 1', '--dry-run');
  expect(dry).toMatchObject({ exitCode: 0, stderr: '' });
  expect(dry.stdout).toContain('e1 is amended: $7.00 credited back, $4.50 charged instead.');
  expect(dry.stdout).toContain('Dry run: nothing was changed.');
  expect(await balanceOf(ledger, 'acme')).toBe(13n * USD);

  const amended = await cli(
    'events',
    'amend',
    'e1',
    '--source',
    'api',
    '--quantity',
    '4.5',
    '--reason',
    'case 1',
    '--json',
  );
  expect(amended.json()).toMatchObject({
    id: 'e1',
    source: 'api',
    kind: 'amend',
    correction: 1,
    quantity: '4.5',
    reversed: '7',
    charged: '4.5',
    balanceBefore: '13',
    balance: '15.5',
    repeated: false,
    dryRun: false,
  });
  const voided = await cli('events', 'void', 'e1', '--reason', 'case 2', '--key', 'v1');
  expect(voided.stdout).toContain('e1 is void: $4.50 credited back.');
  expect(voided.stdout).toContain('balance $15.50 → $20.00.');
  const again = await cli('events', 'void', 'e1', '--reason', 'case 2', '--key', 'v1', '--json');
  expect(again.json()).toMatchObject({ repeated: true, reversed: '4.5', balance: '20' });

  const shown = await cli('events', 'show', 'e1');
  expect(shown.stdout).toContain('posted, and void since');
  expect(shown.stdout).toMatch(/Corrected\s+\$7\.00 → 4\.5 for \$4\.50, .* by cli:test: case 1/);
  expect(shown.stdout).toMatch(/Corrected\s+void, \$4\.50 credited back, .* by cli:test: case 2/);
  expect((await cli('events', 'show', 'e1', '--json')).json()).toMatchObject({
    status: 'posted',
    occurrences: [
      {
        key: expect.stringMatching(/^[0-9a-f-]{36}$/),
        corrections: [
          { kind: 'amend', quantity: '4.5', charged: '4.5', reversed: '7', reason: 'case 1' },
          { kind: 'void', quantity: null, charged: '0', reversed: '4.5', by: 'cli:test' },
        ],
      },
    ],
  });
  const { rows } = await ledger.pool.query(
    `select action, actor, detail ->> 'reason' as reason from audit_log order by audit_id`,
  );
  expect(rows.slice(1)).toEqual([
    { action: 'wallet.amend', actor: 'cli:test', reason: 'case 1' },
    { action: 'wallet.reversal', actor: 'cli:test', reason: 'case 2' },
  ]);
  await expectProven(ledger);
});

test('an event is named by its key, too', async () => {
  const { ledger, cli } = await acme();
  const shown = (await cli('events', 'show', 'e1', '--json')).json() as { occurrences: { key: string }[] };
  const key = shown.occurrences[0]?.key ?? '';
  const amended = await cli(
    'events',
    'amend',
    '--event-key',
    key,
    '--amount',
    '1.25 USD',
    '--reason',
    'agreed',
    '--json',
  );
  expect(amended.json()).toMatchObject({ id: 'e1', quantity: null, charged: '1.25', balance: '18.75' });
  await expectProven(ledger);
});

test.each([
  [['events', 'void', 'nobody', '--reason', 'x'], 1, 'EVENT_NOT_FOUND'],
  [['events', 'void', 'g1', '--reason', 'x'], 1, 'EVENT_NOT_POSTED'],
  [['events', 'void', 'e1', '--source', 'other', '--reason', 'x'], 1, 'EVENT_NOT_FOUND'],
  [['events', 'void', 'e1'], 2, 'CLI_USAGE'],
  [['events', 'void', '--reason', 'x'], 2, 'CLI_USAGE'],
  [['events', 'void', '--event-key', 'e1', '--reason', 'x'], 2, 'CLI_USAGE'],
  [['events', 'amend', 'e1', '--reason', 'x'], 2, 'CLI_USAGE'],
  [['events', 'amend', 'e1', '--quantity', '1', '--amount', '1', '--reason', 'x'], 2, 'CLI_USAGE'],
  [['events', 'amend', 'e1', '--quantity', '-1', '--reason', 'x'], 2, 'QUANTITY_INVALID'],
  [['events', 'amend', 'e1', '--quantity', '9000000000', '--reason', 'x'], 2, 'AMOUNT_INVALID'],
  [['events', 'amend', 'e1', '--amount', '-1', '--reason', 'x'], 2, 'AMOUNT_INVALID'],
  [['events', 'amend', 'e1', '--amount', '1 EUR', '--reason', 'x'], 2, 'AMOUNT_INVALID'],
  [['events', 'amend', 'e1', '--amount', '40', '--reason', 'x'], 1, 'OVER_LIMIT'],
  [['quarantine', 'post', '--reason', 'x'], 2, 'CLI_USAGE'],
  [['quarantine', 'void', '--all'], 2, 'CLI_USAGE'],
  [['quarantine', 'void', '--all', '--for', 'frozen', '--reason', 'x'], 2, 'CLI_USAGE'],
  [['quarantine', 'list', '--for', 'boredom'], 2, 'CLI_USAGE'],
  [['quarantine', 'list', '--from', 'yesterday'], 2, 'CLI_USAGE'],
] as const)('%j exits %i with %s, and nothing changes', async (args, exitCode, code) => {
  const { ledger, cli } = await acme();
  const result = await cli(...args, '--json');
  expect(result.json()).toMatchObject({ error: { code } });
  expect(result.exitCode).toBe(exitCode);
  const { rows } = await ledger.pool.query('select count(*) as n from batch');
  expect(rows).toEqual([{ n: 2n }]);
});

test('quarantine is listed, posted and voided by filter', async () => {
  const { ledger, cli } = await acme();
  const listed = await cli('quarantine', 'list', '--for', 'unknown_meter', '--json');
  expect(listed).toMatchObject({ exitCode: 0, stderr: '' });
  expect(listed.json()).toMatchObject({
    status: 'open',
    totals: [{ reason: 'unknown_meter', currency: 'USD', events: 2, withoutPrice: 2, amount: '0' }],
    events: [
      { id: 'g1', account: 'acme', meter: 'gpu', quantity: '2', amount: null },
      { id: 'g2', meter: 'none' },
    ],
  });
  expect((await cli('quarantine', 'list')).stdout).toBe(
    [
      'REASON         EVENTS  WORTH  WITHOUT PRICE  SINCE',
      'unknown meter       2  $0.00       2 events  2 Mar 2026 09:00 UTC',
      '',
      'EVENT  SOURCE  ACCOUNT  USAGE      WORTH  REASON         OCCURRED',
      'g1     api     acme     2 gpu   no price  unknown meter  2 Mar 2026 09:00 UTC',
      'g2     api     acme     2 none  no price  unknown meter  2 Mar 2026 09:00 UTC',
      '',
    ].join('\n'),
  );

  const ask = ['quarantine', 'post', '--for', 'unknown_meter', '--reason', 'priced since', '--key', 'p1'];
  const dry = await cli(...ask, '--dry-run', '--json');
  const posted = await cli(...ask, '--json');
  expect(posted.json()).toEqual({ ...(dry.json() as object), dryRun: false });
  expect(posted.json()).toMatchObject({
    what: 'post',
    wallets: 1,
    totals: [
      {
        currency: 'USD',
        posted: { events: 1, amount: '2' },
        stays: { unknown_meter: { events: 1 }, over_limit: { events: 0 } },
      },
    ],
    repeated: false,
  });
  const again = await cli(...ask);
  expect(again.stdout).toContain('Posted 1 event worth $2.00.');
  expect(again.stdout).toContain('1 event worth $0.00 stay: the meter still has no price at that time.');
  expect(again.stdout).toContain('nothing was changed now');
  expect(await balanceOf(ledger, 'acme')).toBe(11n * USD);

  const voided = await cli('quarantine', 'void', '--account', 'acme', '--from', '2026-03-02', '--reason', 'case 9');
  expect(voided.stdout).toContain('Voided 1 event worth $0.00: never charged.');
  expect((await cli('quarantine', 'list')).stdout).toBe('Nothing is in quarantine that fits.\n');
  expect((await cli('quarantine', 'list', '--status', 'void', '--json')).json()).toMatchObject({
    events: [{ id: 'g2', status: 'void', closedBy: 'cli:test', closedAt: new Date(START_MS).toISOString() }],
  });
  await expectProven(ledger);
});

test('names that customers choose cannot act on a terminal', async () => {
  const { ledger, cli } = await acme();
  await ledger.use('a\u009b31m\u202eb', [
    { id: 'x\u009b31m', meter: 'gpu\u009b31m' },
    { id: 'y\u009b31m', dollars: '1' },
  ]);
  for (const args of [
    ['quarantine', 'list'],
    ['quarantine', 'list', '--json'],
    ['events', 'void', 'y\u009b31m', '--reason', 'x'],
  ]) {
    const { stdout } = await cli(...args);
    expect(stdout, args.join(' ')).toMatch(/31m/);
    expect(stdout.replaceAll('\n', ''), args.join(' ')).not.toMatch(/[\p{Cc}\u202e]/u);
  }
});
