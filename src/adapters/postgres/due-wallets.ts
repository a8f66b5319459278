import type pg from 'pg';
import { formatIso } from '../../domain/time.ts';
import type { DueSlowdown } from '../../pipeline/admin/credit-sweeper.ts';

/** A wallet that a timer has something to do for. */
export interface DueWallet {
  readonly walletId: bigint;
  readonly shard: number;
}

const PAGE = 500;

/** Wallets with credit whose time is over and that no hold counts on. */
export async function walletsWithEndedCredit(pool: pg.Pool, nowMs: number): Promise<readonly DueWallet[]> {
  const { rows } = await pool.query<{ wallet_id: bigint; shard: number }>(
    `select distinct w.wallet_id, w.shard from credit_grant g join wallet w using (wallet_id)
     where g.remaining > 0 and g.expires_at <= $1 
       and w.posted > coalesce((select sum(h.amount) from hold h where h.wallet_id = w.wallet_id and h.state = 'open'), 0)
     limit $2`,
    [formatIso(nowMs), PAGE],
  );
  return rows.map((row) => ({ walletId: row.wallet_id, shard: row.shard }));
}

/**
 * Active wallets whose oldest throttled usage fits the period of this moment. Usage that costs more than a whole period
 * may spend is no reason to look: only another limit lets it through.
 */
export async function walletsWithRoom(pool: pg.Pool, nowMs: number): Promise<readonly DueWallet[]> {
  const { rows } = await pool.query<{ wallet_id: bigint; shard: number }>(
    `select w.wallet_id, w.shard
     from (select distinct wallet_id from quarantine where status = 'open' and reason = 'throttled') t
     join wallet w using (wallet_id)
     cross join lateral (
       select q.amount, q.residue from quarantine q
       where q.wallet_id = w.wallet_id and q.status = 'open' and q.reason = 'throttled' and (w.throttle_limit is null
         or q.amount < w.throttle_limit or (q.amount = w.throttle_limit and q.residue = 0))
         and (w.slowed is null or q.amount < (w.slowed ->> 'limit')::bigint
           or (q.amount = (w.slowed ->> 'limit')::bigint and q.residue = 0))
       order by q.lane, q.batch_no, q.position limit 1) oldest
     where w.status = 'active' and (w.slowed is null or (w.slowed ->> 'untilMs')::bigint <= $3
         or (w.slowed ->> 'periodAtMs')::bigint + (w.slowed ->> 'periodMs')::bigint <= $3
         or oldest.amount <= (w.slowed ->> 'limit')::bigint - (w.slowed ->> 'spent')::bigint)
       and (w.throttle_limit is null
         or w.throttle_period_at + w.throttle_period_ms * interval '1 millisecond' <= $1
         or oldest.amount <= w.throttle_limit - w.throttle_spent)
     limit $2`,
    [formatIso(nowMs), PAGE, nowMs],
  );
  return rows.map((row) => ({ walletId: row.wallet_id, shard: row.shard }));
}

/** Wallets whose slow-down is over and that no usage has reached since. */
export async function walletsWithSlowdownOver(pool: pg.Pool, nowMs: number): Promise<readonly DueSlowdown[]> {
  const { rows } = await pool.query<{ tenant_id: string; wallet_id: bigint; until: bigint }>(
    `select tenant_id, wallet_id, (slowed ->> 'untilMs')::bigint as until from wallet
     where slowed is not null and (slowed ->> 'untilMs')::bigint <= $1 limit $2`,
    [nowMs, PAGE],
  );
  return rows.map((row) => ({ tenant: row.tenant_id, walletId: row.wallet_id, untilMs: Number(row.until) }));
}
