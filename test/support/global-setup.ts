import { randomUUID } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { startThrowawayPostgres } from '../../src/adapters/postgres/embedded/throwaway-postgres.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { adminQuery, databasesNamed, TEST_LANES, type TestPostgres, withDatabase } from './admin-database.ts';
import { ensureRedis } from './redis.ts';

/**
 * Starts one PostgreSQL (or uses `TEST_DATABASE_URL`, whose role must be a superuser) and one Redis (or `REDIS_URL`) for
 * the whole run. When either cannot be had the run fails: a skipped integration suite would look like a passing one.
 */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const [server, redis] = await Promise.all([ensurePostgres(), ensureRedis()]);
  const prefix = `tk_test_${randomUUID().slice(0, 8)}_`;
  const postgres = { adminUrl: server.url, template: `${prefix}template`, prefix };
  await createTemplate(postgres);
  provide('postgres', postgres);
  provide('redisUrl', redis.url);
  return async () => {
    for (const name of await databasesNamed(postgres.adminUrl, prefix)) {
      await adminQuery(postgres.adminUrl, `drop database if exists ${name} with (force)`);
    }
    await Promise.all([server.stop(), redis.stop()]);
  };
}

async function ensurePostgres(): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const given = process.env.TEST_DATABASE_URL;
  if (given !== undefined && given !== '') return { url: given, stop: () => Promise.resolve() };
  const engine = await startThrowawayPostgres();
  return { url: engine.connectionString, stop: engine.stop };
}

async function createTemplate({ adminUrl, template }: TestPostgres): Promise<void> {
  await adminQuery(adminUrl, `create database ${template} template template0`);
  const pool = createPool(withDatabase(adminUrl, template), {
    name: 'test template',
    max: 1,
    onError: () => undefined,
  });
  try {
    await migrate(pool, { lanes: TEST_LANES });
  } finally {
    // Nobody may be connected to a database while it is copied.
    await pool.end();
  }
}
