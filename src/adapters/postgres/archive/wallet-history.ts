import type pg from 'pg';
import type { ArchivedEntry } from '../../../domain/archive/archived-entry.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import { archivedDays, readArchivedEntries } from './archived-days.ts';

/** A wallet's entries of one archived day, in the order they were posted; nothing when the file is not here. */
export async function archivedWalletEntries(
  client: pg.Pool | pg.PoolClient,
  files: ArchiveFiles,
  which: { readonly walletId: bigint; readonly day: string },
): Promise<readonly ArchivedEntry[]> {
  const path = (await archivedDays(client, files)).find(({ day }) => day === which.day)?.path;
  if (path === undefined) return [];
  const entries: ArchivedEntry[] = [];
  for await (const entry of readArchivedEntries(files, path))
    if (entry.walletId === which.walletId) entries.push(entry);
  return entries.sort((left, right) => (left.seq < right.seq ? -1 : 1));
}

/** A wallet's archived days that hold some of these numbers, oldest first; how many of them, and where the file is. */
export async function archivedInRange(
  client: pg.Pool | pg.PoolClient,
  files: ArchiveFiles,
  which: { readonly walletId: bigint; readonly after: bigint; readonly through: bigint },
): Promise<readonly { readonly day: string; readonly entries: bigint; readonly isReadable: boolean }[]> {
  const { walletId, after, through } = which;
  if (through <= after) return [];
  const { rows } = await client.query<{ day: string; entries: bigint }>(
    `select a.day::text, (select coalesce(sum(upper(r) - lower(r)), 0)::bigint
         from unnest(a.numbers * int8multirange(int8range($2::bigint + 1, $3::bigint + 1))) r) as entries
     from archived_wallet_day a join archived_day d using (day)
     where d.state = 'archived' and a.wallet_id = $1 and a.numbers && int8range($2::bigint + 1, $3::bigint + 1) order by a.day`,
    [walletId, after, through],
  );
  if (rows.length === 0) return [];
  const readable = new Set(
    (await archivedDays(client, files)).flatMap(({ day, path }) => (path === undefined ? [] : [day])),
  );
  return rows.map((row) => ({ ...row, isReadable: readable.has(row.day) }));
}
