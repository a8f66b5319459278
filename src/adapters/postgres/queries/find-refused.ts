import { parseJsonObject } from '../../../json-object.ts';
import type { Occurrence } from '../../../pipeline/queries/found-event.ts';
import type { RejectedFilter, RejectedView } from '../../../pipeline/queries/queries.ts';
import type { Querier } from '../pool.ts';

export interface QuarantinedRow {
  readonly event_key: string;
  readonly wallet_id: bigint | null;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly currency: string | null;
  readonly lane: number;
  readonly batch_no: bigint;
  readonly position: number;
  readonly reason: string;
  readonly amount: bigint | null;
  readonly source: string;
  readonly meter: string;
  readonly quantity: string | null;
  readonly event_time: Date;
  readonly ingested_at: Date;
  readonly decision_id: string | null;
  readonly status: 'open' | 'posted' | 'void' | 'duplicate';
  readonly closed_at: Date | null;
  readonly closed_by: string | null;
  readonly closed_reason: string | null;
}

/** Quarantined usage with this event id, settled or not. */
export async function findQuarantined(pool: Querier, id: string, tenant: string): Promise<readonly QuarantinedRow[]> {
  const { rows } = await pool.query<Omit<QuarantinedRow, 'quantity'> & { event: string }>(
    `select q.event_key, q.wallet_id, q.tenant_id, q.account_id, w.currency, q.lane, q.batch_no, q.position, q.reason, q.amount,
       q.source, q.meter, q.event_time, q.ingested_at, q.decision_id, q.status, q.closed_at, q.closed_by, q.closed_reason, q.event
     from quarantine q left join wallet w using (wallet_id) where q.event_id = $1 and q.tenant_id = $2`,
    [id, tenant],
  );
  return rows.map(({ event, ...row }) => {
    const quantity = parseJsonObject(event)?.quantity;
    return { ...row, quantity: typeof quantity === 'string' ? quantity : null };
  });
}

interface RejectedRow {
  readonly event_id: string | null;
  readonly tenant_id: string;
  readonly source: string | null;
  readonly code: string;
  readonly field: string;
  readonly value: string;
  readonly fix: string;
  readonly raw: string;
  readonly rejected_at: Date;
}

const REJECTED_COLUMNS = 'event_id, tenant_id, source, code, field, value, fix, raw, rejected_at';

/** Times an event with this id was refused as it came. */
export async function findRejected(pool: Querier, id: string, tenant: string): Promise<readonly Occurrence[]> {
  const { rows } = await pool.query<RejectedRow>(
    `select ${REJECTED_COLUMNS} from rejected_event where event_id = $1 and tenant_id = $2`,
    [id, tenant],
  );
  return rows.map((row) => ({
    key: null,
    status: 'rejected',
    code: row.code,
    field: row.field,
    value: row.value,
    fix: row.fix,
    raw: row.raw,
    tenant,
    source: row.source,
    account: null,
    wallet: null,
    meter: null,
    quantity: null,
    amount: null,
    currency: null,
    occurredAtMs: null,
    ingestedAtMs: null,
    rejectedAtMs: row.rejected_at.getTime(),
    batch: null,
    quarantine: null,
    entry: null,
    corrections: [],
  }));
}

/**
 * Rejected events, with or without an id: of one run in the order of its file, otherwise the newest first. The jobs of a
 * run are named after it and numbered, so the order of their names is the order of the file.
 */
export async function listRejected(pool: Querier, filter: RejectedFilter): Promise<readonly RejectedView[]> {
  const { tenant, run = null, code = null, source = null, limit } = filter;
  const order = run === null ? 'rejected_at desc, job_id desc, position' : 'job_id, position';
  const { rows } = await pool.query<RejectedRow>(
    `select ${REJECTED_COLUMNS} from rejected_event
     where tenant_id = $1 and ($2::text is null or starts_with(job_id, $2 || '-'))
       and ($3::text is null or code = $3) and ($4::text is null or source = $4)
     order by ${order} limit $5`,
    [tenant, run, code, source, limit],
  );
  return rows.map((row) => ({
    id: row.event_id,
    tenant: row.tenant_id,
    source: row.source,
    code: row.code,
    field: row.field,
    value: row.value,
    fix: row.fix,
    raw: row.raw,
    rejectedAtMs: row.rejected_at.getTime(),
  }));
}
