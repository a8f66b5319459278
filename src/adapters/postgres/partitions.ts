import type pg from 'pg';
import { lowestKeyAt } from '../../domain/events/event-key.ts';
import { DAY_MS, formatIso } from '../../domain/time.ts';
import { isSqlState } from './sql-state.ts';

/**
 * Creates the entry table's partitions for these days, one a UTC day of event time. Creating one locks the whole table,
 * so it happens before the transaction that writes, never inside it. `known` spares later calls the round trip.
 */
export async function preparePartitions(pool: pg.Pool, known: Set<number>, timesMs: readonly number[]): Promise<void> {
  const days = new Set(timesMs.map((ms) => Math.floor(ms / DAY_MS)));
  for (const day of days) {
    if (known.has(day)) continue;
    const name = `entry_${formatIso(day * DAY_MS)
      .slice(0, 10)
      .replaceAll('-', '')}`;
    const [from, to] = [lowestKeyAt(day * DAY_MS), lowestKeyAt((day + 1) * DAY_MS)];
    try {
      await pool.query(
        `create table if not exists ${name} partition of entry for values from ('${from}') to ('${to}')`,
      );
    } catch (error) {
      // Two processes may create the same day at once: the loser finds it there.
      if (!isSqlState(error, '42P07', '23505')) throw error;
    }
    known.add(day);
  }
}
