import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { AppError } from '../../../errors.ts';
import { isSqlState } from '../sql-state.ts';

/**
 * How long one attempt may wait for a lock. Everybody else queues behind it, so a proof that reads for minutes must be
 * waited for in short turns, not with the lanes standing still.
 */
export const LOCK_WAIT_MS = 500;
export const ATTEMPTS_MAX = 120;
export const PAUSE_MS = 1_000;

/** Takes a lock inside the caller's transaction, in short turns; `AppError(ARCHIVE_BUSY)` when it never comes free. */
export async function withShortWaits(client: pg.PoolClient, day: string, lockSql: string): Promise<void> {
  await client.query(`set local lock_timeout = '${LOCK_WAIT_MS}ms'`);
  for (let attempt = 1; ; attempt++) {
    await client.query('savepoint waiting');
    try {
      await client.query(lockSql);
      return;
    } catch (error) {
      if (!isSqlState(error, '55P03')) throw error;
      await client.query('rollback to savepoint waiting');
      if (attempt === ATTEMPTS_MAX) throw busy(day, error);
      await sleep(PAUSE_MS);
    }
  }
}

/** Says that readers never let go. */
export function busy(day: string, cause: unknown): AppError {
  return new AppError('ARCHIVE_BUSY', `The entries of ${day} are being read without end.`, {
    cause,
    fix: 'The file is written and nothing was dropped. Run it again when no proof or report is running.',
  });
}
