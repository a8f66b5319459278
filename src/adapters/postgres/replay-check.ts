import type pg from 'pg';
import { formatIso } from '../../domain/time.ts';
import type { ReplayCheck, ReplayCheckLog, StoredReplayCheck } from '../../pipeline/replay/nightly-check.ts';

interface CheckRow {
  readonly started_at: Date;
  readonly finished_at: Date | null;
  readonly decisions: number;
  readonly same: number;
  readonly different: number;
  readonly impossible: number;
  readonly cut_short: boolean;
  readonly first_different: ReplayCheck['firstDifferent'];
  readonly problem: string | null;
}

/** The nightly check's row: whoever moves its due time forward runs the check. */
export function createReplayCheckLog(pool: pg.Pool, owner: string): ReplayCheckLog {
  return {
    claim: async (dueAtMs, startedAtMs) => {
      const { rowCount } = await pool.query(
        `insert into replay_check as c (due_at, started_at, owner) values ($1, $2, $3)
         on conflict (only_row) do update set due_at = excluded.due_at, started_at = excluded.started_at,
           owner = excluded.owner, finished_at = null, decisions = 0, same = 0, different = 0, impossible = 0,
           cut_short = false, first_different = null, problem = null
         where c.due_at < excluded.due_at`,
        [formatIso(dueAtMs), formatIso(startedAtMs), owner],
      );
      return rowCount === 1;
    },
    finish: async (dueAtMs, finishedAtMs, check) => {
      const { decisions, same, different, impossible, cutShort, firstDifferent, problem } =
        'problem' in check ? { ...NOTHING, problem: check.problem } : { ...check, problem: null };
      await pool.query(
        `update replay_check set finished_at = $2, decisions = $3, same = $4, different = $5, impossible = $6,
           cut_short = $7, first_different = $8, problem = $9 where due_at = $1`,
        [
          formatIso(dueAtMs),
          formatIso(finishedAtMs),
          ...[decisions, same, different, impossible, cutShort],
          firstDifferent === null ? null : JSON.stringify(firstDifferent),
          problem,
        ],
      );
    },
  };
}

const NOTHING: ReplayCheck = {
  decisions: 0,
  same: 0,
  different: 0,
  impossible: 0,
  cutShort: false,
  firstDifferent: null,
};

/** The latest check; undefined when there was none. */
export async function readReplayCheck(pool: pg.Pool): Promise<StoredReplayCheck | undefined> {
  const { rows } = await pool.query<CheckRow>(
    `select started_at, finished_at, decisions, same, different, impossible, cut_short, first_different, problem
     from replay_check`,
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    startedAtMs: row.started_at.getTime(),
    finishedAtMs: row.finished_at?.getTime() ?? null,
    decisions: row.decisions,
    same: row.same,
    different: row.different,
    impossible: row.impossible,
    cutShort: row.cut_short,
    firstDifferent: row.first_different,
    problem: row.problem,
  };
}

/** Names this database among those of a server. */
export async function databaseSeed(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ seed: string }>(
    "select current_database() || ' ' || min(applied_at)::text as seed from migration",
  );
  return rows[0]?.seed ?? '';
}
