import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createCaseFiles } from '../../src/adapters/postgres/case-files.ts';
import { createMoneyStore } from '../../src/adapters/postgres/stripe/money-store.ts';
import { parseConfig } from '../../src/config.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { gatherCases, resolveCase } from '../../src/pipeline/cases/cases.ts';
import { openBooks } from '../../src/wire/books.ts';
import { runCli } from '../support/cli.ts';
import { codeOf } from '../support/corrections.ts';
import { BURST_HOUR, FREEZING_RULES, frozen } from '../support/frozen-books.ts';
import { runHttp, type TestHttp } from '../support/http.ts';
import { START_MS, type TestLedger } from '../support/ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const NOW = START_MS + (BURST_HOUR + 4) * HOUR_MS;
const now = () => NOW;

async function openCases() {
  const ledger = await frozen();
  const store = createCaseFiles(ledger.pool);
  const money = createMoneyStore(ledger.pool);
  return { ledger, store, money };
}

const moneyCase = (ledger: TestLedger, account: string | null, subject: string) =>
  createMoneyStore(ledger.pool).openCase(
    {
      tenant: account === null ? null : 'default',
      account,
      kind: 'topup_failed',
      subject,
      title: `About ${subject}`,
      detail: {},
    },
    NOW,
  );

describe('what comes up', () => {
  test('gathers into one open case of its account, once, however many look', async () => {
    const { ledger, store } = await openCases();
    await moneyCase(ledger, 'acme', 'one');
    await moneyCase(ledger, 'beta', 'two');
    await moneyCase(ledger, null, 'nobody’s');
    await Promise.all([1, 2, 3, 4].map(() => gatherCases(store, now)));
    while ((await gatherCases(store, now)) > 0);
    const files = await store.list({ tenant: 'default', limit: 10 });
    expect(files.map(({ account }) => account).sort()).toEqual(['acme', 'beta']);
    const acme = files.find(({ account }) => account === 'acme');
    expect(acme).toMatchObject({ severity: 'severe', state: 'open', assignee: null });
    const detail = await store.read('default', acme?.caseId ?? '');
    const alerts = await ledger.queries.alerts({ tenant: 'default', limit: 50 });
    expect(
      detail?.items
        .map(({ ref }) => ref)
        .filter((ref) => ref.startsWith('alt_'))
        .sort(),
    ).toEqual(alerts.map(({ alertId }) => alertId).sort());
    expect(detail?.items.filter(({ kind }) => kind === 'money')).toHaveLength(1);
    expect(detail?.events.filter(({ action }) => action === 'opened')).toHaveLength(1);
    expect(detail?.events).toHaveLength(alerts.length + 1);
    expect(await store.read('other', acme?.caseId ?? '')).toBeUndefined();
  });

  test('after a case was resolved opens the next one', async () => {
    const { ledger, store, money } = await openCases();
    while ((await gatherCases(store, now)) > 0);
    const [first] = await store.list({ tenant: 'default', limit: 1 });
    const by = { tenant: 'default', caseId: first?.caseId ?? '', actor: 'cli:ana', nowMs: NOW };
    await resolveCase(
      { cases: store, admin: ledger.admin, money },
      { ...by, key: 'r1', resolution: 'benign', reason: 'a test' },
    );
    await moneyCase(ledger, 'acme', 'later');
    await gatherCases(store, now);
    const open = await store.list({ tenant: 'default', state: 'open', limit: 10 });
    expect(open.map(({ caseId }) => caseId)).not.toContain(first?.caseId);
    expect(open).toHaveLength(1);
    // One open case for an account: the older one stays resolved.
    expect(await store.reopen({ ...by, key: 'r2', reason: 'again' })).toBe(false);
  });
});

