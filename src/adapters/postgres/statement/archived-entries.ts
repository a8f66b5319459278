import type pg from 'pg';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import type { AwayDay } from '../../../pipeline/statement/statement.ts';
import { archivedInRange, archivedWalletEntries } from '../archive/wallet-history.ts';
import { type EntryRange, holdsSql, type ReadRow } from './read-entries.ts';

/** What a wallet has in archived days: entries from the files that are here, and how many are in files that are not. */
export interface ArchivedPart {
  readonly rows: readonly ReadRow[];
  readonly away: readonly AwayDay[];
}

/** The archived entries of a wallet with these numbers. Holds one wallet's entries of its archived days in memory. */
export async function readArchivedPart(
  client: pg.PoolClient,
  files: ArchiveFiles,
  walletId: bigint,
  { after, through }: EntryRange,
): Promise<ArchivedPart> {
  const rows: ReadRow[] = [];
  const away: AwayDay[] = [];
  for (const { day, entries, isReadable } of await archivedInRange(client, files, { walletId, after, through })) {
    if (!isReadable) {
      away.push({ day, entries: Number(entries) });
      continue;
    }
    const found = await archivedWalletEntries(client, files, { walletId, day });
    const inRange = found.filter(({ seq }) => seq > after && seq <= through);
    rows.push(...(await withBatches(client, inRange)));
  }
  return { rows, away };
}

type BatchPart = Pick<ReadRow, 'posted_at' | 'batch_kind' | 'actor' | 'reason' | 'idempotency_key' | 'usage' | 'holds'>;

async function withBatches(
  client: pg.PoolClient,
  entries: Awaited<ReturnType<typeof archivedWalletEntries>>,
): Promise<readonly ReadRow[]> {
  const { rows } = await client.query<BatchPart & { key: string }>(
    `select u.key, b.posted_at, b.kind as batch_kind, b.actor, b.reason, b.idempotency_key, q.event as usage,
       ${holdsSql('u.kind')} as holds
     from unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::smallint[]) as u(key, lane, batch_no, kind)
     join batch b using (lane, batch_no) left join quarantine q on u.kind = $5 and q.event_key = u.key`,
    [
      entries.map(({ eventKey }) => eventKey),
      entries.map(({ lane }) => lane),
      entries.map(({ batchNo }) => batchNo),
      entries.map(({ kind }) => kind),
      ENTRY_KIND.released,
    ],
  );
  const batches = new Map(rows.map(({ key, ...batch }) => [key, batch]));
  return entries.flatMap((entry) => {
    const batch = batches.get(entry.eventKey);
    if (batch === undefined) return [];
    const { eventKey, seq, amount, balanceAfter, contentHash, kind, lane, batchNo } = entry;
    return [
      {
        ...batch,
        event_key: eventKey,
        seq,
        amount,
        balance_after: balanceAfter,
        content_hash: contentHash,
        kind,
        lane,
        batch_no: batchNo,
      },
    ];
  });
}
