import type pg from 'pg';
import { lowestKeyAt } from '../../domain/events/event-key.ts';
import { DAY_MS, formatIso } from '../../domain/time.ts';
import { isSqlState } from './sql-state.ts';

/** Name of the partition that holds the entries of the UTC day a time falls on. */
export function partitionName(timeMs: number): string {
  return `entry_${formatIso(timeMs).slice(0, 10).replaceAll('-', '')}`;
}

/**
 * Creates the entry table's partitions for these days, one a UTC day of event time. Creating one locks the whole table,
 * so it happens before the transaction that writes, never inside it. `known` spares later calls the round trip. A day
 * whose entries are archived gets none: its fence refuses new entries.
 */
export async function preparePartitions(pool: pg.Pool, known: Set<number>, timesMs: readonly number[]): Promise<void> {
  const days = new Set(timesMs.map((ms) => Math.floor(ms / DAY_MS)));
  for (const day of days) {
    if (known.has(day)) continue;
    const startMs = day * DAY_MS;
    try {
      await pool.query('select prepare_entry_day($1, $2, $3)', [
        formatIso(startMs).slice(0, 10),
        lowestKeyAt(startMs),
        lowestKeyAt(startMs + DAY_MS),
      ]);
    } catch (error) {
      // Two processes may create the same day at once: the loser finds it there.
      if (!isSqlState(error, '42P07', '23505')) throw error;
    }
    known.add(day);
  }
}

/**
 * Whether an entry found no partition. PostgreSQL gives it the code of a failed check without naming one. What was known
 * of the days is wrong then: somebody dropped or detached one by hand.
 */
export function isMissingPartition(error: unknown): boolean {
  return isSqlState(error, '23514') && error instanceof Error && !('constraint' in error && error.constraint);
}
