import type pg from 'pg';
import type { AutoTopUp, AutoTopUpFigures, AutoTopUpTable } from '../../../pipeline/stripe/money-store.ts';
import { at, ms, msOrNull } from './rows.ts';

interface AutoRow {
  readonly wallet_id: bigint;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly currency: string;
  readonly is_on: boolean;
  readonly threshold: bigint;
  readonly amount: bigint;
  readonly daily_cap: bigint;
  readonly burst_max: number;
  readonly burst_window_ms: bigint;
  readonly declines: number;
  readonly paused_until: Date | null;
  readonly stopped_because: string | null;
  readonly resumed_at: Date | null;
  readonly updated_at: Date;
  readonly updated_by: string;
}

/** What open holds of a wallet reserve. */
const HELD = `(select coalesce(sum(h.amount), 0) from hold h where h.wallet_id = w.wallet_id and h.state = 'open')`;

/** Settings of automatic top-ups, and the balances they look at. */
export function autoTopUpTable(pool: pg.Pool): AutoTopUpTable {
  return {
    async set(policy, nowMs) {
      const { rows } = await pool.query<AutoRow>(
        `insert into auto_topup (wallet_id, tenant_id, account_id, currency, is_on, threshold, amount, daily_cap, burst_max,
           burst_window_ms, updated_at, updated_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (wallet_id) do update set is_on = excluded.is_on, threshold = excluded.threshold, amount = excluded.amount,
           daily_cap = excluded.daily_cap, burst_max = excluded.burst_max, burst_window_ms = excluded.burst_window_ms,
           updated_at = excluded.updated_at, updated_by = excluded.updated_by
         returning *`,
        [
          policy.walletId,
          policy.tenant,
          policy.account,
          policy.currency,
          policy.isOn,
          policy.thresholdNanos,
          policy.amountNanos,
          policy.dailyCapNanos,
          policy.burstMax,
          policy.burstWindowMs,
          at(nowMs),
          policy.updatedBy,
        ],
      );
      if (rows[0] === undefined) throw new Error('an upsert returns its row');
      return readAuto(rows[0]);
    },
    async read(walletId) {
      const { rows } = await pool.query<AutoRow>('select * from auto_topup where wallet_id = $1', [walletId]);
      return rows[0] === undefined ? undefined : readAuto(rows[0]);
    },
    async list({ tenant, limit }) {
      const { rows } = await pool.query<AutoRow>(
        'select * from auto_topup where tenant_id = $1 order by account_id, currency limit $2',
        [tenant, limit],
      );
      return rows.map(readAuto);
    },
    async belowThreshold(nowMs, limit) {
      const { rows } = await pool.query<{ wallet_id: bigint }>(
        `select a.wallet_id from auto_topup a join wallet w using (wallet_id)
         where a.is_on and a.stopped_because is null and (a.paused_until is null or a.paused_until <= $1)
           and w.status = 'active' and w.posted - ${HELD} < a.threshold
           and not exists (select from topup t where t.wallet_id = a.wallet_id and t.kind = 'auto'
             and t.status in ('pending', 'awaiting_customer', 'processing', 'in_review'))
           and exists (select from stripe_customer c
             where c.tenant_id = a.tenant_id and c.account_id = a.account_id and c.payment_method is not null)
         order by a.wallet_id limit $2`,
        [at(nowMs), limit],
      );
      return rows.map(({ wallet_id }) => wallet_id);
    },
    figures: (walletId, sinceMs) => readFigures(pool, walletId, sinceMs),
    async pause(walletId, untilMs, nowMs) {
      await pool.query('update auto_topup set paused_until = $2, updated_at = $3 where wallet_id = $1', [
        walletId,
        at(untilMs),
        at(nowMs),
      ]);
    },
    async stop(walletId, { kind, because }, nowMs) {
      await pool.query(
        'update auto_topup set stopped_kind = $2, stopped_because = $3, updated_at = $4 where wallet_id = $1',
        [walletId, kind, because, at(nowMs)],
      );
    },
    async countDecline(walletId, nowMs) {
      const { rows } = await pool.query<{ declines: number }>(
        'update auto_topup set declines = declines + 1, updated_at = $2 where wallet_id = $1 returning declines',
        [walletId, at(nowMs)],
      );
      return rows[0]?.declines ?? 1;
    },
    async clearDeclines(walletId, nowMs) {
      await pool.query(
        `update auto_topup set declines = 0, paused_until = null, updated_at = $2,
           stopped_because = case when stopped_kind = 'card' then null else stopped_because end,
           stopped_kind = nullif(stopped_kind, 'card')
         where wallet_id = $1 and (declines > 0 or paused_until is not null or stopped_kind = 'card')`,
        [walletId, at(nowMs)],
      );
    },
    async resume(walletId, by, nowMs) {
      const { rowCount } = await pool.query(
        `update auto_topup set is_on = true, declines = 0, paused_until = null, stopped_because = null, stopped_kind = null, resumed_at = $3,
           updated_at = $3, updated_by = $2 where wallet_id = $1`,
        [walletId, by, at(nowMs)],
      );
      return rowCount === 1;
    },
  };
}

