import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { openArchive } from '../../src/wire/archive.ts';
import { applyMigrations, openBooks, readMigrations } from '../../src/wire/books.ts';
import { diagnose } from '../../src/wire/doctor.ts';
import { runCli } from '../support/cli.ts';
import { creditDollars } from '../support/corrections.ts';
import { ask } from '../support/holds.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger } from '../support/ledger.ts';

function cliOn({ connectionString }: TestLedger, environment: Readonly<Record<string, string>> = {}) {
  const config = () => parseConfig({ DATABASE_URL: connectionString, ...environment });
  const ignore = () => undefined;
  let keys = 0;
  return (...args: readonly string[]) =>
    runCli(args, {
      config,
      newKey: () => `key-${++keys}`,
      now: () => START_MS + HOUR_MS,
      readRules: () =>
        Promise.resolve({ directory: 'rules', result: { ok: true, ruleset: PLAIN_RULESET, warnings: [] } }),
      openBooks: () => openBooks(config(), ignore),
      archive: {
        open: (directory) => openArchive(config(), directory, ignore),
        files: () => Promise.reject() as never,
      },
      migrations: { status: () => readMigrations(config(), ignore), apply: () => applyMigrations(config(), ignore) },
      diagnose: () => diagnose(config(), () => Date.now()),
    });
}

test('a captured hold has its name in statement and history, also beside holds placed at the same moment', async () => {
  const ledger = await openTestLedger();
  await creditDollars(ledger, 'acme', 20);
  for (const hold of ['req_1', 'req_2', '=cmd', 'never']) await ask(ledger, 'acme', hold, { do: 'place', dollars: 2 });
  for (const hold of ['req_2', '=cmd', 'req_1']) await ask(ledger, 'acme', hold, { do: 'capture', dollars: 1 });
  const cli = cliOn(ledger);
  const history = await cli('wallet', 'history', 'acme', '--json');
  expect(history.json()).toMatchObject({
    entries: [
      { kind: 'captured', eventId: 'req_1' },
      { kind: 'captured', eventId: '=cmd' },
      { kind: 'captured', eventId: 'req_2' },
      { kind: 'topup' },
    ],
  });
  expect((await cli('statement', 'acme')).stdout).toMatch(/captured {2}req_2 /);
  expect((await cli('statement', 'acme', '--format', 'csv')).stdout).toContain("captured,'=cmd,");
});

test('refused holds and refunds name money as every other command does', async () => {
  const ledger = await openTestLedger();
  const cli = cliOn(ledger);
  await cli('wallet', 'topup', 'acme', '0.5');
  const refund = await cli('wallet', 'refund', 'acme', '2', '--reason', 'case');
  expect(refund.stderr).toContain('acme has $0.50 of paid credit');
  const hold = await cli('hold', 'place', 'req_1', 'acme', '7.25');
  expect(hold.stderr).toContain('$7.25 more do not fit: acme has $0.50 available (balance $0.50, held $0.00).');
});

test('a dry run of a top-up says what would be', async () => {
  const ledger = await openTestLedger();
  const cli = cliOn(ledger);
  await ledger.use('acme', [{ id: 'a', dollars: '5' }, { id: 'b' }]);
  const dry = await cli('wallet', 'topup', 'acme', '1', '--dry-run');
  expect(dry.stdout).toContain('The balance would go −$5.00 → −$5.00.');
  expect(dry.stdout).toContain('Would post 1 event worth $1.00 that waited for credit.');
  const opening = await cli('wallet', 'topup', 'new', '1', '--dry-run');
  expect(opening.stdout).toContain('The account is unknown and would be open and confirmed.');
  expect((await cli('wallet', 'topup', 'acme', '1')).stdout).toContain('Posted 1 event worth $1.00');
});

test('a list that nothing fits does not say that there is nothing', async () => {
  const ledger = await openTestLedger();
  const cli = cliOn(ledger);
  expect((await cli('account', 'list')).stdout).toBe('No accounts. The first usage or top-up opens one.\n');
  expect((await cli('wallet', 'list')).stdout).toBe('No wallets. The first usage or top-up of an account opens one.\n');
  await ledger.use('acme', [{ id: 'a' }]);
  const hint = 'Without --account and --status all are listed.\n';
  expect((await cli('account', 'list', '--status', 'closed')).stdout).toBe(`No account fits. ${hint}`);
  expect((await cli('account', 'list', '--account', 'bcme')).stdout).toBe(`No account fits. ${hint}`);
  expect((await cli('wallet', 'list', '--status', 'frozen')).stdout).toBe(`No wallet fits. ${hint}`);
});

test('a database that a newer release has migrated is refused with both versions and the fix', async () => {
  const ledger = await openTestLedger();
  await ledger.pool.query(`insert into migration (name) values ('9999-later.sql')`);
  const cli = cliOn(ledger);
  for (const args of [['wallet', 'list'], ['migrate'], ['migrate', '--dry-run'], ['archive', 'list']]) {
    const { exitCode, stderr } = await cli(...args);
    expect(exitCode, args.join(' ')).toBe(1);
    expect(stderr).toMatch(
      /^error DATABASE_NEWER: The database is at migration 9999-later\.sql; this release of Tollkeeper knows migrations up to 00\d\d-[a-z-]+\.sql\.\n {2}Fix: Use the release/,
    );
  }
  expect((await cli('doctor')).stdout).toContain('✗ database  migrated by a newer release: 9999-later.sql');
});

test('doctor waits for lanes that are just being taken, and counts those the database has', async () => {
  const ledger = await openTestLedger();
  await ledger.use('acme', [{ id: 'a' }]);
  const diagnosed = cliOn(ledger, { TOLLKEEPER_LANES: '7' })('doctor');
  for (let account = 0; account < 60; account++) await ledger.use(`account-${account}`, [{ id: `b${account}` }]);
  const { stdout } = await diagnosed;
  expect(stdout).not.toContain('have no writer');
  expect(stdout).toContain('this database was laid out with 4 lanes; TOLLKEEPER_LANES=7 changes nothing');
});

test('doctor fails on a data directory that cannot be written, unless nothing has to be kept there', async () => {
  const ledger = await openTestLedger();
  const ownServer = await cliOn(ledger, { TOLLKEEPER_DATA_DIR: '/proc/sys' })('doctor');
  expect(ownServer.stdout).not.toContain('cannot be written');
  const config = parseConfig({ TOLLKEEPER_DATA_DIR: '/proc/sys' });
  expect(await diagnose(config, () => Date.now())).toContainEqual(
    expect.objectContaining({ area: 'disk', status: 'fail', message: '/proc/sys cannot be written' }),
  );
});
