import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createArchiveFiles } from '../../src/adapters/archive-files.ts';
import { createQueries } from '../../src/adapters/postgres/queries/queries.ts';
import { runHttp, type TestHttp } from '../support/http.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { until } from '../support/run-service.ts';

let database: TestDatabase;
let http: TestHttp;
let key: string;
const now = () => Date.UTC(2026, 2, 2, 12);

beforeAll(async () => {
  database = await createTestDatabase();
  http = await runHttp({
    databaseUrl: database.connectionString,
    redisUrl: inject('redisUrl'),
    prefix: `http-${database.name}`,
    now,
  });
  key = await http.key(['ingest', 'read']);
});

afterAll(async () => {
  await http.close();
  await database.drop();
});

const event = (id: string, more: Readonly<Record<string, unknown>> = {}) => ({
  id,
  source: 'gateway',
  account: 'acme',
  meter: 'output_tokens',
  quantity: '1',
  occurredAt: '2026-03-02T11:59:00Z',
  ...more,
});

const cloudEvent = (id: string, more: Readonly<Record<string, unknown>> = {}) => ({
  specversion: '1.0',
  id,
  source: 'gateway',
  type: 'output_tokens',
  subject: 'acme',
  time: '2026-03-02T11:59:00Z',
  data: { quantity: '1' },
  ...more,
});

const send = (body: unknown, type?: string, path = '/v1/events?wait=true') =>
  http.ask('POST', path, { key, body, ...(type === undefined ? {} : { type }) });

/** Tenants that have posted an event of this id. */
async function tenantsOf(id: string): Promise<readonly string[]> {
  const queries = createQueries(http.engine.pool, createArchiveFiles([]));
  const tenants = ['default', 'northwind'];
  const found = await Promise.all(tenants.map((tenant) => queries.findEvent(id, { tenant })));
  return tenants.filter((_, index) => found[index]?.status === 'posted');
}

describe('every form of usage', () => {
  test.each([
    ['one event', event('a1'), undefined, ['a1']],
    ['a list', [event('b1'), event('b2')], undefined, ['b1', 'b2']],
    ['a list with a name', { events: [event('c1'), event('c2')] }, undefined, ['c1', 'c2']],
    ['a queue job', { v: 1, events: [event('d1')] }, undefined, ['d1']],
    ['one CloudEvent', cloudEvent('e1'), 'application/cloudevents+json', ['e1']],
    ['CloudEvents', [cloudEvent('f1'), cloudEvent('f2')], 'application/cloudevents-batch+json', ['f1', 'f2']],
    [
      'lines',
      [event('g1'), event('g2')].map((one) => JSON.stringify(one)).join('\r\n\n'),
      'application/x-ndjson',
      ['g1', 'g2'],
    ],
  ])('%s is posted, and sent again is known', async (_, body, type, ids) => {
    const answer = await send(body, type);
    expect(answer).toMatchObject({
      status: 200,
      body: { results: ids.map((id) => ({ id, status: 'posted' })), counts: { posted: ids.length, rejected: 0 } },
    });
    const again = await send(body, type);
    expect(again.body).toMatchObject({ counts: { posted: 0, duplicate: ids.length } });
  });

  test('a CloudEvent is the usage event that its attributes say', async () => {
    const data = { meter: 'output_tokens', account: 'zeta', quantity: 2, sequence: 7, properties: { region: 'eu' } };
    const sent = cloudEvent('same', {
      data,
      type: 'com.example.usage',
      traceparent: '00-x',
      datacontenttype: 'application/json',
    });
    const twin = event('same', { account: 'zeta', quantity: '2', sequence: 7, properties: { region: 'eu' } });
    expect((await send(sent, 'application/cloudevents+json')).body).toMatchObject({ results: [{ status: 'posted' }] });
    expect((await send(twin)).body).toMatchObject({ results: [{ id: 'same', status: 'duplicate' }] });
  });

  test('each event has its own status, in the order sent', async () => {
    const answer = await send([
      event('m1'),
      event('m2', { quantity: '-1' }),
      event('m1'),
      'nonsense',
      event('m3', { meter: 'unheard_of' }),
      event('m4', { surprise: 1 }),
      event('m5'),
    ]);
    expect(answer.body).toMatchObject({
      results: [
        { id: 'm1', status: 'posted' },
        { id: 'm2', status: 'rejected', code: 'QUANTITY_NEGATIVE', field: 'quantity', value: '"-1"' },
        { id: 'm1', status: 'duplicate' },
        { id: null, status: 'rejected', code: 'EVENT_NOT_OBJECT' },
        { id: 'm3', status: 'quarantined', code: 'unknown_meter' },
        { id: 'm4', status: 'rejected', code: 'EVENT_FIELD_UNKNOWN' },
        { id: 'm5', status: 'posted' },
      ],
      counts: { posted: 2, duplicate: 1, quarantined: 1, rejected: 3 },
    });
    const { rows } = await http.engine.pool.query("select code from rejected_event where event_id in ('m2', 'm4')");
    expect(rows.map(({ code }) => code).sort()).toEqual(['EVENT_FIELD_UNKNOWN', 'QUANTITY_NEGATIVE']);
  });

  test.each([
    ['no time', { time: undefined }, 'EVENT_FIELD_MISSING', 'time'],
    ['another version', { specversion: '0.3' }, 'EVENT_FIELD_TYPE', 'specversion'],
    ['no data', { data: undefined }, 'EVENT_FIELD_MISSING', 'data'],
    ['data as text', { data: '{"quantity":1}' }, 'EVENT_FIELD_TYPE', 'data'],
    ['an unknown field', { data: { quantity: 1, amount: 1 } }, 'EVENT_FIELD_UNKNOWN', 'data.amount'],
    ['nobody who used it', { subject: undefined }, 'EVENT_FIELD_MISSING', 'account'],
    ['a tenant', { tenant: 'other' }, 'TENANT_NOT_ALLOWED', 'tenant'],
  ])('a CloudEvent with %s is rejected', async (_, more, code, field) => {
    const answer = await send([cloudEvent('bad', more)], 'application/cloudevents-batch+json');
    expect(answer.body).toMatchObject({ results: [{ id: 'bad', status: 'rejected', code, field }] });
  });

  test('a line that is no JSON costs itself alone', async () => {
    const text = [JSON.stringify(event('l1')), '{"id":"l2",', '"text"', JSON.stringify(event('l3'))].join('\n');
    expect((await send(text, 'application/x-ndjson')).body).toMatchObject({
      results: [
        { id: 'l1', status: 'posted' },
        { status: 'rejected', code: 'JOB_NOT_JSON' },
        { status: 'rejected', code: 'JOB_NOT_JSON' },
        { id: 'l3', status: 'posted' },
      ],
    });
  });
});

