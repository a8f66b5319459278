import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type HttpAnswer, runHttp, type TestHttp } from '../support/http.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let http: TestHttp;
let admin: string;
let theirs: string;
let keys = 0;
const now = () => Date.UTC(2026, 2, 2, 12);

beforeAll(async () => {
  database = await createTestDatabase();
  http = await runHttp({
    databaseUrl: database.connectionString,
    redisUrl: inject('redisUrl'),
    prefix: `books-${database.name}`,
    now,
  });
  admin = await http.key(['admin']);
  theirs = await http.key(['admin'], { tenant: 'northwind' });
});

afterAll(async () => {
  await http.close();
  await database.drop();
});

const get = (path: string, key = admin) => http.ask('GET', path, { key });
const post = (
  path: string,
  body: unknown,
  { key = admin, as }: { key?: string; as?: string } = {},
): Promise<HttpAnswer> => http.ask('POST', path, { key, body, idempotencyKey: as ?? `key-${++keys}` });
const topUp = (account: string, amount: string, more: { key?: string; as?: string } = {}) =>
  post(`/v1/accounts/${encodeURIComponent(account)}/credits`, { amount }, more);
const event = (id: string, account: string, quantity: string) => ({
  id,
  source: 'gateway',
  account,
  meter: 'output_tokens',
  quantity,
  occurredAt: '2026-03-02T11:59:00Z',
});
const use = async (events: readonly unknown[], key = admin) => {
  const answer = await http.ask('POST', '/v1/events?wait=true', { key, body: events });
  expect(answer.status).toBe(200);
  return answer.body as { results: { status: string }[] };
};

describe('money by hand', () => {
  test('a top-up opens an account, credits it once per key, and another body under the key is a conflict', async () => {
    const first = await topUp('acme', '20.00 USD', { as: 'pay-1' });
    expect(first).toMatchObject({
      status: 200,
      body: {
        account: 'acme',
        amount: '20',
        balanceBefore: '0',
        balance: '20',
        opened: true,
        repeated: false,
        dryRun: false,
      },
    });
    expect((await topUp('acme', '20.00 USD', { as: 'pay-1' })).body).toMatchObject({ balance: '20', repeated: true });
    expect(await topUp('acme', '21.00 USD', { as: 'pay-1' })).toMatchObject({
      status: 409,
      body: { code: 'IDEMPOTENCY_CONFLICT' },
    });
    // The key of another tenant is another key: neither a conflict nor an answer.
    expect(await topUp('acme', '3', { as: 'pay-1', key: theirs })).toMatchObject({
      status: 200,
      body: { tenant: 'northwind', balance: '3', repeated: false },
    });
    expect((await get('/v1/wallets/acme')).body).toMatchObject({ posted: '20' });
  });

  test('says who did it', async () => {
    await topUp('audited', '1', { as: 'audited-1' });
    const { rows } = await http.engine.pool.query("select actor, action from audit_log where detail ->> 'key' = $1", [
      'default\u001faudited-1',
    ]);
    const [, keyId] = /^tk_live_(\w{12})_/.exec(admin) ?? [];
    expect(rows).toEqual([{ actor: `key:${keyId}`, action: 'wallet.topup' }]);
  });

  test('a dry run changes nothing', async () => {
    const answer = await http.ask('POST', '/v1/accounts/dry/credits?dryRun=true', {
      key: admin,
      body: { amount: '5' },
      idempotencyKey: 'dry',
    });
    expect(answer.body).toMatchObject({ dryRun: true, balance: '5' });
    expect(await get('/v1/wallets/dry')).toMatchObject({ status: 404, body: { code: 'WALLET_NOT_FOUND' } });
  });

  test.each([
    [{ amount: '0' }, 'REQUEST_INVALID', 'body.amount'],
    [{ amount: '-1' }, 'REQUEST_INVALID', 'body.amount'],
    [{ amount: 5 }, 'REQUEST_INVALID', 'body.amount'],
    [{ amount: '1e3' }, 'REQUEST_INVALID', 'body.amount'],
    [{ amount: '5', tenant: 'northwind' }, 'REQUEST_INVALID', 'body'],
    [{}, 'REQUEST_INVALID', 'body.amount'],
  ])('%j is no top-up', async (body, code, field) => {
    expect(await post('/v1/accounts/acme/credits', body)).toMatchObject({
      status: 400,
      body: { code, errors: [{ field }] },
    });
  });

  test('a currency of other books, and a request without a key of its own, are refused', async () => {
    expect((await topUp('acme', '5.00 EUR')).body).toMatchObject({ code: 'AMOUNT_INVALID' });
    const answer = await http.ask('POST', '/v1/accounts/acme/credits', { key: admin, body: { amount: '5' } });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'headers.idempotency-key' }] } });
  });
});

