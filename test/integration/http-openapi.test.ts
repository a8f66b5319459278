import { request } from 'node:http';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { jsonText } from '../../src/cli/output/json.ts';
import { parseConfig } from '../../src/config.ts';
import { createMoneyIn, moneyRoutes } from '../../src/wire/money-in.ts';
import { runHttp, type TestHttp } from '../support/http.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { shippedRuleset } from '../support/run-service.ts';

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

interface Description {
  readonly openapi: string;
  readonly info: { version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

let database: TestDatabase;
let pool: pg.Pool;
let http: TestHttp;
let admin: string;
let description: Description;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.connectionString, { name: 'money', max: 2, onError: () => undefined });
  const now = () => Date.UTC(2026, 2, 2, 12);
  // With Stripe configured, so that its routes are described as well. Nothing here asks it anything.
  const config = parseConfig({ STRIPE_SECRET_KEY: 'sk_test_described', STRIPE_WEBHOOK_SECRET: 'whsec_described' });
  const rules = await shippedRuleset();
  const money = createMoneyIn(pool, { config, ruleset: () => rules, now });
  if (money === undefined) throw new Error('there is a key');
  const routes = moneyRoutes(money, { config, currency: () => 'USD' });
  http = await runHttp({ databaseUrl: database.connectionString, now, edge: { routes } });
  admin = await http.key(['admin']);
  description = (await http.ask('GET', '/openapi.json')).body as Description;
});

afterAll(async () => {
  await http.close();
  await pool.end();
  await database.drop();
});

const operations = () =>
  Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  );