describe('without waiting', () => {
  test('usage is kept, and its job says later what became of it', async () => {
    const answer = await send([event('k1'), event('k2', { quantity: 'x' })], undefined, '/v1/events');
    expect(answer).toMatchObject({ status: 202, body: { events: 2, job: expect.any(String) } });
    const path = answer.headers.get('location') ?? '';
    let found = await http.ask('GET', path, { key });
    await until('the job is done', async () => {
      found = await http.ask('GET', path, { key });
      return (found.body as { state: string }).state === 'done';
    });
    expect(found.body).toMatchObject({
      results: [
        { id: 'k1', status: 'posted' },
        { id: 'k2', status: 'rejected', code: 'QUANTITY_NOT_DECIMAL' },
      ],
    });
    expect((await send(event('k1'))).body).toMatchObject({ results: [{ status: 'duplicate' }] });
    const others = await http.key(['admin'], { tenant: 'northwind' });
    for (const [who, name] of [
      [others, path],
      [key, `${path.slice(0, -1)}x`],
      [key, '/v1/events/jobs/1'],
    ] as const)
      expect(await http.ask('GET', name, { key: who })).toMatchObject({ status: 404, body: { code: 'JOB_NOT_FOUND' } });
  });

  test('Prefer: wait is as good as ?wait=true', async () => {
    const answer = await http.ask('POST', '/v1/events', {
      key,
      body: event('p1'),
      headers: { prefer: 'respond-async, wait=10' },
    });
    expect(answer).toMatchObject({ status: 200, body: { results: [{ id: 'p1', status: 'posted' }] } });
  });
});

describe('whose usage it is', () => {
  test('follows from the key, for those who wait and those who do not', async () => {
    const theirs = await http.key(['ingest'], { tenant: 'northwind' });
    for (const path of ['/v1/events?wait=true', '/v1/events']) {
      const id = `n-${path.length}`;
      await http.ask('POST', path, { key: theirs, body: [event(id), event(`${id}-bad`, { quantity: '-1' })] });
      await until('it is posted', async () => (await tenantsOf(id)).length > 0);
      expect(await tenantsOf(id)).toEqual(['northwind']);
      await until('the other is kept', async () => {
        const { rows } = await http.engine.pool.query('select tenant_id from rejected_event where event_id = $1', [
          `${id}-bad`,
        ]);
        return rows[0]?.tenant_id === 'northwind';
      });
    }
    // The same id of another tenant is another event.
    expect((await send(event('n-20'))).body).toMatchObject({ results: [{ status: 'posted' }] });
  });

  test('an event that names another tenant is rejected, in every form', async () => {
    const theirs = await http.key(['ingest'], { tenant: 'northwind' });
    const hostile = { ...event('x1', { tenant: 'default' }) };
    const line = { 'tollkeeper:line': JSON.stringify(event('x2', { tenant: 'default' })) };
    for (const body of [
      [hostile, line],
      [event('x3', { tenant: 'default' }), line],
    ]) {
      const answer = await http.ask('POST', '/v1/events?wait=true', { key: theirs, body });
      expect(answer.body).toMatchObject({
        results: [
          { status: 'rejected', code: 'TENANT_NOT_ALLOWED' },
          { status: 'rejected', code: 'EVENT_FIELD_UNKNOWN' },
        ],
      });
    }
    expect(await tenantsOf('x2')).toEqual([]);
  });

  test('a key bound to accounts reports for no other', async () => {
    const bound = await http.key(['ingest'], { accounts: ['acme'] });
    const answer = await http.ask('POST', '/v1/events?wait=true', {
      key: bound,
      body: [event('o1'), event('o2', { account: 'zeta' })],
    });
    expect(answer.body).toMatchObject({
      results: [
        { id: 'o1', status: 'posted' },
        { id: 'o2', status: 'rejected', code: 'ACCOUNT_NOT_ALLOWED' },
      ],
    });
  });

  test('a key that may only read sends nothing', async () => {
    const reader = await http.key(['read', 'support', 'analyst']);
    const answer = await http.ask('POST', '/v1/events', { key: reader, body: event('r1') });
    expect(answer).toMatchObject({ status: 403, body: { code: 'KEY_NOT_ALLOWED' } });
  });
});