describe('what a gateway asks', () => {
  test('a wallet can spend its money and its overdraft, and nothing while it is frozen', async () => {
    await topUp('gate', '10');
    expect((await get('/v1/wallets/gate/spendable')).body).toMatchObject({
      spendable: '15',
      available: '10',
      status: 'active',
    });
    await post('/v1/wallets/gate/limits', { overdraft: '0', spend: { limit: '4', seconds: 3600 }, reason: 'new' });
    expect((await get('/v1/wallets/gate/spendable')).body).toMatchObject({ spendable: '4', available: '10' });
    const frozen = await post('/v1/wallets/gate/freeze', { hours: 2, reason: 'case 118' });
    expect(frozen.body).toMatchObject({ status: 'frozen', until: '2026-03-02T14:00:00.000Z', changed: true });
    expect((await get('/v1/wallets/gate/spendable')).body).toMatchObject({
      spendable: '0',
      available: '0',
      status: 'frozen',
    });
    const refused = await use([event('gate-1', 'gate', '1000000')]);
    expect(refused.results).toMatchObject([{ status: 'quarantined', code: 'frozen' }]);
    expect(await post('/v1/holds', { hold: 'gate-h', account: 'gate', amount: '1' })).toMatchObject({
      status: 409,
      body: { code: 'WALLET_FROZEN' },
    });
    const thawed = await post('/v1/wallets/gate/thaw', { usage: 'post', reason: 'case 118' });
    expect(thawed.body).toMatchObject({ status: 'active', posted: { events: 1, amount: '0.6' }, balance: '9.4' });
  });

  test('a hold is placed, extended and captured, each once however often it is sent', async () => {
    await topUp('holder', '10');
    const hold = { hold: 'req/1', account: 'holder', amount: '4' };
    const place = () => http.ask('POST', '/v1/holds', { key: admin, body: hold });
    expect(await place()).toMatchObject({
      status: 201,
      body: { repeated: false, hold: { state: 'open', amount: '4', captureMax: '4.4', available: '6' } },
    });
    expect(await place()).toMatchObject({ status: 200, body: { repeated: true, hold: { state: 'open' } } });
    const on = (what: string, body: unknown, as?: string) =>
      http.ask('POST', `/v1/holds/req%2F1/${what}`, {
        key: admin,
        body,
        ...(as === undefined ? {} : { idempotencyKey: as }),
      });
    const extend = () => on('extend', { account: 'holder', amount: '5', seconds: 900 }, 'more');
    expect((await extend()).body).toMatchObject({ repeated: false, hold: { amount: '5', available: '5' } });
    expect((await extend()).body).toMatchObject({ repeated: true });
    expect(await on('extend', { account: 'holder', amount: '6' }, 'more')).toMatchObject({
      status: 409,
      body: { code: 'IDEMPOTENCY_CONFLICT' },
    });
    const captured = await on('capture', { account: 'holder', amount: '2' });
    expect(captured).toMatchObject({
      status: 200,
      body: { hold: { state: 'captured', captured: '2', available: '8' } },
    });
    expect((await get('/v1/holds?account=holder')).body).toMatchObject({
      data: [{ hold: 'req/1', state: 'captured' }],
      next: null,
    });
  });

  test('holds that do not fit, and those of nobody, are refused with their codes', async () => {
    await topUp('poor', '1');
    expect(
      await http.ask('POST', '/v1/holds', { key: admin, body: { hold: 'p1', account: 'poor', amount: '7' } }),
    ).toMatchObject({
      status: 402,
      body: { code: 'INSUFFICIENT_FUNDS', fix: expect.stringContaining('Top the wallet up') },
    });
    const capture = (hold: string, body: unknown) =>
      http.ask('POST', `/v1/holds/${hold}/capture`, { key: admin, body });
    expect(await capture('nobody', { account: 'poor', amount: '1' })).toMatchObject({
      status: 404,
      body: { code: 'HOLD_NOT_FOUND' },
    });
    await http.ask('POST', '/v1/holds', { key: admin, body: { hold: 'p2', account: 'poor', amount: '1' } });
    expect(await capture('p2', { account: 'poor', amount: '2' })).toMatchObject({
      status: 409,
      body: { code: 'CAPTURE_TOO_LARGE' },
    });
    expect((await capture('p2', { account: 'poor', amount: '0.4' })).body).toMatchObject({
      hold: { state: 'captured', captured: '0.4', available: '0.6' },
    });
    expect((await capture('p2', { account: 'poor', amount: '0.4' })).body).toMatchObject({ repeated: true });
    expect(await capture('p2', { account: 'poor', amount: '0.5' })).toMatchObject({
      status: 409,
      body: { code: 'IDEMPOTENCY_CONFLICT' },
    });
    const release = await http.ask('POST', '/v1/holds/p2/release', { key: admin, body: { account: 'poor' } });
    expect(release).toMatchObject({ status: 409, body: { code: 'HOLD_CLOSED' } });
    expect((await get('/v1/holds/p2')).body).toMatchObject({ state: 'captured', captured: '0.4' });
  });

  test.each([
    ['an unknown field', { hold: 'b', account: 'poor', amount: '1', admin: true }],
    ['a field of ours', { hold: 'b', account: 'poor', amount: '1', do: 'release' }],
    ['a number for money', { hold: 'b', account: 'poor', amount: 1 }],
    ['a list', []],
    ['text', 'place'],
  ])('a hold with %s is refused', async (_, body) => {
    const answer = await http.ask('POST', '/v1/holds', { key: admin, body: JSON.stringify(body) });
    expect(answer).toMatchObject({ status: 400, body: { code: 'HOLD_INVALID' } });
  });
});

