import { expect, test } from 'vitest';
import { createCaseFiles } from '../../src/adapters/postgres/case-files.ts';
import { createDeliveryStore } from '../../src/adapters/postgres/delivery-store.ts';
import { parseConfig } from '../../src/config.ts';
import type { OutgoingMessage } from '../../src/domain/messages/outgoing-message.ts';
import { gatherCases } from '../../src/pipeline/cases/cases.ts';
import { openBooks } from '../../src/wire/books.ts';
import { runCli } from '../support/cli.ts';
import { FREEZING_RULES, frozen } from '../support/frozen-books.ts';
import { START_MS } from '../support/ledger.ts';

const EMAIL = 'kim@customer.example';
const NAME = 'Kim Unforgettable';

function message(messageId: string, data: OutgoingMessage['event']['data'], name = NAME): OutgoingMessage {
  return {
    kind: 'low_balance',
    severity: 'normal',
    messageId,
    subject: `For ${name}`,
    text: `Hi ${name}`,
    html: `<p>${name}</p>`,
    slackBlocks: [{ type: 'section', text: name }],
    event: { type: 'x', data },
    attachments: [],
  };
}

test('erasing leaves no name and no address of an account’s people, and everybody else’s and the books as they were', async () => {
  const ledger = await frozen();
  const { pool } = ledger;
  await ledger.use('beta', [{ id: 'b', dollars: '1', atMs: START_MS, receivedAtMs: START_MS + 900_000_000 }]);
  for (const [account, email] of [
    ['acme', EMAIL],
    ['beta', 'other@customer.example'],
  ])
    await pool.query(
      `insert into account_contact (tenant_id, account_id, email, person_name, language, time_zone, changed_at, changed_by)
       values ('default', $1, $2, $3, 'en', 'UTC', now(), 'test')`,
      [account, email, account === 'acme' ? NAME : 'Bo'],
    );
  const store = createDeliveryStore(pool);
  const to = (target: string) => [{ destination: 'customer' as const, target }];
  await store.queue({ tenant: 'default', message: message('m1', { account: 'acme' }), to: to(EMAIL) }, START_MS);
  await store.queue(
    { tenant: 'default', message: message('m2', { incidents: [{ account: 'beta' }, { account: 'acme' }] }), to: [] },
    START_MS,
  );
  await store.queue(
    { tenant: 'default', message: message('m3', { account: 'beta' }, 'Bo Other'), to: to('other@customer.example') },
    START_MS,
  );
  const cases = createCaseFiles(pool);
  while ((await gatherCases(cases, () => START_MS)) > 0);
  const [file] = await cases.list({ tenant: 'default', limit: 1 });
  await cases.note({
    tenant: 'default',
    caseId: file?.caseId ?? '',
    actor: 'cli:ana',
    nowMs: START_MS,
    key: 'n',
    text: `called ${NAME}`,
  });
  const head = async () => (await pool.query('select lane, last_batch, chain from lane_head order by lane')).rows;
  const before = await head();

  const config = parseConfig({ DATABASE_URL: ledger.connectionString });
  const cli = (...args: readonly string[]) =>
    runCli(['account', 'erase', ...args], {
      now: () => START_MS,
      config: () => config,
      readRules: async () => ({ directory: 'rules', result: { ok: true, ruleset: FREEZING_RULES, warnings: [] } }),
      openBooks: () => openBooks(config, () => undefined),
    });
  const everything = async () => {
    const tables = ['account_contact', 'message', 'delivery', 'dunning_draft', 'case_event', 'audit_log'];
    const rows = await Promise.all(
      tables.map(async (table) => (await pool.query(`select row_to_json(t) from ${table} t`)).rows),
    );
    return JSON.stringify(rows);
  };
  const untouched = await everything();
  const counted = { contact: 1, messages: 2, drafts: 0, notes: 1 };
  expect((await cli('acme', '--reason', 'asked', '--dry-run', '--json')).json()).toMatchObject({
    dryRun: true,
    ...counted,
  });
  expect(await everything()).toBe(untouched);
  expect((await cli('acme', '--reason', 'asked', '--json')).json()).toMatchObject({ dryRun: false, ...counted });
  const left = await everything();
  expect(left).not.toContain(EMAIL);
  expect(left).not.toContain(NAME);
  expect(left).toContain('Bo Other');
  expect((await store.show('default', 'm1'))?.message.text).toBe('(erased)');
  expect((await store.show('default', 'm3'))?.deliveries[0]).toMatchObject({
    target: 'other@customer.example',
    state: 'waiting',
  });
  expect(await store.claim(START_MS + 1, 10, 1_000)).toHaveLength(1);
  expect(await head()).toEqual(before);
  expect((await cli('acme', '--reason', 'again', '--json')).json()).toMatchObject({
    contact: 0,
    messages: 0,
    drafts: 0,
    notes: 0,
  });
  expect((await cli('nobody', '--reason', 'asked')).stderr).toContain('ACCOUNT_NOT_FOUND');
});
