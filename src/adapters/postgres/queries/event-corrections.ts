import type pg from 'pg';
import type { EventCorrection } from '../../../pipeline/queries/found-event.ts';

/** Corrections of these events by event key, oldest first. */
export async function readCorrections(
  pool: pg.Pool,
  keys: readonly string[],
): Promise<ReadonlyMap<string, readonly EventCorrection[]>> {
  const found = new Map<string, EventCorrection[]>();
  if (keys.length === 0) return found;
  const { rows } = await pool.query<{
    event_key: string;
    kind: EventCorrection['kind'];
    reversed: bigint;
    charged: bigint;
    quantity: string | null;
    lane: number;
    batch_no: bigint;
    corrected_at: Date;
    actor: string;
    reason: string;
  }>(
    `select event_key, kind, reversed, charged, quantity, lane, batch_no, corrected_at, actor, reason
     from event_correction where event_key = any($1::uuid[]) order by event_key, correction_no`,
    [keys],
  );
  for (const row of rows) {
    const { kind, reversed, charged, quantity, lane, reason, actor: by } = row;
    const batch = { lane, batchNo: Number(row.batch_no) };
    const correction = {
      kind,
      reversed,
      charged,
      quantity,
      batch,
      correctedAtMs: row.corrected_at.getTime(),
      by,
      reason,
    };
    const known = found.get(row.event_key);
    if (known === undefined) found.set(row.event_key, [correction]);
    else known.push(correction);
  }
  return found;
}
