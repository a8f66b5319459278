import type pg from 'pg';
import type { EventCounts } from '../../../pipeline/queries/event-counts.ts';

/** Counts every event the database knows, by what became of it. */
export async function countEvents(pool: pg.Pool): Promise<EventCounts> {
  const totals = await pool.query<{ posted: bigint; duplicate: bigint; quarantined: bigint; charged: string }>(
    `select coalesce(sum(posted), 0)::bigint as posted, coalesce(sum(duplicate), 0)::bigint as duplicate,
       coalesce(sum(quarantined), 0)::bigint as quarantined, coalesce(sum(priced), 0)::text as charged
     from batch where kind = 'usage'`,
  );
  const reasons = await pool.query<{ reason: string; events: bigint; amount: string }>(
    'select reason, count(*) as events, coalesce(sum(amount), 0)::text as amount from quarantine group by reason',
  );
  const codes = await pool.query<{ code: string; events: bigint }>(
    'select code, count(*) as events from rejected_event group by code',
  );
  const row = totals.rows[0];
  return {
    posted: Number(row?.posted ?? 0n),
    duplicate: Number(row?.duplicate ?? 0n),
    quarantined: Number(row?.quarantined ?? 0n),
    rejected: codes.rows.reduce((sum, { events }) => sum + Number(events), 0),
    chargedNanos: BigInt(row?.charged ?? '0'),
    quarantinedNanos: reasons.rows.reduce((sum, { amount }) => sum + BigInt(amount), 0n),
    quarantinedBy: Object.fromEntries(reasons.rows.map(({ reason, events }) => [reason, Number(events)])),
    rejectedBy: Object.fromEntries(codes.rows.map(({ code, events }) => [code, Number(events)])),
  };
}
