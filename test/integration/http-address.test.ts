import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type HttpAddress, startHttpEdge } from '../../src/wire/http-edge.ts';
import { runHttp, type TestHttp } from '../support/http.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { runService, shippedRuleset } from '../support/run-service.ts';

let database: TestDatabase;
let http: TestHttp;

beforeAll(async () => {
  database = await createTestDatabase();
  http = await runHttp({ databaseUrl: database.connectionString });
});

afterAll(async () => {
  await http.close();
  await database.drop();
});

async function serve(address: HttpAddress, now: () => number = Date.now) {
  const ruleset = await shippedRuleset();
  const { engine, service } = http;
  const parts = { engine, service, ruleset: () => ruleset, onProblem: () => undefined, now };
  const server = await startHttpEdge({ ...parts, address });
  onTestFinished(() => server.close());
  return server;
}

test('nothing listens beyond this machine while no key is in force; then metrics need one too', async () => {
  await expect(serve({ host: '0.0.0.0', port: 0 })).rejects.toMatchObject({
    code: 'HTTP_NEEDS_KEYS',
    fix: expect.stringContaining('tollkeeper api-key create'),
  });
  const endsAtMs = Date.now() + 60_000;
  await http.key(['admin'], { expiresAtMs: endsAtMs });
  await expect(serve({ host: '0.0.0.0', port: 0 }, () => endsAtMs)).rejects.toMatchObject({ code: 'HTTP_NEEDS_KEYS' });
  const key = await http.key(['read']);
  const { port } = await serve({ host: '0.0.0.0', port: 0 });
  const metrics = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${port}/metrics`, { headers });
  expect((await metrics({})).status).toBe(401);
  expect((await metrics({ authorization: `Bearer ${key}` })).status).toBe(200);
  expect((await fetch(`${http.server.url}/metrics`)).status).toBe(200);
});

test('the usual port gives way to a free one when it is taken; one that was asked for does not', async () => {
  const [first, second] = [await serve({}), await serve({})];
  expect(second.port).not.toBe(first.port);
  expect((await fetch(`${second.url}/health`)).status).toBe(200);
  await expect(serve({ port: first.port })).rejects.toMatchObject({ code: 'HTTP_ADDRESS' });
});

test('a process without lanes is ready while another has them, and not once nobody has', async () => {
  const ruleset = await shippedRuleset();
  const idle = await createTestDatabase();
  onTestFinished(() => idle.drop());
  const standby = await runService({ databaseUrl: idle.connectionString, lanes: [] });
  const parts = { ...standby, ruleset: () => ruleset, onProblem: () => undefined, now: Date.now };
  const server = await startHttpEdge({ ...parts, address: { port: 0 } });
  const ready = async () => (await fetch(`${server.url}/ready`)).json();
  expect(await ready()).toEqual({ ready: false, checks: { database: true, queues: true, lanes: false } });
  const owner = await runService({ databaseUrl: idle.connectionString });
  expect(await ready()).toEqual({ ready: true, checks: { database: true, queues: true, lanes: true } });
  await owner.close();
  await server.close();
  await standby.close();
});
