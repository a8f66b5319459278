import type pg from 'pg';
import { formatIso } from '../../domain/time.ts';
import { inTransaction } from './pool.ts';

/** Holds one database transaction deletes. */
const PAGE = 2_000;

/** Deletes closed holds with their answers, says so in the audit log, and keeps what was captured with them. */
const DELETE_HOLDS = `
  with old as (
    select tenant_id, hold_id from hold where placed_at < $1 and state <> 'open' and closed_at < $1
    limit $3 for update skip locked
  ), gone as (
    delete from hold h using old where h.tenant_id = old.tenant_id and h.hold_id = old.hold_id
    returning h.tenant_id, h.hold_id, h.wallet_id, h.state, h.captured, (h.placed_at at time zone 'UTC')::date as day
  ), answers as (
    delete from hold_operation o using old where o.tenant_id = old.tenant_id and o.hold_id = old.hold_id
  ), kept as (
    insert into hold_deleted as d (wallet_id, day, holds, captured)
    select wallet_id, day, count(*), sum(captured) from gone where state = 'captured' group by wallet_id, day order by 1, 2
    on conflict (wallet_id, day) do update set holds = d.holds + excluded.holds, captured = d.captured + excluded.captured
  ), said as (
    insert into audit_log (at, tenant_id, actor, action, subject, detail)
    select $2, tenant_id, 'schedule', 'holds.delete', 'holds', json_build_object('closedBefore', $4::text,
      'captured', count(*) filter (where state = 'captured'), 'released', count(*) filter (where state = 'released'),
      'expired', count(*) filter (where state = 'expired'), 'amount', sum(captured)::text)
    from gone group by tenant_id order by tenant_id
  )
  select count(*)::int as holds from gone`;

/** Deletes holds that were closed before a time, a few thousand to a database transaction; returns how many. */
export async function deleteClosedHolds(
  pool: pg.Pool,
  { closedBeforeMs, nowMs }: { readonly closedBeforeMs: number; readonly nowMs: number },
): Promise<number> {
  const before = formatIso(closedBeforeMs);
  for (let deleted = 0; ; ) {
    const holds = await inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ holds: number }>(DELETE_HOLDS, [before, formatIso(nowMs), PAGE, before]);
      const found = rows[0]?.holds ?? 0;
      if (found > 0) {
        await client.query(
          `insert into hold_retention as r (closed_before) values ($1)
           on conflict (only_row) do update set closed_before = greatest(r.closed_before, excluded.closed_before)`,
          [before],
        );
      }
      return found;
    });
    deleted += holds;
    if (holds < PAGE) return deleted;
  }
}
