import type pg from 'pg';
import { formatIso } from '../../domain/time.ts';
import type { BatchRecord } from '../../pipeline/lane/batch-record.ts';

/** Which of these identities were seen since then, by any lane. */
export async function findIdentities(
  client: pg.PoolClient,
  identities: readonly string[],
  sinceMs: number,
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ identity: string }>({
    name: 'find-identities',
    text: 'select identity from source_identity where identity = any($1::uuid[]) and seen_at >= $2',
    values: [`{${identities.join()}}`, formatIso(Math.max(0, sinceMs))],
  });
  return new Set(rows.map(({ identity }) => identity));
}

/**
 * Keeps identities that the batch took in. One that another lane keeps at the same moment is a unique violation, after
 * which the batch is repeated and finds it. Every batch removes twice as many old rows as it adds, so the table stays
 * as large as its window without anybody sweeping it.
 */
export async function keepIdentities(
  client: pg.PoolClient,
  { lane, batchNo, clockMs }: Pick<BatchRecord, 'lane' | 'batchNo' | 'clockMs'>,
  identities: readonly string[],
  sinceMs: number,
): Promise<void> {
  const [list, since] = [`{${identities.join()}}`, formatIso(Math.max(0, sinceMs))];
  await client.query('delete from source_identity where identity = any($1::uuid[]) and seen_at < $2', [list, since]);
  await client.query(
    `delete from source_identity where identity = any(array(
       select identity from source_identity where seen_at < $1 order by seen_at limit $2 for update skip locked))`,
    [since, 2 * identities.length],
  );
  await client.query(
    `insert into source_identity (identity, lane, batch_no, seen_at)
     select identity, $2, $3, $4 from unnest($1::uuid[]) identity order by identity`,
    [list, lane, batchNo, formatIso(clockMs)],
  );
}
