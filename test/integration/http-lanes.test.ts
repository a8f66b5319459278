import { expect, inject, onTestFinished, test } from 'vitest';
import { createQueries } from '../../src/adapters/postgres/queries/queries.ts';
import { runHttp } from '../support/http.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { runService } from '../support/run-service.ts';

const now = () => Date.UTC(2026, 2, 2, 12);
const event = (id: string, account: string) => ({
  id,
  source: 'gateway',
  account,
  meter: 'output_tokens',
  quantity: '1',
  occurredAt: '2026-03-02T11:59:00Z',
});

async function engines() {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  return {
    databaseUrl: database.connectionString,
    redisUrl: inject('redisUrl'),
    prefix: `lanes-${database.name}`,
    now,
  };
}

test('events of lanes that another process has are posted there, for the tenant of the key', async () => {
  const settings = await engines();
  const other = await runService({ ...settings, lanes: [2, 3] });
  const http = await runHttp({ ...settings, lanes: [0, 1] });
  const key = await http.key(['ingest'], { tenant: 'northwind' });
  const events = Array.from({ length: 40 }, (_, index) => event(`f-${index}`, `acct_${index}`));
  const bad = { ...event('f-bad', 'acct_1'), tenant: 'default' };
  const answer = await http.ask('POST', '/v1/events?wait=true', { key, body: [...events, bad] });
  expect(answer).toMatchObject({ status: 200, body: { counts: { posted: 40, duplicate: 0, rejected: 1 } } });
  expect((answer.body as { results: { id: string }[] }).results.map(({ id }) => id)).toEqual([
    ...events.map(({ id }) => id),
    'f-bad',
  ]);
  const { rows } = await http.engine.pool.query(
    'select w.tenant_id, s.lane >= 2 as theirs, count(*)::int as entries from entry join wallet w using (wallet_id) join shard_lane s using (shard) group by 1, 2 order by 2',
  );
  expect(rows).toEqual([
    { tenant_id: 'northwind', theirs: false, entries: expect.any(Number) },
    { tenant_id: 'northwind', theirs: true, entries: expect.any(Number) },
  ]);
  expect(rows[0].entries + rows[1].entries).toBe(40);
  const reader = await http.key(['ingest'], { tenant: 'northwind' });
  for (const account of ['acct_0', 'acct_1', 'acct_2', 'acct_3', 'acct_4', 'acct_5']) {
    const hold = { hold: `hold-${account}`, account, amount: '0.01' };
    expect((await http.ask('POST', '/v1/holds', { key: reader, body: hold })).status).toBe(201);
  }
  await http.close();
  await other.close();
});

test('nothing that was acknowledged is lost when the service stops in the middle', async () => {
  const settings = await engines();
  const http = await runHttp(settings);
  const key = await http.key(['ingest']);
  const acknowledged: string[] = [];
  let isStopping = false;
  const client = async (_: unknown, number: number) => {
    for (let index = 0; !isStopping || index < 5; index++) {
      const ids = [0, 1, 2].map((part) => `g-${number}-${index}-${part}`);
      const path = number % 2 === 0 ? '/v1/events?wait=true' : '/v1/events';
      const body = ids.map((id) => event(id, `acct_${number}`));
      const answer = await http.ask('POST', path, { key, body }).catch(() => undefined);
      if (answer === undefined || answer.status >= 500) return;
      acknowledged.push(...ids);
    }
  };
  const clients = Promise.all(Array.from({ length: 8 }, client));
  await expect.poll(() => acknowledged.length).toBeGreaterThan(100);
  isStopping = true;
  await http.close();
  await clients;
  expect(http.retries).toEqual([]);
  // What was only kept is posted by whoever works on the queue next.
  const next = await runService(settings);
  onTestFinished(() => next.close());
  const queries = createQueries(next.engine.pool);
  const missing = async () => {
    const found = await Promise.all(acknowledged.map((id) => queries.findEvent(id, { tenant: 'default' })));
    return acknowledged.filter((_, index) => found[index]?.status !== 'posted');
  };
  await expect.poll(missing, { timeout: 30_000 }).toEqual([]);
});
