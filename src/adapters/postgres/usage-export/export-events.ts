import type pg from 'pg';
import { exportIdentifier } from '../../../domain/usage-export/plan-export.ts';
import { hourOf } from '../../../domain/usage-export/usage-change.ts';
import type { EventStatus, ExportStore, StoredExport } from '../../../pipeline/usage-export/export-store.ts';
import { inTransaction } from '../pool.ts';
import { at, ms, msOrNull } from '../stripe/rows.ts';

interface EventRow {
  readonly identifier: string;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly meter: string;
  readonly hour: Date;
  readonly part: number;
  readonly dated_at: Date;
  readonly event_name: string;
  readonly customer_id: string;
  readonly value: string;
  readonly value_steps: string;
  readonly decimals: number;
  readonly status: EventStatus;
  readonly attempts: number;
  readonly first_attempt_at: Date | null;
  readonly sent_at: Date | null;
  readonly confirmed_at: Date | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly created_at: Date;
}

type EventTable = Pick<ExportStore, 'pending' | 'attempt' | 'settle' | 'judge' | 'reject' | 'failed' | 'again'>;

const FAILED = `('refused', 'rejected', 'uncertain')`;
const TEXT_MAX = 500;

/** Events that tell usage, from being kept to being confirmed. */
export function eventTable(pool: pg.Pool): EventTable {
  return {
    async pending(limit, firstAttemptBeforeMs) {
      const { rows } = await pool.query<EventRow>(
        `select * from usage_export_event where status = 'pending' and ($2::timestamptz is null or first_attempt_at <= $2)
         order by created_at, identifier limit $1`,
        [limit, at(firstAttemptBeforeMs ?? null)],
      );
      return rows.map(readEvent);
    },
    async attempt(identifiers, nowMs) {
      await pool.query(
        `update usage_export_event set attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, $2)
         where identifier = any($1) and status = 'pending'`,
        [identifiers, at(nowMs)],
      );
    },
    async settle(sent, nowMs) {
      const { rows } = await pool.query<{ posted_at: Date; status: EventStatus }>(
        `update usage_export_event e set
           status = case when s.status in ('taken', 'repeated') then 'taken' when s.status = 'refused' then 'refused' else e.status end,
           sent_at = case when s.status in ('taken', 'repeated') then $5 else e.sent_at end,
           -- What surely was not tried may be sent as if for the first time.
           first_attempt_at = case when s.status = 'unsent' and e.attempts = 1 then null else e.first_attempt_at end,
           attempts = case when s.status = 'unsent' then e.attempts - 1 else e.attempts end,
           code = s.code, message = s.message
         from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as s(identifier, status, code, message)
         where e.identifier = s.identifier and e.status = 'pending' returning e.posted_at, e.status`,
        [
          sent.map(({ identifier }) => identifier),
          sent.map(({ status }) => status),
          sent.map(({ code }) => code ?? null),
          sent.map(({ message }) => message?.slice(0, TEXT_MAX) ?? null),
          at(nowMs),
        ],
      );
      return rows.flatMap((row) => (row.status === 'taken' ? [nowMs - ms(row.posted_at)] : []));
    },
    async judge(identifiers, verdict, nowMs) {
      const [set, code] =
        verdict === 'arrived'
          ? [`status = 'taken', sent_at = first_attempt_at`, null]
          : verdict === 'lost'
            ? // Forgotten there and not counted: the identifier is as good as new.
              ['first_attempt_at = null', 'lost']
            : [`status = 'uncertain'`, 'uncertain'];
      await pool.query(
        `update usage_export_event set ${set}, code = $2, checked_at = $3 where identifier = any($1) and status = 'pending'`,
        [identifiers, code, at(nowMs)],
      );
    },
    async reject(identifier, code, message, nowMs) {
      const { rowCount } = await pool.query(
        `update usage_export_event set status = case status when 'replaced' then status else 'rejected' end, code = $2,
           message = $3, checked_at = $4, confirmed_at = null where identifier = $1`,
        [identifier, code.slice(0, TEXT_MAX), message.slice(0, TEXT_MAX), at(nowMs)],
      );
      return rowCount === 1;
    },
    async failed(limit) {
      const { rows } = await pool.query<EventRow>(
        `select * from usage_export_event where status in ${FAILED} order by created_at desc, identifier limit $1`,
        [limit],
      );
      return rows.map(readEvent);
    },
    again: (identifier, nowMs) => inTransaction(pool, (client) => sendAgain(client, identifier, nowMs)),
  };
}

/** The same value under a new identifier: the old one may be remembered, and would be taken for a repetition. */
async function sendAgain(client: pg.PoolClient, identifier: string, nowMs: number): Promise<StoredExport | undefined> {
  const { rows } = await client.query<EventRow>(
    `update usage_export_event set status = 'replaced' where identifier = $1 and status in ${FAILED} returning *`,
    [identifier],
  );
  const [old] = rows;
  if (old === undefined) return undefined;
  const { tenant_id: tenant, account_id: account, meter, hour } = old;
  const next = await client.query<{ parts: number }>(
    `update usage_hour set parts = parts + 1 where tenant_id = $1 and account_id = $2 and meter = $3 and hour = $4
     returning parts`,
    [tenant, account, meter, hour],
  );
  const part = next.rows[0]?.parts ?? old.part + 1;
  // Usage keeps its hour; what takes usage back belongs where it is taken back.
  const datedAt = BigInt(old.value_steps) < 0n ? at(hourOf(nowMs)) : old.dated_at;
  const inserted = await client.query<EventRow>(
    `insert into usage_export_event (identifier, tenant_id, account_id, meter, hour, part, dated_at, event_name,
       customer_id, value, value_steps, decimals, reason, posted_at, created_at)
     select $2, e.tenant_id, e.account_id, e.meter, e.hour, $3, $4, e.event_name,
       coalesce((select customer_id from stripe_customer c
         where c.tenant_id = e.tenant_id and c.account_id = e.account_id and c.deleted_at is null), e.customer_id),
       e.value, e.value_steps, e.decimals, 'again', e.posted_at, $5
     from usage_export_event e where e.identifier = $1 returning *`,
    [identifier, exportIdentifier({ tenant, account, meter, hourMs: ms(hour) }, part), part, datedAt, at(nowMs)],
  );
  return inserted.rows[0] === undefined ? undefined : readEvent(inserted.rows[0]);
}

function readEvent(row: EventRow): StoredExport {
  return {
    identifier: row.identifier,
    tenant: row.tenant_id,
    account: row.account_id,
    meter: row.meter,
    hourMs: ms(row.hour),
    part: row.part,
    atMs: ms(row.dated_at),
    eventName: row.event_name,
    customer: row.customer_id,
    value: row.value,
    valueSteps: BigInt(row.value_steps),
    decimals: row.decimals,
    status: row.status,
    attempts: row.attempts,
    firstAttemptMs: msOrNull(row.first_attempt_at),
    sentAtMs: msOrNull(row.sent_at),
    confirmedAtMs: msOrNull(row.confirmed_at),
    code: row.code,
    message: row.message,
    createdAtMs: ms(row.created_at),
  };
}