describe('corrections', () => {
  test('an event is found, amended and voided', async () => {
    await topUp('corrected', '10');
    await use([event('c/1 ü', 'corrected', '1000000')]);
    const path = `/v1/events/${encodeURIComponent('c/1 ü')}`;
    expect((await get(path)).body).toMatchObject({
      status: 'posted',
      occurrences: [{ account: 'corrected', amount: '0.6', entry: { balanceAfter: '9.4' } }],
    });
    const amended = await post(`${path}/amend`, { quantity: '500000', reason: 'counted twice' });
    expect(amended.body).toMatchObject({ kind: 'amend', reversed: '0.6', charged: '0.3', balance: '9.7' });
    const voided = await post(`${path}/void`, { reason: 'case 118' }, { as: 'void-1' });
    expect(voided.body).toMatchObject({ kind: 'void', charged: '0', balance: '10', correction: 2 });
    expect((await post(`${path}/void`, { reason: 'case 118' }, { as: 'void-1' })).body).toMatchObject({
      repeated: true,
    });
    expect(await post(`${path}/void`, { reason: 'again' })).toMatchObject({
      status: 409,
      body: { code: 'EVENT_VOIDED' },
    });
    expect(await post(`${path}/amend`, { reason: 'nothing' })).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID' },
    });
    expect(await post('/v1/events/unheard/void', { reason: 'x' })).toMatchObject({
      status: 404,
      body: { code: 'EVENT_NOT_FOUND' },
    });
  });
});

describe('lists', () => {
  test('come a page at a time, without gaps and repetitions', async () => {
    const names = Array.from({ length: 7 }, (_, index) => `paged-${index}`);
    for (const name of names) await topUp(name, '1', { key: theirs });
    for (const list of ['accounts', 'wallets']) {
      const found: string[] = [];
      for (let next: string | null = '', pages = 0; next !== null; pages++) {
        expect(pages).toBeLessThan(10);
        const cursor: string = next === '' ? '' : `&cursor=${next}`;
        const { body } = await get(`/v1/${list}?limit=3${cursor}`, theirs);
        const page = body as { data: { account: string }[]; next: string | null };
        found.push(...page.data.map(({ account }) => account));
        next = page.next;
      }
      expect(found.filter((name) => name.startsWith('paged-'))).toEqual(names);
      expect(new Set(found).size).toBe(found.length);
    }
  });

  test('entries of a wallet go back to its first', async () => {
    await topUp('history', '1');
    await use([1, 2, 3].map((index) => event(`history-${index}`, 'history', '10')));
    const first = (await get('/v1/wallets/history/entries?limit=3')).body as {
      data: { sequence: string }[];
      next: string;
    };
    expect(first.data.map(({ sequence }) => sequence)).toEqual(['4', '3', '2']);
    const rest = await get(`/v1/wallets/history/entries?limit=3&cursor=${first.next}`);
    expect(rest.body).toMatchObject({ data: [{ sequence: '1', kind: 'topup' }], next: null });
    const statement = await get('/v1/wallets/history/statement?from=2026-03-02&proof=true');
    expect(statement.body).toMatchObject({ account: 'history', closing: { sequence: '4' }, proof: expect.anything() });
    expect((await get('/v1/wallets/history/balance')).body).toMatchObject({ sequence: '4', balance: '0.999982' });
  });

  test.each(['limit=0', 'limit=501', 'limit=x', 'cursor=!!', 'status=melted', 'account='])(
    '?%s is refused',
    async (query) => {
      expect(await get(`/v1/wallets?${query}`)).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
    },
  );

  test('a cursor of another list gives nothing away', async () => {
    const { body } = await get('/v1/wallets?limit=1');
    const { next } = body as { next: string };
    const crossed = await get(`/v1/wallets?cursor=${next}`, theirs);
    expect(crossed).toMatchObject({ status: 200, body: { data: [] } });
    expect(await get(`/v1/wallets/history/entries?cursor=${next}`)).toMatchObject({ status: 400 });
  });
});

