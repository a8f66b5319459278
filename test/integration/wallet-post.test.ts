import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { openBooks } from '../../src/wire/books.ts';
import { readRules } from '../../src/wire/rules.ts';
import { type CliRun, runCli } from '../support/cli.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Stage {
  readonly cli: (...args: readonly string[]) => Promise<CliRun>;
  /** Posts a file with these lines. */
  readonly post: (lines: readonly string[], ...args: readonly string[]) => Promise<CliRun>;
  readonly balance: (account: string) => Promise<unknown>;
}

async function stage(): Promise<Stage> {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const directory = await temporaryDirectory();
  const config = () => parseConfig({ DATABASE_URL: database.connectionString });
  let keys = 0;
  const cli = (...args: readonly string[]) =>
    runCli(args, {
      config,
      newKey: () => `key-${++keys}`,
      readRules: (path, options) => readRules(path, options),
      openBooks: () => openBooks(config(), () => undefined),
    });
  const post = async (lines: readonly string[], ...args: readonly string[]) => {
    const file = join(directory, 'set.csv');
    await writeFile(file, `${lines.join('\n')}\n`);
    return cli('wallet', 'post', file, '--reason', 'a test', ...args);
  };
  const balance = async (account: string) => {
    const shown = (await cli('wallet', 'show', account, '--json')).json() as { wallets: { posted: string }[] };
    return shown.wallets[0]?.posted;
  };
  for (const account of ['acme', 'globex']) await cli('wallet', 'topup', account, '10');
  return { cli, post, balance };
}

const MARCH = ['--at', '2026-03-01'];

test('a file is posted once, however often it is sent', async () => {
  const { post, balance, cli } = await stage();
  const file = ['id,account,amount', 'f1,acme,-4.00', 'f2,globex,2.50 USD', 'f3,acme,"-1"'];
  const first = await post(file, ...MARCH);
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(first.stdout).toContain('Posted 3 of 3 rows: $5.00 charged, $2.50 credited.');
  expect([await balance('acme'), await balance('globex')]).toEqual(['5', '12.5']);
  const again = await post(file, ...MARCH, '--json');
  expect(again.json()).toMatchObject({ rows: 3, posted: 0, duplicate: 3, refused: 0, problems: [] });
  expect([await balance('acme'), await balance('globex')]).toEqual(['5', '12.5']);
  expect(await cli('ledger', 'verify')).toMatchObject({ exitCode: 0 });
});

test('a file with bad lines is refused whole, and every bad line is named', async () => {
  const { post, balance, cli } = await stage();
  await cli('wallet', 'freeze', 'globex', '--hours', '2', '--reason', 'a test');
  const file = [
    'id,account,amount,at',
    'f1,acme,-4.00,2026-03-01',
    'f2,acme,four,2026-03-01',
    'f3,nobody,-1,2026-03-01',
    'f4,globex,-1,2026-03-01',
    'f5,acme,-900,2026-03-01',
    'f6,acme,-1 EUR,2026-03-01',
    'f7,acme,-1,yesterday',
    'f1,acme,-4.00,2026-03-01',
    ',acme,-1,2026-03-01',
    'f8,acme,-1',
    'f9,acme,-1,2031-03-01',
    'f0,\u202eacme,0.0000000001,2026-03-01',
  ];
  const run = await post(file, '--json');
  expect(run.exitCode).toBe(1);
  const { problems, posted, refused } = run.json() as {
    problems: { line: number; code: string }[];
    posted: number;
    refused: number;
  };
  expect(problems.map(({ line, code }) => `${line} ${code}`)).toEqual([
    '3 amount',
    '4 unknown_wallet',
    '5 frozen',
    '6 short',
    '7 amount',
    '8 at',
    '9 twice',
    '10 id',
    '11 unreadable',
    '12 at',
    '13 account',
  ]);
  expect([posted, refused]).toEqual([0, 11]);
  expect(await balance('acme')).toBe('10');
  const text = await post(file);
  expect(text.stdout).toContain('line 6 acme: short: the charge does not fit the balance and the overdraft limit');
  expect(text.stdout).toContain('Nothing was changed.');
  expect(text.stdout).not.toContain('\u202e');
});

test('with --partial what fits is posted, and a dry run posts nothing', async () => {
  const { post, balance } = await stage();
  const file = ['id,account,amount', 'f1,acme,-4.00', 'f2,nobody,-1', 'f3,acme,-900'];
  const dry = await post(file, ...MARCH, '--dry-run');
  expect(dry.exitCode).toBe(1);
  expect(dry.stdout).toContain('Would post 1 of 3 rows: $4.00 charged, $0.00 credited.\nDry run: nothing was changed.');
  expect(await balance('acme')).toBe('10');
  const run = await post(file, ...MARCH, '--partial');
  expect(run.exitCode).toBe(1);
  expect(run.stdout).toContain('Posted 1 of 3 rows');
  expect(await balance('acme')).toBe('6');
});

test('rows of one account are judged in order, across the whole file', async () => {
  const { post, balance } = await stage();
  const rows = Array.from({ length: 6_000 }, (_, index) => `r${index},acme,${index === 0 ? '-0.001' : '-0.01'}`);
  // 10 and the overdraft limit do not reach for 60.
  const run = await post(['id,account,amount', ...rows], ...MARCH, '--json');
  expect(run.exitCode).toBe(1);
  expect(await balance('acme')).toBe('10');
  const fits = await post(['id,account,amount', 'c,acme,60', ...rows], ...MARCH, '--json');
  expect(fits.json()).toMatchObject({ posted: 6_001, refused: 0 });
  expect(await balance('acme')).toBe('10.009');
});

test('a file without its columns, or without any date, says which', async () => {
  const { post } = await stage();
  const none = await post(['id,account,amount', 'f1,acme,-4']);
  expect(none.exitCode).toBe(2);
  expect(none.stderr).toContain('no column for at');
  expect(none.stderr).toContain('--at');
  const bare = await post(['f1,acme,-4'], ...MARCH);
  expect(bare.exitCode).toBe(2);
  expect(bare.stderr).toContain('no column for id, account, amount');
});
