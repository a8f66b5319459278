import fc from 'fast-check';
import { from as copyFrom } from 'pg-copy-streams';
import { expect, test } from 'vitest';
import { ENTRY_COLUMNS, type EncodableEntry, encodeEntries } from '../../src/adapters/postgres/copy-entries.ts';
import { preparePartitions } from '../../src/adapters/postgres/partitions.ts';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { eventKeyOf, formatEventKey } from '../../src/domain/events/event-key.ts';
import { ENTRY_KIND } from '../../src/domain/ledger/wallet.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { createTestDatabase } from '../support/postgres.ts';

const INT8_MAX = 2n ** 63n - 1n;
// A day before PostgreSQL's own epoch, the epochs themselves, today, and one far off.
const DAYS = [Date.UTC(1999, 11, 31), Date.UTC(2000, 0, 1), 0, Date.UTC(2026, 2, 1), Date.UTC(2100, 1, 28)];

const amount = fc.bigInt({ min: -INT8_MAX - 1n, max: INT8_MAX });
const row = fc.record({
  day: fc.constantFrom(...DAYS),
  ms: fc.nat(DAY_MS - 1),
  walletId: fc.bigInt({ min: 0n, max: INT8_MAX }),
  seq: fc.bigInt({ min: 1n, max: INT8_MAX }),
  amount,
  balanceAfter: amount,
  contentHash: amount,
  kind: fc.constantFrom(...Object.values(ENTRY_KIND)),
});

test('entries read back from PostgreSQL as they were encoded, to the last bit of every column', async () => {
  const database = await createTestDatabase();
  const pool = createPool(database.connectionString, { name: 'test', max: 1, onError: () => undefined });
  await preparePartitions(pool, new Set(), DAYS);
  let batchNo = 2 ** 40;
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 50 }), async (drawn) => {
      batchNo += 2 ** 30 + 1;
      const entries: EncodableEntry[] = drawn.map(({ day, ms, walletId, ...rest }, index) => ({
        ...rest,
        key: eventKeyOf({ tenant: 't', source: 's', id: `${batchNo} ${index}`, occurredAtMs: day + ms }),
        wallet: { walletId },
      }));
      const client = await pool.connect();
      await new Promise<void>((resolve, reject) => {
        const stream = client.query(copyFrom(`copy entry (${ENTRY_COLUMNS}) from stdin (format binary)`));
        stream
          .on('error', reject)
          .on('finish', resolve)
          .end(encodeEntries(entries, batchNo, 63));
      });
      client.release();
      const { rows } = await pool.query(`select ${ENTRY_COLUMNS} from entry where batch_no = $1 order by event_key`, [
        batchNo,
      ]);
      const expected = entries.map(({ key, wallet, seq, amount: moved, balanceAfter, contentHash, kind }) => ({
        event_key: formatEventKey(key),
        wallet_id: wallet.walletId,
        seq,
        amount: moved,
        balance_after: balanceAfter,
        event_time: new Date(key.timeMs),
        content_hash: contentHash,
        batch_no: BigInt(batchNo),
        lane: 63,
        kind,
      }));
      expect(rows).toEqual(expected.sort((left, right) => (left.event_key < right.event_key ? -1 : 1)));
    }),
    { seed: 20_260_305, numRuns: 40 },
  );
  await pool.end();
  await database.drop();
});