describe('tenants and bound keys', () => {
  test('nothing of another tenant can be seen or changed', async () => {
    await topUp('secret', '10');
    await use([event('secret-1', 'secret', '10')]);
    const placed = await http.ask('POST', '/v1/holds', {
      key: admin,
      body: { hold: 'secret-h', account: 'secret', amount: '1' },
    });
    const { wallet } = (placed.body as { hold: { wallet: string } }).hold;
    const paths = [
      '/v1/accounts/secret',
      '/v1/wallets/secret',
      `/v1/wallets/${wallet}`,
      `/v1/wallets/${wallet}/spendable`,
      `/v1/wallets/${wallet}/entries`,
      `/v1/wallets/${wallet}/statement`,
      `/v1/wallets/${wallet}/balance`,
      '/v1/events/secret-1',
      '/v1/holds/secret-h',
    ];
    for (const path of paths) {
      expect((await get(path)).status, path).toBe(200);
      expect((await get(path, theirs)).status, path).toBe(404);
    }
    for (const list of ['accounts', 'wallets', 'holds', 'alerts'])
      expect(JSON.stringify((await get(`/v1/${list}?account=secret`, theirs)).body)).not.toContain('secret');
    const reason = 'mischief';
    for (const [path, body] of [
      [`/v1/wallets/${wallet}/freeze`, { hours: 1, reason }],
      [`/v1/wallets/${wallet}/thaw`, { usage: 'void', reason }],
      [`/v1/wallets/${wallet}/limits`, { overdraft: '0', reason }],
      ['/v1/events/secret-1/void', { reason }],
      ['/v1/events/secret-1/amend', { quantity: 1, reason }],
      ['/v1/holds/secret-h/capture', { account: 'secret', amount: '1' }],
      ['/v1/holds/secret-h/release', { account: 'secret' }],
    ] as const)
      expect((await post(path, body, { key: theirs })).status, path).toBe(404);
    expect((await get('/v1/holds/secret-h')).body).toMatchObject({ state: 'open' });
    expect((await get('/v1/wallets/secret')).body).toMatchObject({ status: 'active', held: '1' });
  });

  test('a key that is bound to accounts knows no other', async () => {
    await topUp('bound', '10');
    await topUp('other', '10');
    const bound = await http.key(['admin'], { accounts: ['bound'] });
    expect((await get('/v1/wallets/bound/spendable', bound)).status).toBe(200);
    expect(await get('/v1/wallets/other/spendable', bound)).toMatchObject({
      status: 404,
      body: { code: 'WALLET_NOT_FOUND' },
    });
    for (const list of ['accounts', 'wallets', 'holds', 'alerts']) {
      expect((await get(`/v1/${list}?account=bound`, bound)).status, list).toBe(200);
      for (const query of ['', '?account=other'])
        expect((await get(`/v1/${list}${query}`, bound)).status, list).toBe(403);
    }
    expect((await topUp('other', '1', { key: bound })).status).toBe(403);
    expect((await post('/v1/wallets/other/freeze', { hours: 1, reason: 'x' }, { key: bound })).status).toBe(404);
    expect((await post('/v1/holds', { hold: 'bo', account: 'other', amount: '1' }, { key: bound })).status).toBe(404);
    await use([event('other-1', 'other', '1')]);
    expect((await get('/v1/events/other-1', bound)).status).toBe(404);
    expect((await post('/v1/events/other-1/void', { reason: 'x' }, { key: bound })).status).toBe(404);
  });

  test('each scope does its own and no more', async () => {
    await topUp('scoped', '10');
    const may = async (scope: 'ingest' | 'read' | 'support' | 'analyst') => {
      const key = await http.key([scope]);
      const asked = await Promise.all([
        http.ask('POST', '/v1/events', { key, body: event(`scope-${scope}`, 'scoped', '1') }),
        get('/v1/wallets/scoped', key),
        get('/v1/wallets/scoped/spendable', key),
        post('/v1/holds', { hold: `scope-${scope}`, account: 'scoped', amount: '1' }, { key }),
        topUp('scoped', '1', { key }),
        post('/v1/rules/check', { files: {} }, { key }),
      ]);
      return asked.map(({ status }) => status !== 403);
    };
    expect(await may('ingest')).toEqual([true, false, true, true, false, false]);
    expect(await may('read')).toEqual([false, true, true, false, false, false]);
    expect(await may('support')).toEqual([false, true, true, false, true, false]);
    expect(await may('analyst')).toEqual([false, true, true, false, false, true]);
  });
});
