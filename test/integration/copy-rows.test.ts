import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { COPY_ENTRIES, type EncodableEntry, encodeEntries } from '../../src/adapters/postgres/copy-entries.ts';
import { copyRows } from '../../src/adapters/postgres/copy-rows.ts';
import { preparePartitions } from '../../src/adapters/postgres/partitions.ts';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { eventKeyOf } from '../../src/domain/events/event-key.ts';
import { ENTRY_KIND } from '../../src/domain/ledger/wallet.ts';
import { createTestDatabase } from '../support/postgres.ts';

const NOW_MS = Date.UTC(2026, 2, 2);

async function openPool() {
  const database = await createTestDatabase();
  const pool = createPool(database.connectionString, { name: 'test', max: 2, onError: () => undefined });
  onTestFinished(async () => {
    await pool.end();
    await database.drop();
  });
  await preparePartitions(pool, new Set(), [NOW_MS]);
  return pool;
}

let pool: Awaited<ReturnType<typeof openPool>>;
beforeEach(async () => {
  pool = await openPool();
});

/** More than any socket buffer holds, so that rows are still under way when the server has answered. */
function rows(count: number, last?: EncodableEntry): Buffer {
  const entries = Array.from({ length: count }, (_, index) => entry(`e${index}`));
  return encodeEntries(last === undefined ? entries : [...entries, last], 1, 0);
}

function entry(id: string): EncodableEntry {
  const key = eventKeyOf({ tenant: 't', source: 's', id, occurredAtMs: NOW_MS });
  const wallet = { walletId: 1n };
  return { key, wallet, seq: 1n, amount: 1n, balanceAfter: 1n, contentHash: 0n, kind: ENTRY_KIND.usage };
}

async function stored(): Promise<number> {
  const { rows: counted } = await pool.query<{ count: number }>('select count(*)::int as count from entry');
  return counted[0]?.count ?? -1;
}

test('rows of many megabytes all arrive, and other statements wait for them', async () => {
  const client = await pool.connect();
  const copied = copyRows(client, COPY_ENTRIES, rows(60_000));
  const { rows: counted } = await client.query<{ count: number }>('select count(*)::int as count from entry');
  await copied;
  client.release();
  expect(counted).toEqual([{ count: 60_000 }]);
});

test('a key that is taken fails the copy with its code, and the connection lives on', async () => {
  const client = await pool.connect();
  await client.query('begin');
  await expect(copyRows(client, COPY_ENTRIES, rows(60_000, entry('e7')))).rejects.toMatchObject({ code: '23505' });
  await client.query('rollback');
  await copyRows(client, COPY_ENTRIES, rows(10));
  client.release();
  expect(await stored()).toBe(10);
});

test('rows nobody asked for are dropped: a statement that cannot run fails alone', async () => {
  const client = await pool.connect();
  const statement = 'copy nowhere from stdin (format binary)';
  await expect(copyRows(client, statement, rows(60_000))).rejects.toMatchObject({ code: '42P01' });
  await copyRows(client, COPY_ENTRIES, rows(10));
  client.release();
  expect(await stored()).toBe(10);
});

test('a connection that the server ends fails the copy instead of leaving it waiting', async () => {
  const client = await pool.connect();
  client.on('error', () => undefined);
  const { rows: own } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  await client.query('begin');
  const blocked = copyRows(client, COPY_ENTRIES, rows(60_000));
  await pool.query('select pg_terminate_backend($1)', [own[0]?.pid]);
  await expect(blocked).rejects.toThrow();
  client.release(true);
  expect(await stored()).toBe(0);
});
