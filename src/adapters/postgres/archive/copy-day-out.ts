import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { ARCHIVE_COLUMNS } from '../../../domain/archive/archived-entry.ts';
import { partitionName } from '../partitions.ts';

/** The day's entries as text COPY, in a snapshot of their own; the server sorts, so nothing is gathered here. */
export async function* copyDayOut(pool: pg.Pool, dayMs: number): AsyncGenerator<Buffer, void, undefined> {
  const client = await pool.connect();
  let failure: Error | undefined;
  const onError = (error: Error) => {
    failure = error;
  };
  client.on('error', onError);
  try {
    await client.query('begin isolation level repeatable read read only');
    // An entry whose wallet is gone has no currency, and the check of the file names it.
    const stream = client.query(
      copyTo(
        `copy (select ${ARCHIVE_COLUMNS.map((name) => (name === 'currency' ? 'w.currency' : `e.${name}`)).join(', ')}
           from ${partitionName(dayMs)} e left join wallet w using (wallet_id)
           order by e.lane, e.batch_no, e.wallet_id, e.seq) to stdout`,
      ),
    );
    let isWhole = false;
    try {
      for await (const chunk of stream) {
        if (!Buffer.isBuffer(chunk)) throw new Error('COPY yields bytes');
        yield chunk;
      }
      isWhole = true;
    } finally {
      // A reader that stopped early leaves a COPY under way: that connection is of no more use.
      if (!isWhole) failure ??= new Error('the copy was not read to its end');
    }
    await client.query('commit');
  } finally {
    client.off('error', onError);
    client.release(failure);
  }
}
