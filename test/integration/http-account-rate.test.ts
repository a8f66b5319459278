import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runHttp, type TestHttp } from '../support/http.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let http: TestHttp;
let nowMs = Date.UTC(2026, 2, 2, 12);

beforeAll(async () => {
  database = await createTestDatabase();
  http = await runHttp({
    databaseUrl: database.connectionString,
    redisUrl: inject('redisUrl'),
    prefix: `rate-${database.name}`,
    now: () => nowMs,
    edge: { accountRequestsPerMinute: 3 },
  });
});

afterAll(async () => {
  await http.close();
  await database.drop();
});

test('requests about one account are limited over all keys, others are served, and usage is never turned away', async () => {
  const keys = await Promise.all([http.key(['support', 'ingest']), http.key(['support', 'ingest'])]);
  const [key = ''] = keys;
  const credit = (account: string, idempotencyKey: string, as = key) =>
    http.ask('POST', `/v1/accounts/${account}/credits`, { key: as, body: { amount: '5.00' }, idempotencyKey });
  for (const [at, as] of [...keys, key].entries()) expect((await credit('acme', `c${at}`, as)).status).toBe(200);
  const held = { hold: 'h1', account: 'acme', amount: '0.10' };
  for (const as of keys) {
    const answer = await http.ask('POST', '/v1/holds', { key: as, body: held });
    expect(answer).toMatchObject({ status: 429, body: { code: 'TOO_MANY_REQUESTS' } });
    expect(Number(answer.headers.get('retry-after'))).toBe(60);
  }
  expect((await http.ask('GET', '/v1/wallets/acme', { key })).status).toBe(429);
  expect((await credit('zeta', 'z1')).status).toBe(200);
  const stranger = await http.key(['support'], { tenant: 'northwind' });
  expect((await credit('acme', 'n1', stranger)).status).toBe(200);
  for (let at = 0; at < 5; at++) {
    const occurredAt = '2026-03-02T11:59:00Z';
    const event = {
      id: `u${at}`,
      source: 'gateway',
      account: 'acme',
      meter: 'output_tokens',
      quantity: '1',
      occurredAt,
    };
    expect((await http.ask('POST', '/v1/events?wait=true', { key, body: event })).status).toBe(200);
  }
  nowMs += 60_000;
  expect((await http.ask('POST', '/v1/holds', { key, body: held })).status).toBe(201);
  for (let at = 0; at < 2; at++) expect((await http.ask('GET', '/v1/wallets/acme', { key })).status).toBe(200);
  expect((await http.ask('GET', '/v1/wallets/acme', { key })).status).toBe(429);
  // What was let through is settled, however much else was asked meanwhile.
  const captured = await http.ask('POST', '/v1/holds/h1/capture', { key, body: { account: 'acme', amount: '0.05' } });
  expect(captured.status).toBe(200);
});

test('a key that may not name an account uses up nothing of it', async () => {
  const bound = await http.key(['support'], { accounts: ['other'] });
  const key = await http.key(['support']);
  for (let at = 0; at < 10; at++) await http.ask('GET', '/v1/wallets/fresh', { key: bound });
  const body = { amount: '5.00' };
  const answer = await http.ask('POST', '/v1/accounts/fresh/credits', { key, body, idempotencyKey: 'fresh' });
  expect(answer.status).toBe(200);
});
