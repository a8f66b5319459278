import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';
import { ensureRedis } from '../support/redis.ts';

async function query(connectionString: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('two test databases share no data and both come migrated', async () => {
  const [first, second] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await query(first.connectionString, 'create table only_here (id int)');
  const sql =
    "select to_regclass('only_here') is not null as leaked, to_regclass('tollkeeper.migration') is not null as migrated";
  expect(await query(second.connectionString, sql)).toEqual([{ leaked: false, migrated: true }]);
  await Promise.all([first.drop(), second.drop()]);
});

test('an empty test database has no tables of ours', async () => {
  const database = await createTestDatabase({ content: 'empty' });
  const sql = "select to_regnamespace('tollkeeper') is null as empty";
  expect(await query(database.connectionString, sql)).toEqual([{ empty: true }]);
  await database.drop();
});

test('the shared Redis evicts nothing and keeps an append-only file', async () => {
  const redis = new Redis(inject('redisUrl'));
  expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
  expect(await redis.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
  redis.disconnect();
});

test('a Redis that acknowledges only what is on disk keeps it over a kill, on the same port', async () => {
  const server = await ensureRedis({ own: true, appendfsync: 'always' });
  const redis = new Redis(server.url);
  await redis.set('promise', 'kept');
  await server.restart('SIGKILL');
  expect(await redis.get('promise')).toBe('kept');
  await server.restart();
  expect(await redis.get('promise')).toBe('kept');
  redis.disconnect();
  await server.stop();
});