interface FigureRow extends AutoRow {
  readonly available: bigint;
  readonly status: string;
  readonly customer_id: string | null;
  readonly payment_method: string | null;
  readonly in_flight: boolean;
  readonly recent: readonly { readonly at: string; readonly amount: string }[];
}

async function readFigures(pool: pg.Pool, walletId: bigint, sinceMs: number): Promise<AutoTopUpFigures | undefined> {
  const { rows } = await pool.query<FigureRow>(
    `select a.*, (w.posted - ${HELD})::bigint as available, w.status, c.customer_id, c.payment_method,
       exists (select from topup t where t.wallet_id = a.wallet_id and t.kind = 'auto'
         and t.status in ('pending', 'awaiting_customer', 'processing', 'in_review'))
       or exists (select from topup t where t.wallet_id = a.wallet_id and t.status in ('processing', 'in_review')) as in_flight,
       coalesce((select json_agg(json_build_object('at', t.created_at, 'amount', t.amount::text)) from topup t
         where t.wallet_id = a.wallet_id and t.kind = 'auto' and t.created_at > greatest($2, a.resumed_at)
           and t.status in ('pending', 'awaiting_customer', 'processing', 'in_review', 'paid')), '[]'::json) as recent
     from auto_topup a join wallet w using (wallet_id)
     left join stripe_customer c on c.tenant_id = a.tenant_id and c.account_id = a.account_id and c.deleted_at is null
     where a.wallet_id = $1`,
    [walletId, at(sinceMs)],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const { customer_id: customer, tenant_id: tenant, account_id: account, payment_method: paymentMethod } = row;
  return {
    policy: readAuto(row),
    availableNanos: row.available,
    isFrozen: row.status !== 'active',
    customer: customer === null ? null : { customer, tenant, account, paymentMethod },
    isInFlight: row.in_flight,
    recent: row.recent.map((item) => ({ atMs: Date.parse(item.at), amountNanos: BigInt(item.amount) })),
  };
}

function readAuto(row: AutoRow): AutoTopUp {
  return {
    walletId: row.wallet_id,
    tenant: row.tenant_id,
    account: row.account_id,
    currency: row.currency,
    isOn: row.is_on,
    thresholdNanos: row.threshold,
    amountNanos: row.amount,
    dailyCapNanos: row.daily_cap,
    burstMax: row.burst_max,
    burstWindowMs: Number(row.burst_window_ms),
    declines: row.declines,
    pausedUntilMs: msOrNull(row.paused_until),
    stoppedBecause: row.stopped_because,
    resumedAtMs: msOrNull(row.resumed_at),
    updatedAtMs: ms(row.updated_at),
    updatedBy: row.updated_by,
  };
}