describe('resolving', () => {
  test('closes its alerts and money with the verdict, keeps who and why, and is done once', async () => {
    const { ledger, store, money } = await openCases();
    await moneyCase(ledger, 'acme', 'one');
    while ((await gatherCases(store, now)) > 0);
    const [file] = await store.list({ tenant: 'default', limit: 1 });
    const by = { tenant: 'default', caseId: file?.caseId ?? '', actor: 'cli:ana', nowMs: NOW };
    const resolving = { cases: store, admin: ledger.admin, money };
    const request = { ...by, key: 'r', resolution: 'confirmed_fraud', reason: 'key leaked' } as const;
    const detail = await resolveCase(resolving, request);
    expect(detail.file).toMatchObject({ state: 'resolved', resolution: 'confirmed_fraud', resolvedBy: 'cli:ana' });
    expect(new Set(detail.items.map(({ status }) => status))).toEqual(new Set(['confirmed_fraud', 'closed']));
    expect((await resolveCase(resolving, request)).events).toEqual(detail.events);
    expect(await codeOf(resolveCase(resolving, { ...request, key: 'x', resolution: 'benign' }))).toBe('CASE_STATE');
    expect(await store.assign({ ...by, key: 'a', assignee: 'bob' })).toBe(false);
    expect(await store.note({ ...by, key: 'n', text: 'wrote to them' })).toBe(true);
    expect(await store.reopen({ ...by, key: 'o', reason: 'they object' })).toBe(true);
    expect((await store.read('default', by.caseId))?.file).toMatchObject({
      state: 'open',
      resolution: null,
      dueAtMs: NOW + DAY_MS / 2,
    });
    const { rows } = await ledger.pool.query(
      `select action from audit_log where action like 'case.%' order by audit_id`,
    );
    expect(rows.map(({ action }) => action)).toEqual(['case.resolved', 'case.note', 'case.reopened']);
  });

  test('the same key changes nothing again, and is a conflict for anything else', async () => {
    const { store } = await openCases();
    await gatherCases(store, now);
    const [file] = await store.list({ tenant: 'default', limit: 1 });
    const by = { tenant: 'default', caseId: file?.caseId ?? '', actor: 'cli:ana', nowMs: NOW, key: 'k' };
    await store.note({ ...by, text: 'once' });
    await store.note({ ...by, text: 'once' });
    const notes = (await store.read('default', by.caseId))?.events.filter(({ action }) => action === 'note');
    expect(notes).toHaveLength(1);
    expect(await codeOf(store.note({ ...by, text: 'twice' }))).toBe('IDEMPOTENCY_CONFLICT');
    expect(await codeOf(store.assign({ ...by, assignee: 'ana' }))).toBe('IDEMPOTENCY_CONFLICT');
  });
});

test('case list, show, assign, note, resolve and reopen at the command line', async () => {
  const ledger = await frozen();
  const config = parseConfig({ DATABASE_URL: ledger.connectionString });
  let keys = 0;
  const cli = (...args: readonly string[]) =>
    runCli(['case', ...args], {
      now,
      newKey: () => `cli-${++keys}`,
      config: () => config,
      readRules: async () => ({ directory: 'rules', result: { ok: true, ruleset: FREEZING_RULES, warnings: [] } }),
      openBooks: () => openBooks(config, () => undefined),
    });
  const list = await cli('list', '--json');
  const { cases } = list.json() as { cases: { case: string; account: string; clock: string }[] };
  expect(cases).toMatchObject([{ account: 'acme', severity: 'severe', state: 'open' }]);
  const id = cases[0]?.case ?? '';
  expect((await cli('assign', id, 'ana')).stdout).toContain('ana');
  expect((await cli('list', '--assignee', 'ana')).stdout).toContain(id);
  expect((await cli('list', '--assignee', 'bob')).stdout).toContain('No cases.');
  const noted = await cli('note', id, 'called \u001b[31mthem\u202e');
  expect(noted.stderr).toBe('');
  expect(noted.stdout).toContain('called');
  for (const hidden of ['\u001b', '\u202e']) expect(noted.stdout).not.toContain(hidden);
  expect((await cli('note', id, ' ')).exitCode).toBe(2);
  expect((await cli('resolve', id, '--as', 'benign', '--reason', 'load test')).stdout).toContain('benign');
  expect((await cli('assign', id, 'bob')).stderr).toContain('CASE_STATE');
  expect((await cli('reopen', id, '--reason', 'not so')).stdout).toContain('reopened');
  expect((await cli('show', 'cas_none')).stderr).toContain('CASE_NOT_FOUND');
});

