import { expect, test } from 'vitest';
import { createDeliveryStore } from '../../src/adapters/postgres/delivery-store.ts';
import { parseConfig } from '../../src/config.ts';
import { deliverDue } from '../../src/pipeline/delivery/deliver.ts';
import { openBooks } from '../../src/wire/books.ts';
import { createDelivery } from '../../src/wire/delivery.ts';
import { runCli } from '../support/cli.ts';
import { startReceiver } from '../support/delivery.ts';
import { FREEZING_RULES } from '../support/frozen-books.ts';
import { openTestLedger, START_MS, type TestLedger } from '../support/ledger.ts';

function cliOn(ledger: TestLedger, settings: Readonly<Record<string, string>>) {
  const config = parseConfig({
    DATABASE_URL: ledger.connectionString,
    TOLLKEEPER_NOTIFY_PRIVATE: 'allow',
    ...settings,
  });
  return (...args: readonly string[]) =>
    runCli(['notify', ...args], {
      now: () => START_MS,
      config: () => config,
      readRules: () =>
        Promise.resolve({ directory: 'rules', result: { ok: true, ruleset: FREEZING_RULES, warnings: [] } }),
      openBooks: () => openBooks(config, () => undefined),
    });
}

test('a test message says of every channel whether it arrived, without its secret', async () => {
  const ledger = await openTestLedger();
  const slack = await startReceiver((response) => response.writeHead(404).end('no_team at /services/T0/secretpart'));
  const hook = await startReceiver();
  const cli = cliOn(ledger, {
    TOLLKEEPER_SLACK_URL: `${slack.url}/services/T0/secretpart`,
    TOLLKEEPER_WEBHOOK_URL: hook.url,
    TOLLKEEPER_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
  });
  const run = await cli('test', '--json');
  expect(run.exitCode).toBe(1);
  expect(run.json()).toMatchObject({
    results: [
      { destination: 'slack', delivered: false, because: expect.stringContaining('answered 404') },
      { destination: 'webhook', delivered: true, because: null },
    ],
  });
  // The receiver has repeated the address, which is the secret.
  expect(run.stdout + run.stderr).not.toContain('secretpart');
  expect((await cli('test', '--to', 'webhook')).exitCode).toBe(0);
  expect((await cli('test', '--to', 'mail')).stderr).toContain('NOTIFY_OFF');
  expect((await cliOn(ledger, {})('test')).stderr).toContain('NOTIFY_OFF');
});

test('messages are listed, shown as they were sent, and sent again after they were given up', async () => {
  const ledger = await openTestLedger();
  const hook = await startReceiver((response) => response.writeHead(410).end());
  const settings = {
    TOLLKEEPER_WEBHOOK_URL: hook.url,
    TOLLKEEPER_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
  };
  const cli = cliOn(ledger, settings);
  const message = {
    kind: 'alert',
    severity: 'severe',
    messageId: 'incident-1',
    subject: 'Wallet frozen: acme',
    text: 'What happened \u001b[31m',
    html: '<p>What happened</p>',
    slackBlocks: [],
    event: { type: 'alert.raised', data: {} },
    attachments: [],
  } as const;
  const store = createDeliveryStore(ledger.pool);
  await store.queue({ tenant: 'default', message, to: [{ destination: 'webhook', target: null }] }, START_MS);
  const config = parseConfig({ ...settings, TOLLKEEPER_NOTIFY_PRIVATE: 'allow' });
  await deliverDue(createDelivery(ledger.pool, { config, ruleset: () => FREEZING_RULES, now: () => START_MS }));
  const list = await cli('list', '--state', 'dead');
  expect(list.stdout).toContain('incident-1');
  expect(list.stdout).toContain('answered 410');
  expect((await cli('show', 'incident-1')).stdout).toContain('What happened');
  expect((await cli('show', 'nothing')).stderr).toContain('MESSAGE_NOT_FOUND');
  expect((await cli('replay', 'nothing')).stderr).toContain('MESSAGE_NOT_FOUND');
  expect((await cli('replay', '--json')).json()).toEqual({ replayed: 1 });
  expect((await cli('list', '--json')).json()).toMatchObject({ deliveries: [{ state: 'waiting', attempts: 0 }] });
});