describe('bad bodies', () => {
  test.each([
    ['a list in place of a CloudEvent', [cloudEvent('z')], 'application/cloudevents+json', 400, 'REQUEST_INVALID'],
    [
      'one CloudEvent in place of a list',
      cloudEvent('z'),
      'application/cloudevents-batch+json',
      400,
      'REQUEST_INVALID',
    ],
    ['no events', [], undefined, 400, 'REQUEST_INVALID'],
    ['a number', 7, undefined, 400, 'REQUEST_INVALID'],
    ['events that are none', { events: {} }, undefined, 400, 'REQUEST_INVALID'],
    ['a field beside events', { events: [event('z')], clock: 'file' }, undefined, 400, 'REQUEST_INVALID'],
    ['half a body', '[{"id":', undefined, 400, 'BODY_NOT_JSON'],
    ['a body of braces', '['.repeat(100_000), undefined, 400, 'BODY_NOT_JSON'],
    ['a line of braces', '['.repeat(100_000), 'application/x-ndjson', 400, 'BODY_NOT_JSON'],
    ['too many events', Array.from({ length: 10_001 }, () => ({})), undefined, 413, 'BODY_TOO_LARGE'],
    ['too many lines', '{}\n'.repeat(10_001), 'application/x-ndjson', 413, 'BODY_TOO_LARGE'],
    ['too many bytes', 'x'.repeat(8 * 1024 * 1024 + 1), undefined, 413, 'BODY_TOO_LARGE'],
    ['a form', 'id=1', 'application/x-www-form-urlencoded', 415, 'MEDIA_TYPE_UNKNOWN'],
    ['plain text', '{}', 'text/plain', 415, 'MEDIA_TYPE_UNKNOWN'],
  ])('%s is refused whole', async (_, body, type, status, code) => {
    expect(await send(body, type)).toMatchObject({ status, body: { code, status } });
  });

  test('hostile fields are refused one by one and reach nobody', async () => {
    const text = `[${JSON.stringify(event('h1')).slice(0, -1)},"__proto__":{"admin":true}},${JSON.stringify(event('h2')).slice(0, -1)},"properties":{"__proto__":{"x":1},"constructor":"y"}}]`;
    expect((await send(text)).body).toMatchObject({
      results: [
        { id: 'h1', status: 'rejected', code: 'EVENT_FIELD_UNKNOWN' },
        { id: 'h2', status: 'posted' },
      ],
    });
    expect(Object.hasOwn(Object.prototype, 'x') || Object.hasOwn(Object.prototype, 'admin')).toBe(false);
  });

  test('10,000 events go in one request', async () => {
    const body = Array.from({ length: 10_000 }, (_, index) => event(`t${index}`, { account: `acct_${index % 50}` }));
    const answer = await send(body);
    expect(answer).toMatchObject({ status: 200, body: { counts: { posted: 10_000 } } });
  });
});

test('when too much waits, usage is turned away with a time to come back, and nothing of it is taken', async () => {
  const { intake } = http.service;
  const busy = Object.defineProperty(Object.create(intake), 'isBehind', { value: true });
  busy.isQueueFull = async () => true;
  const other = await runHttp({
    databaseUrl: database.connectionString,
    prefix: 'none',
    lanes: [],
    now,
    edge: { service: { ...http.service, intake: busy } },
  });
  for (const path of ['/v1/events?wait=true', '/v1/events']) {
    const answer = await other.ask('POST', path, { key, body: event('busy') });
    expect(answer).toMatchObject({ status: 429, body: { code: 'OVERLOADED' } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  await other.close();
  expect(await tenantsOf('busy')).toEqual([]);
});
