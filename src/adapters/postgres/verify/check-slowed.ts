import type pg from 'pg';
import type { SlowedJson } from '../throttle-rows.ts';

/** What the latest decision that slowed a wallet down says of it. */
export interface SlowedBy {
  readonly decision: string;
  readonly limit: string;
  readonly periodMs: number;
  readonly untilMs: number;
}

/** Columns of a wallet's row that `slowedPair` compares; the table is aliased `w`. */
export const SLOWED_COLUMNS = `(select json_build_object('decision', d.decision_id, 'limit', d.evidence -> 'slowed' ->> 'limitNanos',
    'periodMs', d.evidence -> 'slowed' -> 'periodMs', 'untilMs', d.evidence -> 'slowed' -> 'untilMs')
  from decision d where d.wallet_id = w.wallet_id and d.evidence ->> 'slowed' is not null
  order by d.decided_at desc, d.batch_no desc limit 1) as slowed_by,
  (select h.ingested_at from shard_lane l join lane_head h using (lane) where l.shard = w.shard) as lane_at`;

export interface SlowedRow {
  readonly slowed: SlowedJson | null;
  readonly slowed_by: SlowedBy | null;
  /** The clock of the wallet's lane. */
  readonly lane_at: Date | null;
}

/** The decisions whose slow-down was lifted, by a person or on its date: the audit log has a line of each. */
export async function readLifted(client: pg.PoolClient): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ by: string }>(
    `select detail -> 'lifted' ->> 'by' as by from audit_log
     where action = 'wallet.limit' and detail ->> 'lifted' is not null`,
  );
  return new Set(rows.map(({ by }) => by));
}

/** What a wallet's column says of its slow-down, and what the decision behind it says; equal when nothing was changed. */
export function slowedPair(
  { slowed, slowed_by: by, lane_at: laneAt }: SlowedRow,
  lifted: ReadonlySet<string>,
): readonly [stored: string | null, expected: string | null] {
  const stored = slowed === null ? null : words({ ...slowed, decision: slowed.by });
  const isDecided = by !== null && !lifted.has(by.decision);
  // The lane ends it with its first event after the date, and leaves no trace but the message.
  if (isDecided && stored === null && laneAt !== null && by.untilMs <= laneAt.getTime()) return [null, null];
  return [stored, isDecided ? words(by) : null];
}

function words({ decision, limit, periodMs, untilMs }: SlowedBy): string {
  return `${limit} per ${periodMs} ms until ${untilMs} by ${decision}`;
}
