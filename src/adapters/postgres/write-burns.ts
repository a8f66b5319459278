import type pg from 'pg';
import { sumBurns } from '../../domain/ledger/grant.ts';
import type { BurnRow } from '../../pipeline/lane/batch-record.ts';
import { int8Array } from './binary-array.ts';

/** Writes what a batch took out of grants, one row a grant, and what is left in each. */
export async function writeBurns(
  client: pg.PoolClient,
  batch: { readonly lane: number; readonly batchNo: number | bigint },
  burns: readonly BurnRow[],
): Promise<void> {
  const rows = sumBurns(burns);
  await client.query({
    name: 'write-burns',
    text: `with burnt as (
        select * from unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) as u(grant_id, wallet_id, amount, remaining)
      ), closed as (
        update credit_grant g set remaining = b.remaining from burnt b where g.grant_id = b.grant_id
      )
      insert into grant_burn (lane, batch_no, grant_id, wallet_id, amount)
      select $1, $2, grant_id, wallet_id, amount from burnt`,
    values: [
      batch.lane,
      batch.batchNo,
      rows.map(({ grantId }) => grantId),
      int8Array(rows, ({ walletId }) => walletId),
      int8Array(rows, ({ amount }) => amount),
      int8Array(rows, ({ remaining }) => remaining),
    ],
  });
}
