import type pg from 'pg';
import { formatDay } from '../../../domain/archive/day.ts';
import type { BatchFigure, DayFigures } from '../../../pipeline/archive/archive-store.ts';
import { partitionName } from '../partitions.ts';
import { inTransaction } from '../pool.ts';

const FIGURES_PAGE = 5_000;

/**
 * Writes down a closed day's figures and sums the day. What an earlier run left behind is replaced; nobody reads figures
 * of a day that is still attached.
 */
export function recordFigures(pool: pg.Pool, dayMs: number): Promise<DayFigures> {
  const [day, table] = [formatDay(dayMs), partitionName(dayMs)];
  return inTransaction(pool, async (client) => {
    await client.query('set transaction isolation level repeatable read');
    await client.query('delete from archived_wallet_day where day = $1', [day]);
    await client.query('delete from archived_batch_day where day = $1', [day]);
    await client.query(
      `insert into archived_wallet_day (day, wallet_id, entries, amount, numbers, last_seq, last_balance)
       select $1, t.wallet_id, t.entries, t.amount, t.numbers, t.last_seq, l.balance_after
       from (select wallet_id, count(*) as entries, sum(amount) as amount, range_agg(int8range(seq, seq + 1)) as numbers,
               max(seq) as last_seq from ${table} group by wallet_id) t
       join ${table} l on l.wallet_id = t.wallet_id and l.seq = t.last_seq`,
      [day],
    );
    await client.query(
      `insert into archived_batch_day (day, lane, batch_no, kind, currency, entries, amount)
       select $1, e.lane, e.batch_no, e.kind, w.currency, count(*), sum(e.amount)
       from ${table} e join wallet w using (wallet_id) group by e.lane, e.batch_no, e.kind, w.currency`,
      [day],
    );
    const { rows } = await client.query<{ rows: bigint; first: string | null; last: string | null }>(
      `select count(*) as rows, (select event_key from ${table} order by event_key limit 1) as first,
         (select event_key from ${table} order by event_key desc limit 1) as last from ${table}`,
    );
    // From the table, not from the figures above: they are one more thing to compare it with.
    const sums = await client.query<{ currency: string; sum: string }>(
      `select w.currency, sum(e.amount)::text as sum from ${table} e join wallet w using (wallet_id)
       group by w.currency order by w.currency`,
    );
    return {
      rows: Number(rows[0]?.rows ?? 0n),
      firstKey: rows[0]?.first ?? null,
      lastKey: rows[0]?.last ?? null,
      sums: Object.fromEntries(sums.rows.map(({ currency, sum }) => [currency, sum])),
    };
  });
}

/** The day's figures per ledger transaction, in the order of its file, a page at a time. */
export async function* readFigures(pool: pg.Pool, dayMs: number): AsyncGenerator<BatchFigure, void, undefined> {
  let after: readonly [number, bigint, number, string] = [-1, 0n, 0, ''];
  for (;;) {
    const { rows }: { rows: (Omit<BatchFigure, 'batchNo'> & { readonly batch_no: bigint })[] } = await pool.query(
      `select lane, batch_no, kind, currency, entries, amount from archived_batch_day
       where day = $1 and (lane, batch_no, kind, currency) > ($2, $3, $4, $5)
       order by lane, batch_no, kind, currency limit $6`,
      [formatDay(dayMs), ...after, FIGURES_PAGE],
    );
    for (const { batch_no, ...figure } of rows) yield { ...figure, batchNo: batch_no };
    const last = rows.at(-1);
    if (last === undefined || rows.length < FIGURES_PAGE) return;
    after = [last.lane, last.batch_no, last.kind, last.currency];
  }
}