describe('over HTTP', () => {
  let database: TestDatabase;
  let http: TestHttp;
  beforeAll(async () => {
    database = await createTestDatabase();
    http = await runHttp({
      databaseUrl: database.connectionString,
      redisUrl: inject('redisUrl'),
      prefix: `cases-${database.name}`,
      now,
    });
    const money = createMoneyStore(http.engine.pool);
    await http.engine.pool.query(`insert into tenant (tenant_id) values ('northwind') on conflict do nothing`);
    for (const [tenant, account] of [
      ['default', 'acme'],
      ['default', 'beta'],
      ['northwind', 'acme'],
    ] as const)
      await money.openCase(
        { tenant, account, kind: 'k', subject: `${tenant}-${account}`, title: 'T', detail: {} },
        NOW,
      );
    while ((await gatherCases(createCaseFiles(http.engine.pool), now)) > 0);
  });
  afterAll(async () => {
    await http.close();
    await database.drop();
  });

  test('cases are read by their tenant alone, a page at a time, and worked on with a key', async () => {
    const key = await http.key(['support', 'read']);
    const theirs = await http.key(['support', 'read'], { tenant: 'northwind' });
    const first = await http.ask('GET', '/v1/cases?limit=1', { key });
    const page = first.body as { data: { case: string; account: string }[]; next: string };
    expect(page.data).toHaveLength(1);
    const second = (await http.ask('GET', `/v1/cases?limit=1&cursor=${page.next}`, { key })).body as typeof page;
    expect([...page.data, ...second.data].map(({ account }) => account).sort()).toEqual(['acme', 'beta']);
    expect(second.next).toBeNull();
    const id = page.data[0]?.case ?? '';
    expect((await http.ask('GET', `/v1/cases/${id}`, { key: theirs })).status).toBe(404);
    expect((await http.ask('GET', '/v1/cases?cursor=bm9wZQ', { key })).status).toBe(400);
    const note = (text: string, as: string) =>
      http.ask('POST', `/v1/cases/${id}/notes`, { key, body: { text }, idempotencyKey: as });
    expect(await note('looked at it', 'n1')).toMatchObject({ status: 200, body: { case: id, clock: 'in_time' } });
    expect((await note('looked at it', 'n1')).status).toBe(200);
    expect(await note('something else', 'n1')).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_CONFLICT' } });
    expect((await http.ask('POST', `/v1/cases/${id}/notes`, { key, body: { text: 'x' } })).status).toBe(400);
    const assign = { key, body: { assignee: 'ana' }, idempotencyKey: 'a1' };
    expect(await http.ask('POST', `/v1/cases/${id}/assign`, assign)).toMatchObject({ body: { assignee: 'ana' } });
    const resolve = { key, body: { resolution: 'other', reason: 'mended' }, idempotencyKey: 'r1' };
    expect(await http.ask('POST', `/v1/cases/${id}/resolve`, resolve)).toMatchObject({
      status: 200,
      body: { state: 'resolved', resolution: 'other', items: [{ status: 'closed' }] },
    });
    expect((await http.ask('POST', `/v1/cases/${id}/resolve`, resolve)).status).toBe(200);
    expect((await http.ask('POST', `/v1/cases/${id}/assign`, { ...assign, idempotencyKey: 'a2' })).status).toBe(409);
    const reopen = { key, body: { reason: 'again' }, idempotencyKey: 'o1' };
    expect(await http.ask('POST', `/v1/cases/${id}/reopen`, reopen)).toMatchObject({ body: { state: 'open' } });
  });

  test('a key without the scope, or bound to other accounts, sees or changes nothing', async () => {
    const reader = await http.key(['read']);
    const bound = await http.key(['read', 'support'], { accounts: ['gamma'] });
    const { data } = (await http.ask('GET', '/v1/cases', { key: reader })).body as { data: { case: string }[] };
    const id = data[0]?.case ?? '';
    const write = { body: { text: 'x' }, idempotencyKey: 'w1' };
    expect((await http.ask('POST', `/v1/cases/${id}/notes`, { ...write, key: reader })).status).toBe(403);
    expect((await http.ask('GET', '/v1/cases', { key: bound })).status).toBe(403);
    expect((await http.ask('POST', `/v1/cases/${id}/notes`, { ...write, key: bound })).status).toBe(404);
  });
});
