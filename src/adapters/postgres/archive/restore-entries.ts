import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { formatDay } from '../../../domain/archive/day.ts';
import { lowestKeyAt } from '../../../domain/events/event-key.ts';
import { DAY_MS } from '../../../domain/time.ts';
import { linesOf } from '../../../pipeline/archive/lines.ts';
import { ENTRY_COLUMNS } from '../copy-entries.ts';
import { partitionName } from '../partitions.ts';
import { inTransaction } from '../pool.ts';
import { CLOSE_MOMENTS } from './one-moment.ts';
import { withShortWaits } from './short-waits.ts';

/**
 * Loads a day's entries into a table of their own and attaches it, in one transaction that hinders no batch. The table
 * gets everything a closed day has: its indexes, and the triggers that refuse change, truncation and new entries.
 */
export function restoreEntries(pool: pg.Pool, dayMs: number, content: AsyncIterable<Buffer>): Promise<void> {
  const [day, table] = [formatDay(dayMs), partitionName(dayMs)];
  const [first, end] = [lowestKeyAt(dayMs), lowestKeyAt(dayMs + DAY_MS)];
  return inTransaction(pool, async (client) => {
    await client.query(`create table ${table} (like entry including defaults including storage including comments,
      constraint ${table}_day check (event_key is not null and event_key >= '${first}' and event_key < '${end}'))`);
    const stream = client.query(copyFrom(`copy ${table} (${ENTRY_COLUMNS}) from stdin`));
    await pipeline(Readable.from(withoutCurrency(content)), stream);
    await client.query(`alter table ${table} add unique (event_key)`);
    await client.query(`create index ${table}_wallet on ${table} (wallet_id, seq)`);
    await withShortWaits(client, formatDay(dayMs), CLOSE_MOMENTS);
    // The check spares the scan that attaching would make; the bounds say the same afterwards.
    await client.query(`alter table entry attach partition ${table} for values from ('${first}') to ('${end}')`);
    await client.query(`alter table ${table} drop constraint ${table}_day`);
    await client.query(
      `create trigger entry_no_truncate before truncate on ${table} for each statement execute function refuse_change()`,
    );
    await client.query(
      `create trigger entry_day_closed before insert on ${table} for each row execute function refuse_closed_day()`,
    );
    const { rowCount } = await client.query(
      `update archived_day set state = 'closed', entries = null, sha256 = null, file = null, directory = null,
         file_bytes = null, archived_at = null
       where day = $1 and state = 'archived' and entries = (select count(*) from ${table})`,
      [day],
    );
    if (rowCount !== 1) throw new Error(`${day} is not the archived day that the file was read for`);
  });
}

async function* withoutCurrency(content: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  for await (const lines of linesOf(content)) {
    yield lines.map((line) => `${line.slice(0, line.lastIndexOf('\t'))}\n`).join('');
  }
}
