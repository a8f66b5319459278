import type pg from 'pg';
import { HOUR_MS } from '../../../domain/time.ts';
import type { ExportStore, HourSums } from '../../../pipeline/usage-export/export-store.ts';
import { at, ms } from '../stripe/rows.ts';

interface SumRow {
  readonly tenant_id: string;
  readonly account_id: string;
  readonly meter: string;
  readonly hour: Date;
  readonly customer_id: string;
  readonly event_name: string;
  readonly decimals: number;
  readonly taken: string;
  readonly pending: string;
  readonly rejected: string;
  readonly uncertain: string;
  readonly sent_values: readonly string[];
  readonly last_sent: Date | null;
}

type SumTable = Pick<ExportStore, 'unconfirmed' | 'sumsIn' | 'unsentIn' | 'checked'>;

// One row for each customer, meter and hour that events are dated into.
const SUMS = `select tenant_id, account_id, meter, date_trunc('hour', dated_at) as hour, customer_id, event_name, decimals,
    coalesce(sum(value_steps) filter (where status = 'taken'), 0) as taken,
    coalesce(sum(value_steps) filter (where status = 'pending'), 0) as pending,
    coalesce(sum(value_steps) filter (where status in ('refused', 'rejected')), 0) as rejected,
    coalesce(sum(value_steps) filter (where status = 'uncertain'), 0) as uncertain,
    coalesce(array_agg(value_steps::text) filter (where status = 'taken'), '{}') as sent_values,
    max(sent_at) as last_sent, min(checked_at) as checked
  from usage_export_event`;
const GROUP = "group by tenant_id, account_id, meter, date_trunc('hour', dated_at), customer_id, event_name, decimals";

/** Events added up by the hours they are dated into. */
export function sumTable(pool: pg.Pool): SumTable {
  return {
    async unconfirmed(sentBeforeMs, checkedBeforeMs, limit) {
      const { rows } = await pool.query<SumRow>(
        `with open as (
           select distinct customer_id, event_name, date_trunc('hour', dated_at) as hour, checked_at from usage_export_event
           where status = 'taken' and confirmed_at is null and sent_at < $1 and (checked_at is null or checked_at < $2)
           order by checked_at nulls first limit $3)
         ${SUMS} where status <> 'replaced'
           and (customer_id, event_name, date_trunc('hour', dated_at)) in (select customer_id, event_name, hour from open)
         ${GROUP} order by 4`,
        [at(sentBeforeMs), at(checkedBeforeMs), limit],
      );
      return rows.map(readSum);
    },
    async sumsIn(fromMs, toMs) {
      const { rows } = await pool.query<SumRow>(
        `${SUMS} where status <> 'replaced' and dated_at >= $1 and dated_at < $2 ${GROUP} order by 4, 1, 2, 3`,
        [at(fromMs), at(toMs)],
      );
      return rows.map(readSum);
    },
    async unsentIn(fromMs, toMs) {
      const { rows } = await pool.query<{
        tenant_id: string;
        account_id: string;
        meter: string;
        hour: Date;
        quantity: string;
        blocked: string | null;
      }>(
        `select tenant_id, account_id, meter, hour, ledger - exported as quantity, blocked from usage_hour
         where ledger <> exported and hour >= $1 and hour < $2 order by hour, tenant_id, account_id, meter`,
        [at(fromMs), at(toMs)],
      );
      return rows.map((row) => ({
        tenant: row.tenant_id,
        account: row.account_id,
        meter: row.meter,
        hourMs: ms(row.hour),
        quantity: BigInt(row.quantity),
        isTooLate: row.blocked === 'too_late',
      }));
    },
    async checked({ customer, eventName, hourMs }, isConfirmed, nowMs) {
      const { rows } = await pool.query<{ sent_at: Date | null; is_new: boolean }>(
        `with was as (select identifier, confirmed_at from usage_export_event
           where customer_id = $1 and event_name = $2 and dated_at >= $3 and dated_at < $4)
         update usage_export_event e set checked_at = $5,
           confirmed_at = case when $6 and status = 'taken' then coalesce(e.confirmed_at, $5) else e.confirmed_at end
         from was where e.identifier = was.identifier
         returning e.sent_at, e.confirmed_at is not null and was.confirmed_at is null as is_new`,
        [customer, eventName, at(hourMs), at(hourMs + HOUR_MS), at(nowMs), isConfirmed],
      );
      return rows.flatMap((row) => (row.is_new && row.sent_at !== null ? [nowMs - ms(row.sent_at)] : []));
    },
  };
}

function readSum(row: SumRow): HourSums {
  return {
    tenant: row.tenant_id,
    account: row.account_id,
    meter: row.meter,
    hourMs: ms(row.hour),
    customer: row.customer_id,
    eventName: row.event_name,
    decimals: row.decimals,
    taken: BigInt(row.taken),
    pending: BigInt(row.pending),
    rejected: BigInt(row.rejected),
    uncertain: BigInt(row.uncertain),
    sentValues: row.sent_values.map(BigInt),
    lastSentMs: row.last_sent?.getTime() ?? 0,
  };
}
