import type pg from 'pg';
import { DAY_MS } from '../../../domain/time.ts';
import type { DueHour, EventStatus, ExportStore, PlannedHour } from '../../../pipeline/usage-export/export-store.ts';
import { inTransaction } from '../pool.ts';
import { createNamedLocks } from '../stripe/named-locks.ts';
import { at, ms } from '../stripe/rows.ts';
import { beginMeters, collectUsage } from './collect-usage.ts';
import { eventTable } from './export-events.ts';
import { sumTable } from './export-sums.ts';

interface DueRow {
  readonly tenant_id: string;
  readonly account_id: string;
  readonly meter: string;
  readonly hour: Date;
  readonly customer_id: string;
  readonly ledger: string;
  readonly exported: string;
  readonly parts: number;
  readonly posted_at: Date;
}

/** Usage to export, in PostgreSQL. */
export function createExportStore(pool: pg.Pool): ExportStore {
  const locked = createNamedLocks(pool);
  return {
    alone: (work) => locked('usage-export', work),
    begin: (targets, nowMs) => beginMeters(pool, targets, nowMs),
    collect: () => collectUsage(pool),
    async dueHours(meters, beforeMs, limit) {
      const { rows } = await pool.query<DueRow>(
        `select h.tenant_id, h.account_id, h.meter, h.hour, c.customer_id, h.ledger, h.exported, h.parts, h.posted_at
         from usage_hour h join stripe_customer c using (tenant_id, account_id)
         where h.ledger <> h.exported and h.blocked is null and h.hour < $2 and h.meter = any($1) and c.deleted_at is null
         order by h.hour, h.tenant_id, h.account_id, h.meter limit $3`,
        [meters, at(beforeMs), limit],
      );
      return rows.map(readDue);
    },
    async carryOf({ tenant, account, meter }) {
      const { rows } = await pool.query<{ carry: string }>(
        'select carry from usage_carry where tenant_id = $1 and account_id = $2 and meter = $3',
        [tenant, account, meter],
      );
      return BigInt(rows[0]?.carry ?? 0);
    },
    plan: (planned, nowMs) => inTransaction(pool, (client) => keepPlan(client, planned, nowMs)),
    async block({ tenant, account, meter, hourMs }, because) {
      await pool.query(
        'update usage_hour set blocked = $5 where tenant_id = $1 and account_id = $2 and meter = $3 and hour = $4',
        [tenant, account, meter, at(hourMs), because],
      );
    },
    ...eventTable(pool),
    ...sumTable(pool),
    async totals(beforeMs) {
      const meters = await pool.query<{ meter: string; since: Date }>(
        'select meter, since from usage_export_meter order by meter',
      );
      const statuses = await pool.query<{ status: EventStatus; events: bigint; unconfirmed: bigint }>(
        `select status, count(*) as events, count(*) filter (where status = 'taken' and confirmed_at is null) as unconfirmed
         from usage_export_event where created_at >= $1 or status in ('pending', 'refused', 'rejected', 'uncertain')
         group by status`,
        [at(beforeMs - 35 * DAY_MS)],
      );
      const due = await pool.query<{ hours: bigint; oldest: Date | null }>(
        `select count(*) as hours, min(hour) as oldest from usage_hour
         where ledger <> exported and blocked is null and hour < $1`,
        [at(beforeMs)],
      );
      const unlinked = await pool.query<{ tenant_id: string; account_id: string; oldest: Date }>(
        `select h.tenant_id, h.account_id, min(h.hour) as oldest from usage_hour h
           left join stripe_customer c on c.tenant_id = h.tenant_id and c.account_id = h.account_id and c.deleted_at is null
         where h.ledger <> h.exported and h.blocked is null and c.customer_id is null
         group by 1, 2 order by 3, 1, 2 limit 100`,
      );
      const blocked = await pool.query<{ blocked: string; hours: bigint; oldest: Date }>(
        'select blocked, count(*) as hours, min(hour) as oldest from usage_hour where blocked is not null group by 1 order by 1',
      );
      const problems = await pool.query<{ event_key: string; problem: string }>(
        'select event_key, problem from usage_export_change where problem is not null order by change_id limit 100',
      );
      return {
        meters: meters.rows.map(({ meter, since }) => ({ meter, sinceMs: ms(since) })),
        byStatus: Object.fromEntries(statuses.rows.map(({ status, events }) => [status, Number(events)])),
        unconfirmed: statuses.rows.reduce((sum, { unconfirmed }) => sum + Number(unconfirmed), 0),
        due: Number(due.rows[0]?.hours ?? 0n),
        oldestDueMs: due.rows[0]?.oldest?.getTime() ?? null,
        unlinked: unlinked.rows.map((row) => ({
          tenant: row.tenant_id,
          account: row.account_id,
          oldestMs: ms(row.oldest),
        })),
        blocked: blocked.rows.map((row) => ({
          cause: row.blocked,
          hours: Number(row.hours),
          oldestMs: ms(row.oldest),
        })),
        problems: problems.rows.map(({ event_key: eventKey, problem }) => ({ eventKey, problem })),
      };
    },
  };
}

/** The event, the hour's export and the rest of rounding, together or not at all. */
async function keepPlan(client: pg.PoolClient, { hour, carry, event }: PlannedHour, nowMs: number): Promise<void> {
  const { tenant, account, meter, hourMs, ledger, exported, parts, customer, postedAtMs } = hour;
  const { rowCount } = await client.query(
    `update usage_hour set exported = $5, parts = $6 where tenant_id = $1 and account_id = $2 and meter = $3 and hour = $4
       and exported = $7 and parts = $8`,
    [tenant, account, meter, at(hourMs), ledger.toString(), event?.part ?? parts, exported.toString(), parts],
  );
  // Somebody else planned this hour since it was read: theirs stands.
  if (rowCount === 0) return;
  await client.query(
    `insert into usage_carry (tenant_id, account_id, meter, carry) values ($1, $2, $3, $4)
     on conflict (tenant_id, account_id, meter) do update set carry = excluded.carry`,
    [tenant, account, meter, carry.toString()],
  );
  if (event === undefined) return;
  await client.query(
    `insert into usage_export_event (identifier, tenant_id, account_id, meter, hour, part, dated_at, event_name,
       customer_id, value, value_steps, decimals, reason, posted_at, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    [
      event.identifier,
      tenant,
      account,
      meter,
      at(hourMs),
      event.part,
      at(event.atMs),
      event.eventName,
      customer,
      event.value,
      event.valueSteps.toString(),
      event.decimals,
      event.reason,
      at(postedAtMs),
      at(nowMs),
    ],
  );
}

function readDue(row: DueRow): DueHour {
  return {
    tenant: row.tenant_id,
    account: row.account_id,
    meter: row.meter,
    hourMs: ms(row.hour),
    customer: row.customer_id,
    ledger: BigInt(row.ledger),
    exported: BigInt(row.exported),
    parts: row.parts,
    postedAtMs: ms(row.posted_at),
  };
}
