import { expect, inject, test } from 'vitest';
import { createApprovals } from '../../src/adapters/postgres/approvals.ts';
import { parseConfig } from '../../src/config.ts';
import { APPROVAL_MS } from '../../src/domain/approvals/approval.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { approve, type FourEyes, freezeOrAsk, refuse, thawOrAsk } from '../../src/pipeline/approvals/four-eyes.ts';
import { openBooks } from '../../src/wire/books.ts';
import { runCli } from '../support/cli.ts';
import { codeOf } from '../support/corrections.ts';
import { BURST_HOUR, FREEZING_RULES, frozen } from '../support/frozen-books.ts';
import { runHttp } from '../support/http.ts';
import { START_MS } from '../support/ledger.ts';
import { createTestDatabase } from '../support/postgres.ts';

const NOW = START_MS + (BURST_HOUR + 4) * HOUR_MS;
const { overdraftNanos } = FREEZING_RULES;
const wallet = { tenant: 'default', name: 'acme' };
const ana = { actor: 'cli:ana@one', nowMs: NOW, dryRun: false };

async function open({ aboveNanos }: Pick<FourEyes, 'aboveNanos'> = { aboveNanos: 0n }) {
  const ledger = await frozen();
  const approvals = createApprovals(ledger.pool);
  const admin = ledger.admin;
  const thaw = (key: string, over = {}) =>
    thawOrAsk(
      admin,
      { approvals, aboveNanos },
      { ...ana, key, wallet, usage: 'post', reason: 'ok', overdraftNanos, ...over },
    );
  const freeze = (key: string, hours = 500) =>
    freezeOrAsk(admin, { approvals, aboveNanos }, { ...ana, key, wallet, hours, reason: 'ok' });
  const status = async () => (await admin.findWallets(wallet))[0]?.status;
  const only = async () => (await approvals.list({ tenant: 'default', limit: 10 }))[0]?.approvalId ?? '';
  const by = (approvalId: string, actor: string, nowMs = NOW) => ({
    ...{ tenant: 'default', approvalId, actor, nowMs, overdraftNanos },
  });
  const audit = async () =>
    (await ledger.pool.query(`select action, actor from audit_log where action like 'approval.%' order by 1`)).rows;
  return { ledger, admin, approvals, thaw, freeze, status, only, by, audit };
}

test('a thaw above the limit changes nothing until somebody else approves it, once', async () => {
  const { admin, approvals, thaw, status, only, by, audit } = await open();
  await expect(thaw('t1')).rejects.toThrow(/takes two people. It waits as apr_/);
  expect(await codeOf(thaw('t1'))).toBe('APPROVAL_NEEDED');
  expect(await codeOf(thaw('t1', { usage: 'void' }))).toBe('IDEMPOTENCY_CONFLICT');
  expect(await approvals.list({ tenant: 'default', limit: 10 })).toHaveLength(1);
  expect(await status()).toBe('frozen');
  const id = await only();
  for (const actor of ['cli:ana@one', 'cli:Ana@two']) {
    expect(await codeOf(approve({ admin, approvals }, by(id, actor)))).toBe('APPROVAL_SAME_PERSON');
  }
  expect(await codeOf(approve({ admin, approvals }, { ...by(id, 'cli:bob@one'), tenant: 'other' }))).toBe(
    'APPROVAL_NOT_FOUND',
  );
  expect(await status()).toBe('frozen');
  const both = await Promise.all([1, 2].map(() => approve({ admin, approvals }, by(id, 'cli:bob@one'))));
  expect(both.map(({ result }) => result.isRepeated).sort()).toEqual([false, true]);
  expect(both[0]?.change).toMatchObject({ state: 'done', askedBy: 'cli:ana@one', decidedBy: 'cli:bob@one' });
  expect(await status()).toBe('active');
  // The first request sent again is answered with what was done.
  expect(await thaw('t1')).toMatchObject({ isRepeated: true, status: 'active' });
  expect(await codeOf(refuse(approvals, by(id, 'cli:bob@one')))).toBe('APPROVAL_STATE');
  expect(await audit()).toEqual([
    { action: 'approval.approved', actor: 'cli:bob@one' },
    { action: 'approval.asked', actor: 'cli:ana@one' },
  ]);
});

test('an approval that was cut off before its change is carried out when it is sent again', async () => {
  const { admin, approvals, thaw, status, only, by } = await open();
  expect(await codeOf(thaw('t1'))).toBe('APPROVAL_NEEDED');
  const id = await only();
  const bob = by(id, 'cli:bob@one');
  await approvals.decide({ ...bob, as: 'approved' });
  expect(await status()).toBe('frozen');
  await approve({ admin, approvals }, bob);
  expect(await status()).toBe('active');
});

