import type pg from 'pg';
import { formatIso } from '../../domain/time.ts';
import type { DueHold } from '../../pipeline/holds/hold-sweeper.ts';

/** Open holds whose time is over, the longest first. */
export async function dueHolds(pool: pg.Pool, nowMs: number, limit: number): Promise<readonly DueHold[]> {
  const { rows } = await pool.query<{ tenant_id: string; hold_id: string; wallet_id: bigint; shard: number }>(
    `select tenant_id, hold_id, wallet_id, shard from hold where state = 'open' and expires_at <= $1
     order by expires_at limit $2`,
    [formatIso(nowMs), limit],
  );
  return rows.map((row) => ({
    tenant: row.tenant_id,
    holdId: row.hold_id,
    walletId: row.wallet_id,
    shard: row.shard,
  }));
}
