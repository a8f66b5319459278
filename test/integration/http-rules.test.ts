import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRuleFiles } from '../../src/adapters/rule-files.ts';
import { runHttp, type TestHttp } from '../support/http.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let http: TestHttp;
let admin: string;
let theirs: string;

beforeAll(async () => {
  database = await createTestDatabase();
  http = await runHttp({ databaseUrl: database.connectionString, now: () => Date.UTC(2026, 2, 2, 12) });
  admin = await http.key(['admin']);
  theirs = await http.key(['admin'], { tenant: 'northwind' });
});

afterAll(async () => {
  await http.close();
  await database.drop();
});

const get = (path: string) => http.ask('GET', path, { key: admin });
const post = (path: string, body: unknown, { key = admin } = {}) => http.ask('POST', path, { key, body });

describe('rules', () => {
  test('those in force are listed, posted ones are checked with every finding', async () => {
    const { body } = await get('/v1/rules');
    expect(body).toMatchObject({
      currency: 'USD',
      rules: expect.arrayContaining([{ id: 'leaked-key-burst', mode: 'live' }]),
    });
    const files = Object.fromEntries((await readRuleFiles()).map(({ path, text }) => [path, text]));
    const good = await post('/v1/rules/check', { files });
    expect(good.body).toMatchObject({ ok: true, ruleset: (body as { ruleset: string }).ruleset, errors: [] });
    const bad = await post('/v1/rules/check', { files: { ...files, 'rules/pricing.yaml': 'currency: [' } });
    expect(bad.body).toMatchObject({
      ok: false,
      ruleset: null,
      errors: [{ path: 'rules/pricing.yaml', line: expect.any(Number) }],
    });
    for (const path of ['../x.yaml', '/etc/passwd', 'a/../b.yaml', '..yaml', 'x.sh'])
      expect((await post('/v1/rules/check', { files: { [path]: '' } })).status, path).toBe(400);
  });

  test('posted usage, and that of the books, is played to rules; one at a time', async () => {
    const events = Array.from({ length: 500 }, (_, index) => ({
      id: `bt-${index}`,
      source: 'gateway',
      account: 'bt',
      meter: 'output_tokens',
      quantity: '1000',
      occurredAt: '2026-03-02T11:59:00Z',
    }));
    const [first, second] = await Promise.all([
      post('/v1/rules/backtest', { events }),
      post('/v1/rules/backtest', { events }),
    ]);
    expect([first?.status, second?.status].sort()).toEqual([200, 429]);
    const answer = first?.status === 200 ? first : second;
    expect(answer?.body).toMatchObject({ events: { read: 500 }, accounts: 1, currency: 'USD' });
    expect((await post('/v1/rules/backtest', {}, { key: theirs })).body).toMatchObject({ code: 'HISTORY_EMPTY' });
    await http.ask('POST', '/v1/events?wait=true', { key: admin, body: events.slice(0, 50) });
    expect((await post('/v1/rules/backtest', {})).body).toMatchObject({ v: 1, history: 'the database' });
  });
});
