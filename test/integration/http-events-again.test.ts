import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createRequestAnswers } from '../../src/adapters/postgres/request-answers.ts';
import { AnsweredRequests } from '../../src/pipeline/ingest/answered-requests.ts';
import { runHttp, type TestHttp } from '../support/http.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let http: TestHttp;
let key: string;
const now = () => Date.UTC(2026, 2, 2, 12);

beforeAll(async () => {
  database = await createTestDatabase();
  http = await runHttp({
    databaseUrl: database.connectionString,
    redisUrl: inject('redisUrl'),
    prefix: `again-${database.name}`,
    now,
  });
  key = await http.key(['ingest', 'support']);
});

afterAll(async () => {
  await http.close();
  await database.drop();
});

const event = (id: string, quantity = '1') => ({
  id,
  source: 'gateway',
  account: 'acme',
  meter: 'output_tokens',
  quantity,
  occurredAt: '2026-03-02T11:59:00Z',
});

const send = (body: unknown, idempotencyKey: string | undefined, path = '/v1/events?wait=true', as = key) =>
  http.ask('POST', path, { key: as, body, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) });

test('the same usage under the same key is answered as before, other usage is a conflict and is not taken', async () => {
  const first = await send([event('a1'), event('a2', '-1')], 'one');
  expect(first).toMatchObject({ status: 200, body: { counts: { posted: 1, rejected: 1, duplicate: 0 } } });
  const again = await send([event('a1'), event('a2', '-1')], 'one');
  expect(again).toMatchObject({ status: 200, body: first.body });
  const other = await send([event('a1'), event('a3')], 'one');
  expect(other).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_CONFLICT' } });
  expect((await send(event('a3'), undefined)).body).toMatchObject({ counts: { posted: 1 } });
  // Without a key the events are known all the same.
  expect((await send(event('a1'), undefined)).body).toMatchObject({ counts: { duplicate: 1 } });
});

test('usage that is kept for later has one job under its key', async () => {
  const first = await send(event('b1'), 'later', '/v1/events');
  expect(first.status).toBe(202);
  const again = await send(event('b1'), 'later', '/v1/events');
  expect(again).toMatchObject({ status: 202, body: first.body });
  expect(again.headers.get('location')).toBe(first.headers.get('location'));
  expect((await send(event('b2'), 'later', '/v1/events')).status).toBe(409);
});

test('twins at the same moment have one answer', async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => send([event('c1'), event('c2')], 'twins')));
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 200, body: { counts: { posted: 2, duplicate: 0 } } });
  }
});

test('keys of tenants, and keys of changes to wallets, do not meet those of usage', async () => {
  const stranger = await http.key(['ingest'], { tenant: 'northwind' });
  expect((await send(event('d1'), 'shared')).body).toMatchObject({ counts: { posted: 1 } });
  expect((await send(event('d2'), 'shared', undefined, stranger)).body).toMatchObject({ counts: { posted: 1 } });
  const frozen = await http.ask('POST', '/v1/wallets/acme/freeze', {
    key,
    body: { hours: 1, reason: 'test' },
    idempotencyKey: 'shared',
  });
  expect(frozen).toMatchObject({ status: 200 });
  expect((await send(event('d1'), 'shared')).body).toMatchObject({ counts: { posted: 1 } });
});

test('a key that may name other accounts makes another request of the same body', async () => {
  const bound = await http.key(['ingest'], { accounts: ['zeta'] });
  expect((await send(event('e1'), 'bound')).status).toBe(200);
  expect((await send(event('e1'), 'bound', undefined, bound)).status).toBe(409);
});

test('bad keys are refused by name', async () => {
  for (const bad of ['x'.repeat(129), 'a b']) {
    expect(await send(event('f1'), bad)).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
  }
});

test('a request that was turned away frees its key, one that broke off is carried out again', async () => {
  const answers = createRequestAnswers(http.engine.pool);
  const requests = () => new AnsweredRequests({ answers, now });
  const request = (content: string) => ({ tenant: 'default', key: 'broken', content });
  const fail = (message: string) => async () => {
    throw new Error(message);
  };
  const isBusy = (error: unknown) => error instanceof Error && error.message === 'busy';
  const once = (content: string, work: () => Promise<unknown>) =>
    requests().once(request(content), (answer) => answer, work, isBusy);
  await expect(once('one', fail('busy'))).rejects.toThrow('busy');
  await expect(once('two', fail('torn'))).rejects.toThrow('torn');
  await expect(once('three', async () => 3)).rejects.toThrow('another request');
  expect(await once('two', async () => ({ n: 2 }))).toEqual({ n: 2 });
  expect(await once('two', fail('not asked again'))).toEqual({ n: 2 });
});

test('no key sent over HTTP can take the name of a change that the service itself makes', async () => {
  const names = ['stripe-radar.early_fraud_warning-issfr_1', 'expire-77-3', 'lift-77-1', 'dunning-dun_1-50'];
  for (const name of names) {
    const body = { amount: '1.00' };
    const answer = await http.ask('POST', '/v1/accounts/own/credits', { key, body, idempotencyKey: name });
    expect(answer.status).toBe(200);
    const again = await http.ask('POST', '/v1/accounts/own/credits', { key, body, idempotencyKey: name });
    expect(again).toMatchObject({ status: 200, body: { repeated: true } });
  }
  const { rows } = await http.engine.pool.query('select from admin_request where idempotency_key = any($1)', [names]);
  expect(rows).toEqual([]);
});
