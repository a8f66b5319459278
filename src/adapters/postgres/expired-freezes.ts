import type pg from 'pg';
import { formatWalletId } from '../../domain/ids.ts';
import { formatIso } from '../../domain/time.ts';
import type { ExpiredFreeze } from '../../pipeline/admin/thaw-sweeper.ts';

const PAGE = 500;

/** Wallets whose freeze has a date in the past. */
export async function expiredFreezes(pool: pg.Pool, nowMs: number): Promise<readonly ExpiredFreeze[]> {
  const { rows } = await pool.query<{ tenant_id: string; wallet_id: bigint; status_sequence: bigint }>(
    `select tenant_id, wallet_id, status_sequence from wallet
     where status = 'frozen' and frozen_until <= $1 order by frozen_until limit $2`,
    [formatIso(nowMs), PAGE],
  );
  return rows.map((row) => ({
    tenant: row.tenant_id,
    walletId: formatWalletId(row.wallet_id),
    statusSequence: Number(row.status_sequence),
  }));
}