describe('the description of the API', () => {
  test('docs/openapi.json is up to date (npx vitest run -u on this file writes it)', async () => {
    const stable = { ...description, info: { ...description.info, version: '0' } };
    await expect(`${jsonText(stable)}\n`).toMatchFileSnapshot('../../docs/openapi.json');
  });

  test('has the routes of Stripe', () => {
    const names = operations().map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'POST /v1/accounts/{account}/topups',
        'GET /v1/accounts/{account}/topups',
        'GET /v1/topups/{topup}',
        'POST /webhooks/stripe',
        'POST /webhooks/stripe/thin',
      ]),
    );
  });

  test('says of every route what it is for, who may use it, and how it fails', () => {
    expect(description.openapi).toBe('3.1.0');
    expect(operations().length).toBeGreaterThan(25);
    for (const { name, operation } of operations()) {
      expect(operation.summary, name).toBeTruthy();
      expect(operation.tags, name).toHaveLength(1);
      expect(operation.security, name).toEqual(name.includes('/v1/') ? [{ key: [] }] : expect.any(Array));
      expect(operation.responses, name).toHaveProperty(['default', 'content', 'application/problem+json']);
    }
  });

  test('asks for an Idempotency-Key wherever something is changed', () => {
    // Events, Stripe's too, and holds are known by ids of their own; rules are only tried.
    const others = /events$|\/webhooks\/stripe|\/v1\/holds|\/v1\/rules/;
    const writes = operations().filter(({ name }) => name.startsWith('POST') && !others.test(name));
    expect(writes.length).toBeGreaterThan(5);
    for (const { name, operation } of writes) {
      const key = operation.parameters?.find((parameter) => parameter.name === 'idempotency-key');
      expect(key, name).toMatchObject({ in: 'header', required: true });
    }
  });

  test('answers are what it says', async () => {
    const ajv = new Ajv2020({ strict: false });
    const post = (path: string, body: unknown, idempotencyKey: string) =>
      http.ask('POST', path, { key: admin, body, idempotencyKey });
    await post('/v1/accounts/acme/credits', { amount: '5', expiresAt: '2027-01-01T00:00:00Z' }, 'o1');
    await post('/v1/holds', { hold: 'h1', account: 'acme', amount: '1' }, 'o2');
    const event = {
      id: 'e1',
      source: 's',
      account: 'acme',
      meter: 'output_tokens',
      quantity: 1,
      occurredAt: '2026-03-02T11:59:00Z',
    };
    const asked = [
      ['post', '/v1/events', '/v1/events?wait=true', [event, { ...event, meter: 'unknown', id: 'e2' }, {}]],
      ['post', '/v1/wallets/{wallet}/freeze', '/v1/wallets/acme/freeze', { hours: 1, reason: 'x' }],
      ['post', '/v1/wallets/{wallet}/thaw', '/v1/wallets/acme/thaw', { usage: 'keep', reason: 'x' }],
      [
        'post',
        '/v1/wallets/{wallet}/limits',
        '/v1/wallets/acme/limits',
        { spend: { limit: '1', seconds: 60 }, reason: 'x' },
      ],
      ['post', '/v1/holds/{hold}/capture', '/v1/holds/h1/capture', { account: 'acme', amount: '1' }],
      ['post', '/v1/accounts/{account}/credits', '/v1/accounts/acme/credits', { amount: '1' }],
      ['get', '/v1/accounts/{account}/topups', '/v1/accounts/acme/topups', undefined],
      ['post', '/v1/events/{id}/amend', '/v1/events/e1/amend', { quantity: '2', reason: 'x' }],
      ['post', '/v1/rules/check', '/v1/rules/check', { files: {} }],
      ...['/v1/accounts', '/v1/wallets', '/v1/holds', '/v1/alerts', '/v1/rules', '/ready', '/health'].map(
        (path) => ['get', path, path, undefined] as const,
      ),
      ['get', '/v1/accounts/{account}', '/v1/accounts/acme', undefined],
      ['get', '/v1/wallets/{wallet}', '/v1/wallets/acme', undefined],
      ['get', '/v1/wallets/{wallet}/spendable', '/v1/wallets/acme/spendable', undefined],
      ['get', '/v1/wallets/{wallet}/entries', '/v1/wallets/acme/entries', undefined],
      ['get', '/v1/wallets/{wallet}/balance', '/v1/wallets/acme/balance', undefined],
      ['get', '/v1/events/{id}', '/v1/events/e1', undefined],
      ['get', '/v1/holds/{hold}', '/v1/holds/h1', undefined],
    ] as const;
    let count = 0;
    for (const [method, path, at, body] of asked) {
      const answer = await http.ask(method.toUpperCase(), at, {
        key: admin,
        idempotencyKey: `k${count++}`,
        ...(body === undefined ? {} : { body }),
      });
      expect(answer.status, path).toBe(200);
      const schema = description.paths[path]?.[method]?.responses['200']?.content?.['application/json']?.schema;
      const validate = ajv.compile({ ...schema, components: description.components });
      expect([path, validate(answer.body), validate.errors]).toEqual([path, true, null]);
    }
    const problem = await http.ask('GET', '/v1/wallets/nobody', { key: admin });
    const validate = ajv.compile(description.components.schemas.Problem ?? false);
    expect([validate(problem.body), validate.errors]).toEqual([true, null]);
  });

  test('is a page that anybody on this machine can open, and that loads nothing from elsewhere', async () => {
    const page = await http.ask('GET', '/docs/');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(page.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });

  test.each(['/docs/static/../../../package.json', '/docs/static/%2e%2e/%2e%2e/package.json', '/docs/static/none.js'])(
    'leads to no other file: %s',
    async (path) => {
      // As it is: a browser or fetch would tidy the path before asking.
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const asked = request(http.server.url, { path }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        asked.on('error', reject).end();
      });
      expect(status).toBe(404);
    },
  );
});

describe('a key that asks too often', () => {
  test('is told when to come back, and others are served meanwhile', async () => {
    const hasty = await http.key(['read'], { requestsPerMinute: 3 });
    const ask = () => http.ask('GET', '/v1/rules', { key: hasty });
    for (let times = 0; times < 3; times++) expect((await ask()).status).toBe(200);
    const answer = await ask();
    expect(answer).toMatchObject({ status: 429, body: { code: 'TOO_MANY_REQUESTS' } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await http.ask('GET', '/v1/rules', { key: admin })).status).toBe(200);
  });
});
