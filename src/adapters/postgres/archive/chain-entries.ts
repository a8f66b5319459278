import type pg from 'pg';
import type { ArchivedEntry } from '../../../domain/archive/archived-entry.ts';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import type { ChainEntryRow } from '../queries/entry-order.ts';
import { BatchedRows, readCursor } from '../queries/read-cursor.ts';
import { archivedDays, readArchivedEntries } from './archived-days.ts';

/** Archived entries joined with their wallets at a time. */
const PAGE = 1_000;

/** The entries of all batches, wherever they are. */
export interface ArchivedChain {
  /** In the order of lane, batch, wallet and number. */
  readonly rows: AsyncGenerator<ChainEntryRow, void, undefined>;
  /** Whether a batch has entries in a file that is not here; must be asked in the order of batches. */
  readonly isElsewhere: (lane: number, batchNo: bigint) => Promise<boolean>;
  /** What was not looked at, for the proof's detail. */
  readonly note: () => string;
}

/** Merges the attached entries with those of the archive files. Every file is open at once, none is held in memory. */
export async function openArchivedChain(
  client: pg.PoolClient,
  files: ArchiveFiles,
  attached: AsyncGenerator<ChainEntryRow, void, undefined>,
): Promise<ArchivedChain> {
  const sources = [attached];
  const missing: string[] = [];
  for (const { day, path } of await archivedDays(client, files)) {
    if (path === undefined) missing.push(day);
    else sources.push(withAccounts(client, readArchivedEntries(files, path)));
  }
  let elsewhere = 0;
  const rows = sources.length === 1 ? attached : mergeInOrder(sources);
  if (missing.length === 0) return { rows, isElsewhere: async () => false, note: () => '' };
  const unseen = new BatchedRows(
    readCursor<{ lane: number; batch_no: bigint }>(client, await batchesOf(client, missing)),
  );
  return {
    rows,
    isElsewhere: async (lane, batchNo) => {
      const isUnseen = (await unseen.take(lane, batchNo)).rows.length > 0;
      if (isUnseen) elsewhere++;
      return isUnseen;
    },
    note: () =>
      `; ${elsewhere} not computed again, with entries in ${missing.length} archive files that are not here (first ${missing[0]})`,
  };
}

/** Days are our own text from the database, so a cursor, which takes no parameters, may name them. */
async function batchesOf(client: pg.PoolClient, days: readonly string[]) {
  const { rows } = await client.query<{ list: string }>(
    "select string_agg(quote_literal(d), ',') as list from unnest($1::text[]) d",
    [days],
  );
  const sql = `select distinct lane, batch_no from archived_batch_day where day in (${rows[0]?.list}) order by lane, batch_no`;
  return { name: 'chain_elsewhere', page: 5_000, sql };
}

/** Facts name accounts, so the chain needs the account of each wallet. */
async function* withAccounts(
  client: pg.PoolClient,
  entries: AsyncGenerator<ArchivedEntry, void, undefined>,
): AsyncGenerator<ChainEntryRow, void, undefined> {
  let page: ArchivedEntry[] = [];
  for await (const entry of entries) {
    page.push(entry);
    if (page.length < PAGE) continue;
    yield* await joinAccounts(client, page);
    page = [];
  }
  yield* await joinAccounts(client, page);
}

async function joinAccounts(client: pg.PoolClient, page: readonly ArchivedEntry[]): Promise<readonly ChainEntryRow[]> {
  const ids = [...new Set(page.map(({ walletId }) => walletId))];
  const { rows } = await client.query<{ wallet_id: bigint; tenant_id: string; account_id: string }>(
    'select wallet_id, tenant_id, account_id from wallet where wallet_id = any($1::bigint[])',
    [ids],
  );
  const wallets = new Map(rows.map((row) => [row.wallet_id, row]));
  return page.flatMap((entry) => {
    const wallet = wallets.get(entry.walletId);
    // An entry without wallet or of no known kind cannot be part of a good chain: left out, it breaks the link.
    const kind = Object.values(ENTRY_KIND).find((known) => known === entry.kind);
    if (wallet === undefined || kind === undefined) return [];
    const { lane, batchNo, eventKey, seq, amount, balanceAfter, contentHash } = entry;
    return [
      {
        ...wallet,
        lane,
        batch_no: batchNo,
        event_key: eventKey,
        seq,
        amount,
        balance_after: balanceAfter,
        content_hash: contentHash,
        kind,
      },
    ];
  });
}

/** Merges ordered sources. One source gives long runs, since a lane's batches follow the days. */
export async function* mergeInOrder(
  sources: readonly AsyncGenerator<ChainEntryRow, void, undefined>[],
): AsyncGenerator<ChainEntryRow, void, undefined> {
  const heads: { row: ChainEntryRow; readonly source: AsyncGenerator<ChainEntryRow, void, undefined> }[] = [];
  for (const source of sources) {
    const { value, done } = await source.next();
    if (done !== true) heads.push({ row: value, source });
  }
  while (heads.length > 0) {
    heads.sort((left, right) => compare(left.row, right.row));
    const [first, second] = heads;
    if (first === undefined) return;
    do {
      yield first.row;
      const { value, done } = await first.source.next();
      if (done === true) {
        heads.shift();
        break;
      }
      first.row = value;
    } while (second === undefined || compare(first.row, second.row) <= 0);
  }
}

function compare(left: ChainEntryRow, right: ChainEntryRow): number {
  if (left.lane !== right.lane) return left.lane - right.lane;
  if (left.batch_no !== right.batch_no) return left.batch_no < right.batch_no ? -1 : 1;
  if (left.wallet_id !== right.wallet_id) return left.wallet_id < right.wallet_id ? -1 : 1;
  return left.seq === right.seq ? 0 : left.seq < right.seq ? -1 : 1;
}
