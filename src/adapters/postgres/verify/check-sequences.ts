import type pg from 'pg';
import { formatWalletId } from '../../../domain/ids.ts';
import { finding, type LedgerFinding } from '../../../pipeline/queries/ledger-finding.ts';
import { readCursor } from '../queries/read-cursor.ts';

interface ChainedEntry {
  readonly lane: number;
  readonly batch_no: bigint;
  readonly wallet_id: bigint;
  readonly account_id: string | null;
  readonly event_key: string;
  readonly seq: bigint;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly seq_before: bigint;
  readonly balance_before: bigint;
}

/**
 * Entries whose number or balance does not follow from the one before, wallet by wallet. Numbers of archived days are filled
 * in from what the ledger keeps of them; balances across them are held by the roots of their batches.
 */
export async function* checkSequences(client: pg.PoolClient): AsyncGenerator<LedgerFinding> {
  const rows = readCursor<ChainedEntry>(client, {
    name: 'verify_sequence',
    page: 1_000,
    sql: `with archived as (
        select wallet_id, range_agg(range) as numbers from (
          select wallet_id, unnest(numbers) as range from archived_wallet_day join archived_day using (day) where state = 'archived'
        ) r group by wallet_id
      )
      select c.*, w.account_id from (
        select lane, batch_no, wallet_id, event_key, seq, amount, balance_after,
          coalesce(lag(seq) over own, 0) as seq_before, coalesce(lag(balance_after) over own, 0) as balance_before
        from entry window own as (partition by wallet_id order by seq, event_key)
      ) c left join wallet w using (wallet_id) left join archived a using (wallet_id)
      where case when c.seq = c.seq_before + 1
          then c.balance_after <> c.balance_before + c.amount or coalesce(a.numbers @> c.seq, false)
        when c.seq > c.seq_before then coalesce(a.numbers @> c.seq or not a.numbers @> int8range(c.seq_before + 1, c.seq), true)
        else true end
      order by c.wallet_id, c.seq`,
  });
  for await (const row of rows) {
    const about = {
      table: 'entry',
      lane: row.lane,
      batch: row.batch_no.toString(),
      account: row.account_id,
      wallet: formatWalletId(row.wallet_id),
      sequence: row.seq.toString(),
      eventKey: row.event_key,
    };
    const expected = row.seq_before + 1n;
    if (row.seq !== expected) {
      const values = { column: 'seq', stored: row.seq.toString(), expected: expected.toString() };
      const missing = row.seq > expected;
      const why = missing
        ? `entries ${expected} to ${row.seq - 1n} of the wallet are not there, or this one has a wrong number`
        : `entry ${row.seq} is there twice, or this one has a wrong number`;
      yield finding({ what: missing ? 'missing' : 'changed', ...about, ...values, why });
      // After a gap the balance has no known predecessor.
      if (missing) continue;
    }
    const balance = row.balance_before + row.amount;
    if (row.balance_after === balance) {
      if (row.seq !== expected) continue;
      const why = `entry ${row.seq} of the wallet is in an archived day already`;
      yield finding({ what: 'changed', ...about, column: 'seq', stored: row.seq.toString(), why });
      continue;
    }
    const values = { column: 'balance_after', stored: row.balance_after.toString(), expected: balance.toString() };
    const why = `entry ${row.seq_before} left ${row.balance_before} nanos and this one moves ${row.amount}`;
    yield finding({ what: 'changed', ...about, ...values, why });
  }
}
