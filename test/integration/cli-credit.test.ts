import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { openBooks } from '../../src/wire/books.ts';
import { readRules } from '../../src/wire/rules.ts';
import { type CliRun, runCli } from '../support/cli.ts';
import { createTestDatabase } from '../support/postgres.ts';

type Cli = (...args: readonly string[]) => Promise<CliRun>;

async function freshCli(): Promise<Cli> {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const config = () => parseConfig({ DATABASE_URL: database.connectionString });
  let keys = 0;
  return (...args) =>
    runCli(args, {
      config,
      newKey: () => `key-${++keys}`,
      readRules: (directory, options) => readRules(directory, options),
      openBooks: () => openBooks(config(), () => undefined),
    });
}

const why = ['--reason', 'a test'];

test('credit with terms is shown in burn order, with what is refundable', async () => {
  const cli = await freshCli();
  await cli('wallet', 'topup', 'acme', '20.00 USD');
  await cli('wallet', 'topup', 'acme', '5', '--promotional', '--expires', '2027-03-01');
  const last = await cli('wallet', 'topup', 'acme', '3', '--priority', '90', '--expires', '2026-03-02T10:00:00Z');
  expect(last).toMatchObject({ exitCode: 0, stderr: '' });
  const shown = await cli('wallet', 'show', 'acme', '--json');
  expect(shown.json()).toMatchObject({
    wallets: [
      {
        posted: '28',
        refundable: '20',
        overdraft: 'default',
        spendLimit: null,
        grants: [
          { source: 'promotional', priority: 20, amount: '5', remaining: '5', expiresAt: '2027-03-01T00:00:00.000Z' },
          { source: 'paid', priority: 90, amount: '3', expiresAt: '2026-03-02T10:00:00.000Z' },
        ],
      },
    ],
  });
  const { stdout } = await cli('wallet', 'show', 'acme');
  expect(stdout).toContain('Refundable   $20.00');
  expect(stdout).toMatch(/promotional {2}\$5\.00 of \$5\.00 {8}20 {2}1 Mar 2027 00:00 UTC/);
});

test('refund, dispute, reinstate and correct, each once per key', async () => {
  const cli = await freshCli();
  await cli('wallet', 'topup', 'acme', '20.00 USD');
  const dry = await cli('wallet', 'refund', 'acme', '5.00 USD', ...why, '--dry-run');
  expect(dry.stdout).toContain('$5.00 refunded. Balance $20.00 → $15.00.\nDry run: nothing was changed.');
  const steps = [
    [['refund', 'acme', '5.00 USD'], '15'],
    [['dispute', 'acme', '20'], '-5'],
    [['reinstate', 'acme', '20'], '15'],
    [['correct', 'acme', '2.50 USD'], '17.5'],
    [['correct', 'acme', '-5 USD'], '12.5'],
    [['correct', 'acme', '-12.75'], '-0.25'],
  ] as const;
  for (const [args, balance] of steps) {
    const command = ['wallet', ...args, ...why, '--key', args.join(' '), '--json'];
    expect((await cli(...command)).json(), args.join(' ')).toMatchObject({ kind: args[0], balance, repeated: false });
    expect((await cli(...command)).json(), args.join(' ')).toMatchObject({ balance, repeated: true });
  }
  const refused = await cli('wallet', 'refund', 'acme', '1', ...why, '--json');
  expect(refused).toMatchObject({ exitCode: 1 });
  expect(refused.json()).toMatchObject({ error: { code: 'REFUND_TOO_LARGE' } });
});

test('limits are set, shown and taken back', async () => {
  const cli = await freshCli();
  await cli('wallet', 'topup', 'acme', '20.00 USD');
  const both = await cli(
    ...['wallet', 'limit', 'acme', '--overdraft', 'none', '--spend', '5.00 USD', '--per', '1h', ...why],
  );
  expect(both.stdout).toContain('may fall to $0.00, and spend $5.00 per 1 hour.');
  expect((await cli('wallet', 'show', 'acme', '--json')).json()).toMatchObject({
    wallets: [{ overdraft: 'none', overdraftLimit: '0', spendLimit: { limit: '5', periodMs: 3_600_000, spent: '0' } }],
  });
  expect((await cli('wallet', 'show', 'acme')).stdout).toContain('May spend    $5.00 per 1 hour');
  const open = await cli('wallet', 'limit', 'acme', '--overdraft', 'unlimited', '--no-spend-limit', ...why, '--json');
  expect(open.json()).toMatchObject({ overdraft: 'unlimited', spendLimit: null, periodMs: null });
  expect((await cli('wallet', 'show', 'acme')).stdout).toContain('May fall to  any balance');
  for (const [text, word, limit] of [
    ['12.5 USD', 'limit', '12.5'],
    ['0', 'none', '0'],
    ['default', 'default', null],
  ] as const) {
    const set = await cli('wallet', 'limit', 'acme', '--overdraft', text, ...why, '--json');
    expect(set.json()).toMatchObject({ overdraft: word, overdraftLimit: limit });
  }
});

test.each([
  [['refund', 'acme', '-5 USD', ...why], 'AMOUNT_INVALID'],
  [['refund', 'acme', '5 USD'], 'CLI_USAGE'],
  [['correct', 'acme', '0', ...why], 'AMOUNT_INVALID'],
  [['correct', 'acme', '-5 dollars', ...why], 'CLI_USAGE'],
  [['correct', 'acme', '5 USD', '--currency', 'EUR', ...why], 'CLI_USAGE'],
  [['limit', 'acme', ...why], 'CLI_USAGE'],
  [['limit', 'acme', '--spend', '5', ...why], 'CLI_USAGE'],
  [['limit', 'acme', '--per', '1h', ...why], 'CLI_USAGE'],
  [['limit', 'acme', '--spend', '5', '--per', '1m', ...why], 'CLI_USAGE'],
  [['limit', 'acme', '--spend', '5', '--per', '1h', '--no-spend-limit', ...why], 'CLI_USAGE'],
  [['limit', 'acme', '--overdraft', '-5', ...why], 'AMOUNT_INVALID'],
  [['topup', 'acme', '5', '--priority', '101'], 'CLI_USAGE'],
  [['topup', 'acme', '5', '--expires', 'tomorrow'], 'CLI_USAGE'],
  [['topup', 'acme', '5', '--expires', '2026-02-30'], 'CLI_USAGE'],
] as const)('wallet %j is a usage error', async (args, code) => {
  const result = await runCli(['wallet', ...args, '--json'], { readRules: (directory) => readRules(directory) });
  expect(result.json()).toMatchObject({ error: { code } });
  expect(result.exitCode).toBe(2);
});

test('an account without a wallet in that currency is not found, a grant whose time is over is refused', async () => {
  const cli = await freshCli();
  await cli('wallet', 'topup', 'acme', '20.00 USD');
  expect((await cli('wallet', 'refund', 'acme', '5 EUR', ...why, '--json')).json()).toMatchObject({
    error: { code: 'WALLET_NOT_FOUND', message: 'acme has no wallet in EUR.' },
  });
  const late = await cli('wallet', 'topup', 'acme', '5', '--expires', '2026-03-02', '--json');
  expect(late.exitCode).toBe(2);
  expect(late.json()).toMatchObject({ error: { code: 'GRANT_EXPIRED' } });
});
