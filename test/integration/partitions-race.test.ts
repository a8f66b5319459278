import { expect, onTestFinished, test } from 'vitest';
import { preparePartitions } from '../../src/adapters/postgres/partitions.ts';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { createTestDatabase } from '../support/postgres.ts';

const DAY_MS = 86_400_000;

test('many who make the same days at the same moment all find them made', async () => {
  const database = await createTestDatabase();
  const pool = createPool(database.connectionString, { name: 'test', max: 12, onError: () => undefined });
  onTestFinished(async () => {
    await pool.end();
    await database.drop();
  });
  for (let day = 0; day < 40; day++) {
    const times = [(20_000 + day) * DAY_MS];
    await Promise.all(Array.from({ length: 12 }, () => preparePartitions(pool, new Set(), times)));
  }
  const { rows } = await pool.query(
    `select count(*)::int as days from pg_inherits where inhparent = 'entry'::regclass`,
  );
  expect(rows).toEqual([{ days: 40 }]);
}, 60_000);