test('a freeze above the limit waits too, and what is refused or a day old never happens', async () => {
  const { admin, approvals, freeze, thaw, only, by, ledger } = await open();
  expect(await codeOf(freeze('f1'))).toBe('APPROVAL_NEEDED');
  const id = await only();
  expect(await codeOf(approve({ admin, approvals }, by(id, 'cli:bob@one', NOW + APPROVAL_MS)))).toBe('APPROVAL_STATE');
  await refuse(approvals, by(id, 'cli:ana@one'));
  expect(await codeOf(approve({ admin, approvals }, by(id, 'cli:bob@one')))).toBe('APPROVAL_STATE');
  expect(await codeOf(freeze('f1'))).toBe('APPROVAL_STATE');
  expect(await codeOf(thaw('t1', { dryRun: true }))).toBe('APPROVAL_NEEDED');
  expect(await approvals.list({ tenant: 'default', state: 'pending', limit: 10 })).toEqual([]);
  // The database itself refuses that who asked approves.
  const forced = ledger.pool.query(`update approval set state = 'approved', decided_by = asked_by`);
  await expect(forced).rejects.toThrow(/approval_second_person/);
});

test('below the limit, and without one, a single person is enough', async () => {
  for (const aboveNanos of [10n ** 15n, undefined]) {
    const { thaw, status, approvals } = await open({ aboveNanos });
    await thaw('t1');
    expect(await status()).toBe('active');
    expect(await approvals.list({ tenant: 'default', limit: 10 })).toEqual([]);
  }
});

test('at the command line one asks and another approves', async () => {
  const { ledger, status } = await open();
  const config = parseConfig({ DATABASE_URL: ledger.connectionString, TOLLKEEPER_FOUR_EYES_ABOVE: '0.50' });
  const as = (actor: string, ...args: string[]) =>
    runCli(args, {
      actor,
      now: () => NOW,
      config: () => config,
      openBooks: () => openBooks(config, () => undefined),
      readRules: async () => ({ directory: 'rules', result: { ok: true, ruleset: FREEZING_RULES, warnings: [] } }),
    });
  const asked = await as('cli:ana@one', 'wallet', 'thaw', 'acme', '--reason', 'customer confirmed');
  expect(asked).toMatchObject({ exitCode: 1 });
  const [id = ''] = /apr_\w+/.exec(asked.stderr) ?? [];
  const listed = await as('cli:bob@one', 'approval', 'list', '--json');
  expect(listed.json()).toMatchObject({ approvals: [{ approval: id, state: 'pending', account: 'acme' }] });
  expect((await as('cli:bob@one', 'approval', 'list')).stdout).toContain('thaw, keep usage');
  expect((await as('cli:ana@one', 'approval', 'approve', id)).stderr).toContain('APPROVAL_SAME_PERSON');
  expect((await as('cli:bob@one', 'approval', 'approve', id)).stdout).toContain('is active');
  expect((await as('cli:bob@one', 'approval', 'approve', 'apr_none')).stderr).toContain('APPROVAL_NOT_FOUND');
  expect((await as('cli:bob@one', 'approval', 'refuse', id)).stderr).toContain('APPROVAL_STATE');
  expect((await as('cli:bob@one', 'approval', 'list')).stdout).toContain('Nothing waits');
  expect(await status()).toBe('active');
});

test('HTTP is held to the same limit', async () => {
  const database = await createTestDatabase();
  const http = await runHttp({
    databaseUrl: database.connectionString,
    redisUrl: inject('redisUrl'),
    prefix: `approvals-${database.name}`,
    edge: { fourEyesAboveNanos: 100_000_000_000n },
  });
  try {
    const key = await http.key(['support', 'read']);
    const ask = (path: string, body: unknown, as: string) => http.ask('POST', path, { key, body, idempotencyKey: as });
    const credit = (account: string, amount: string) =>
      ask(`/v1/accounts/${account}/credits`, { amount, reason: 'paid' }, `c-${account}`);
    expect((await credit('small', '100.00')).status).toBe(200);
    expect((await credit('large', '100.01')).status).toBe(200);
    const freeze = (account: string) =>
      ask(`/v1/wallets/${account}/freeze`, { hours: 2, reason: 'look' }, `f-${account}`);
    expect(await freeze('small')).toMatchObject({ status: 200 });
    expect(await freeze('large')).toMatchObject({ status: 403, body: { code: 'APPROVAL_NEEDED' } });
    expect(await http.ask('GET', '/v1/wallets/large', { key })).toMatchObject({ body: { status: 'active' } });
    const thaw = { usage: 'keep', reason: 'fine' };
    expect(await ask('/v1/wallets/small/thaw', thaw, 't-small')).toMatchObject({ status: 200 });
  } finally {
    await http.close();
    await database.drop();
  }
});
