import { expect, test } from 'vitest';
import { createHistory } from '../../src/adapters/postgres/statement/history.ts';
import { WalletIndexer } from '../../src/adapters/postgres/wallet-index.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { creditDollars, expectProven } from '../support/corrections.ts';
import { openTestLedger, START_MS, type TestLedger } from '../support/ledger.ts';

const MIDNIGHT_MS = Math.floor(START_MS / DAY_MS) * DAY_MS;
const TODAY = 'entry_20260302';
const YESTERDAY = 'entry_20260301';

/** Two days of usage of two accounts. */
async function twoDays(): Promise<TestLedger> {
  const ledger = await openTestLedger();
  for (const account of ['acme', 'other']) {
    await creditDollars(ledger, account, 100);
    const usage = Array.from({ length: 20 }, (_, index) => ({ id: `${account}-${index}`, dollars: '0.5' }));
    await ledger.use(
      account,
      usage.map((event, index) => (index < 10 ? { ...event, atMs: START_MS - DAY_MS } : event)),
    );
  }
  await ledger.pool.query('select pg_stat_force_next_flush()').catch(() => undefined);
  return ledger;
}

async function indexed(ledger: TestLedger): Promise<readonly string[]> {
  const { rows } = await ledger.pool.query<{ table: string }>(
    `select indrelid::regclass::text as "table" from pg_index
     where indexrelid::regclass::text ~ '^entry_\\d{8}_wallet$' and indisvalid order by 1`,
  );
  return rows.map(({ table }) => table);
}

test('a day gets its index per wallet once it is over and quiet, and not before', async () => {
  const ledger = await twoDays();
  let nowMs = START_MS;
  const indexer = new WalletIndexer(ledger.pool, () => nowMs);
  expect(await indexer.sweep()).toEqual([]);
  nowMs += 5_000;
  // It looks once a minute, and a day has to be as it was at the look before.
  expect(await indexer.sweep()).toEqual([]);
  nowMs += MINUTE_MS;
  expect(await indexer.sweep()).toEqual([YESTERDAY]);
  expect(await indexed(ledger)).toEqual([YESTERDAY]);

  nowMs = MIDNIGHT_MS + DAY_MS + HOUR_MS;
  for (let look = 0; look < 3; look++, nowMs += MINUTE_MS) expect(await indexer.sweep()).toEqual([]);
  nowMs = MIDNIGHT_MS + DAY_MS + 2 * HOUR_MS;
  for (let look = 0; look < 3; look++, nowMs += MINUTE_MS) await indexer.sweep();
  expect(await indexed(ledger)).toEqual([YESTERDAY, TODAY]);

  // Late usage still comes in, and is in the statement.
  await ledger.use('acme', [{ id: 'late', dollars: '3', atMs: START_MS - DAY_MS }]);
  const { entries } = await createHistory(ledger.pool).entries(
    { tenant: 'default', name: 'acme' },
    { before: undefined, limit: 3 },
  );
  expect(entries[0]).toMatchObject({ eventId: 'late', sequence: 22n });
  await expectProven(ledger);
});

test('a day that is being filled in waits', async () => {
  const ledger = await twoDays();
  let nowMs = START_MS;
  const indexer = new WalletIndexer(ledger.pool, () => nowMs);
  await indexer.sweep();
  const many = Array.from({ length: 1_500 }, (_, index) => ({
    id: `m${index}`,
    dollars: '0',
    atMs: START_MS - DAY_MS,
  }));
  await ledger.use('acme', many);
  const inserted = async () => {
    const { rows } = await ledger.pool.query(`select n_tup_ins from pg_stat_user_tables where relname = $1`, [
      YESTERDAY,
    ]);
    return Number(rows[0]?.n_tup_ins ?? 0);
  };
  // The server counts a writer's rows a second later.
  await expect.poll(inserted, { timeout: 10_000 }).toBeGreaterThan(1_500);
  nowMs += MINUTE_MS;
  expect(await indexer.sweep()).toEqual([]);
  nowMs += MINUTE_MS;
  expect(await indexer.sweep()).toEqual([YESTERDAY]);
});

test('a half-made index is made again, and one process makes it', async () => {
  const ledger = await twoDays();
  await ledger.pool.query(`create index ${YESTERDAY}_wallet on ${YESTERDAY} (wallet_id, seq)`);
  await ledger.pool.query(`update pg_index set indisvalid = false where indexrelid = '${YESTERDAY}_wallet'::regclass`);
  expect(await indexed(ledger)).toEqual([]);
  let nowMs = START_MS;
  const indexers = [new WalletIndexer(ledger.pool, () => nowMs), new WalletIndexer(ledger.pool, () => nowMs)];
  await Promise.all(indexers.map((indexer) => indexer.sweep()));
  nowMs += MINUTE_MS;
  const made = await Promise.all(indexers.map((indexer) => indexer.sweep()));
  expect(made.flat()).toContain(YESTERDAY);
  expect(await indexed(ledger)).toEqual([YESTERDAY]);
  await indexers[0]?.close();
  expect(await indexers[0]?.sweep()).toEqual([]);
});

test('the planner can find the entries of a past day by their wallet', async () => {
  const ledger = await twoDays();
  let nowMs = START_MS;
  const indexer = new WalletIndexer(ledger.pool, () => nowMs);
  await indexer.sweep();
  nowMs += MINUTE_MS;
  await indexer.sweep();
  const { rows } = await ledger.pool
    .query<{ 'QUERY PLAN': string }>(
      `set enable_seqscan = off; explain select from entry where wallet_id = 1 and seq > 3 order by seq`,
    )
    .then((results) => (results as unknown as readonly { rows: { 'QUERY PLAN': string }[] }[])[1] ?? { rows: [] });
  expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain(`${YESTERDAY}_wallet`);
});
