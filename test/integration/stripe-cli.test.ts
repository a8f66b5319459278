import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { startStripeSandbox } from '../../src/stripe-sandbox/sandbox.ts';
import { openBooks } from '../../src/wire/books.ts';
import { readRules } from '../../src/wire/rules.ts';
import { type CliRun, runCli } from '../support/cli.ts';
import { createTestDatabase } from '../support/postgres.ts';

async function freshCli(environment: Readonly<Record<string, string>> = {}) {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const sandbox = await startStripeSandbox({ now: Date.now, webhooks: 'manual' });
  onTestFinished(() => sandbox.close());
  const stripe = { STRIPE_SECRET_KEY: 'sk_test_sandbox', STRIPE_API_URL: sandbox.url };
  const config = () => parseConfig({ DATABASE_URL: database.connectionString, ...stripe, ...environment });
  let keys = 0;
  const cli = (...args: readonly string[]): Promise<CliRun> =>
    runCli(args, {
      config,
      now: Date.now,
      newKey: () => `key-${++keys}`,
      readRules: (directory, options) => readRules(directory, options),
      openBooks: () => openBooks(config(), () => undefined),
    });
  return { cli, sandbox };
}

test('a dry run of a page checks the request and leaves nothing behind, here or at Stripe', async () => {
  const { cli, sandbox } = await freshCli();
  const dry = (...more: string[]) => cli('topup', 'checkout', 'acme', ...more, '--dry-run');
  const first = await dry('50.00 USD', '--json');
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(first.json()).toMatchObject({ dryRun: true, account: 'acme', amount: '50', customer: null, topup: null });
  expect((await dry('50')).stdout).toContain('A customer would be made at Stripe.');
  expect(sandbox.world.customers.all()).toEqual([]);
  expect((await cli('topup', 'list')).stdout).toContain('No top-ups.');
  expect(await dry('0.001')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('smallest unit') });
  const begun = await cli('topup', 'checkout', 'acme', '50', '--key', 'one', '--json');
  const { topup } = begun.json() as { readonly topup: string };
  expect((await dry('50', '--key', 'one', '--json')).json()).toMatchObject({
    topup,
    customer: expect.stringMatching(/^cus_/),
  });
  expect(await dry('51', '--key', 'one')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('was used') });
});

test('a top-up from page to credit, and an automatic one', async () => {
  const { cli, sandbox } = await freshCli();
  const begun = await cli('topup', 'checkout', 'acme', '50.00 USD', '--json');
  expect(begun).toMatchObject({ exitCode: 0, stderr: '' });
  const { topup, checkoutSession } = begun.json() as { readonly topup: string; readonly checkoutSession: string };
  sandbox.control.pay(checkoutSession, { card: 'pm_card_visa' });
  const filled = await cli('stripe', 'backfill', '--json');
  expect(filled.json()).toMatchObject({ missed: expect.any(Number), isCut: false });
  expect((await cli('stripe', 'status')).stdout).toMatch(/Events +[1-9]\d* waiting, 0 done/);
  const list = await cli('topup', 'list', '--account', 'acme');
  expect(list.stdout).toContain('awaiting customer');
  const shown = await cli('topup', 'show', topup);
  expect(shown.stdout).toContain('Pay at');

  const nothing = await cli('topup', 'auto', 'acme');
  expect(nothing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('No automatic top-up is set') });
  const set = await cli('topup', 'auto', 'acme', '--below', '10', '--amount', '50', '--json');
  expect(set.json()).toMatchObject({ on: true, below: '10', amount: '50', dailyCap: '500', burst: 3 });
  expect((await cli('topup', 'auto', 'acme', '--daily-cap', '40')).stderr).toContain('daily cap is below one amount');
  expect((await cli('topup', 'auto', 'acme', '--off')).stdout).toMatch(/State +off/);
  expect((await cli('topup', 'auto', 'acme', '--resume')).stdout).toMatch(/State +on/);
  expect((await cli('topup', 'auto')).stdout).toContain('acme');
});

test('a set-up that says what to do, and an account before Radar', async () => {
  const { cli, sandbox } = await freshCli();
  const setUp = await cli('stripe', 'setup', 'radar');
  expect(setUp.stdout).toContain('Review if :customer: in @usage_anomaly_review');
  expect((await cli('stripe', 'setup', 'radar', '--json')).json()).toMatchObject({ effect: 'unknown' });
  const url = 'https://billing.example.com/webhooks/stripe';
  const webhook = await cli('stripe', 'setup', 'webhook', '--url', url);
  expect(webhook.stdout).toContain('STRIPE_WEBHOOK_SECRET=whsec_');
  expect((await cli('stripe', 'setup', 'webhook', '--url', url)).stdout).not.toContain('whsec_');
  expect((await cli('stripe', 'setup', 'webhook', '--url', 'nowhere')).exitCode).toBe(2);

  const put = ['radar', 'put', 'acme', '--reason', 'case 118'];
  expect((await cli(...put)).stdout).toContain('no Stripe customer');
  await cli('topup', 'checkout', 'acme', '50');
  expect((await cli(...put)).stdout).toContain("on Radar's list usage_anomaly_review");
  expect(sandbox.world.valueListItems.all()).toHaveLength(1);
  expect((await cli('radar', 'list')).stdout).toContain('listed');
  expect((await cli('radar', 'remove', 'acme', '--reason', 'benign')).exitCode).toBe(0);
  expect(sandbox.world.valueListItems.all()).toEqual([]);
  expect((await cli('radar', 'remove', 'acme', '--reason', 'benign')).exitCode).toBe(1);
});

test('cases are listed and closed once', async () => {
  const { cli } = await freshCli();
  expect((await cli('stripe', 'cases')).stdout).toContain('No cases.');
  expect(await cli('stripe', 'close', 'cas_none', '--reason', 'x')).toMatchObject({ exitCode: 1 });
  expect(await cli('topup', 'show', 'top_none')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('TOPUP_NOT_FOUND'),
  });
  expect(await cli('topup', 'approve', 'top_none', '--reason', 'x')).toMatchObject({ exitCode: 1 });
});

test('without a key everything says so, and what needs no Stripe still works', async () => {
  const { cli } = await freshCli({ STRIPE_SECRET_KEY: '' });
  expect(await cli('topup', 'checkout', 'acme', '50')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('STRIPE_OFF'),
  });
  expect((await cli('stripe', 'status')).stdout).toContain('off: STRIPE_SECRET_KEY is not set');
  expect((await cli('topup', 'list')).stdout).toContain('No top-ups.');
});
