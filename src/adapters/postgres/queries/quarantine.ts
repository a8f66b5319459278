import { formatWalletId } from '../../../domain/ids.ts';
import { parseJsonObject } from '../../../json-object.ts';
import type { QuarantineFilter, QuarantineStatus, QuarantineView } from '../../../pipeline/queries/quarantine-view.ts';
import { filterSql } from '../admin/quarantine-filter.ts';
import type { Querier } from '../pool.ts';

/** Quarantined usage that a filter fits: money at risk by reason, and the rows, oldest first. */
export async function listQuarantine(pool: Querier, filter: QuarantineFilter): Promise<QuarantineView> {
  const { status, limit } = filter;
  const { sql, values } = filterSql(filter, 2);
  const totals = await pool.query<{
    reason: string;
    currency: string;
    events: bigint;
    without_price: bigint;
    amount: bigint;
    oldest: Date;
  }>(
    `select q.reason, w.currency, count(*) as events, count(*) filter (where q.amount is null) as without_price,
       coalesce(sum(q.amount), 0)::bigint as amount, min(q.ingested_at) as oldest
     from quarantine q join wallet w using (wallet_id)
     where q.status = $1 and ${sql} group by q.reason, w.currency order by amount desc, q.reason, w.currency`,
    [status, ...values],
  );
  return {
    totals: totals.rows.map((row) => ({
      reason: row.reason,
      currency: row.currency,
      events: Number(row.events),
      withoutPrice: Number(row.without_price),
      amount: row.amount,
      oldestMs: row.oldest.getTime(),
    })),
    events: await listEvents(pool, { status, limit, sql, values }),
  };
}

interface EventRow {
  readonly event_key: string;
  readonly event_id: string;
  readonly source: string;
  readonly account_id: string;
  readonly wallet_id: bigint | null;
  readonly meter: string;
  readonly event: string;
  readonly reason: string;
  readonly status: QuarantineStatus;
  readonly amount: bigint | null;
  readonly currency: string;
  readonly event_time: Date;
  readonly ingested_at: Date;
  readonly closed_at: Date | null;
  readonly closed_by: string | null;
}

async function listEvents(
  pool: Querier,
  wanted: Pick<QuarantineFilter, 'status' | 'limit'> & ReturnType<typeof filterSql>,
): Promise<QuarantineView['events']> {
  const { status, limit, sql, values } = wanted;
  const { rows } = await pool.query<EventRow>(
    `select q.event_key, q.event_id, q.source, q.account_id, q.wallet_id, q.meter, q.event, q.reason, q.status, q.amount, w.currency,
       q.event_time, q.ingested_at, q.closed_at, q.closed_by
     from quarantine q join wallet w using (wallet_id)
     where q.status = $1 and ${sql} order by q.ingested_at, q.lane, q.batch_no, q.position limit $${values.length + 2}`,
    [status, ...values, limit],
  );
  return rows.map((row) => {
    const quantity = parseJsonObject(row.event)?.quantity;
    return {
      key: row.event_key,
      id: row.event_id,
      source: row.source,
      account: row.account_id,
      wallet: row.wallet_id === null ? null : formatWalletId(row.wallet_id),
      meter: row.meter,
      quantity: typeof quantity === 'string' ? quantity : null,
      reason: row.reason,
      status: row.status,
      amount: row.amount,
      currency: row.currency,
      occurredAtMs: row.event_time.getTime(),
      ingestedAtMs: row.ingested_at.getTime(),
      closedAtMs: row.closed_at?.getTime() ?? null,
      closedBy: row.closed_by,
    };
  });
}
