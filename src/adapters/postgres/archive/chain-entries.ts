import type pg from 'pg';
import type { ArchivedEntry } from '../../../domain/archive/archived-entry.ts';
import { formatDay } from '../../../domain/archive/day.ts';
import { parseEventKey } from '../../../domain/events/event-key.ts';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import { BatchedRows, readCursor } from '../queries/read-cursor.ts';
import type { EntryRow } from '../verify/stored-batch.ts';
import { archivedDays, readArchivedEntries } from './archived-days.ts';

/** Archived entries joined with their wallets at a time. */
const PAGE = 1_000;

/** What the ledger keeps of a batch's entries that are in a file which is not here. Amounts are nano-units. */
export interface AwayFigure {
  readonly lane: number;
  readonly batch_no: bigint;
  readonly currency: string;
  readonly kind: number;
  readonly entries: bigint;
  readonly amount: bigint;
}

/** The entries of all batches, wherever they are. */
export interface ArchivedChain {
  /** In the order of lane, batch, wallet and number. */
  readonly rows: AsyncGenerator<EntryRow, void, undefined>;
  /** What a batch has in files that are not here; must be asked in the order of batches. */
  readonly away: (lane: number, batchNo: bigint) => Promise<readonly AwayFigure[]>;
}

/** Merges the attached entries with those of the archive files. Every file is open at once, none is held in memory. */
export async function openArchivedChain(
  client: pg.PoolClient,
  files: ArchiveFiles,
  attached: AsyncGenerator<EntryRow, void, undefined>,
  only: readonly number[] | undefined,
): Promise<ArchivedChain> {
  const sources = [attached];
  const missing: string[] = [];
  for (const { day, path } of await archivedDays(client, files)) {
    if (path === undefined) missing.push(day);
    else sources.push(withWallets(client, ofLanes(readArchivedEntries(files, path), only)));
  }
  const rows = sources.length === 1 ? attached : mergeInOrder(sources);
  if (missing.length === 0) return { rows, away: async () => [] };
  const unseen = new BatchedRows(readCursor<AwayFigure>(client, await figuresOf(client, missing)));
  return { rows, away: async (lane, batchNo) => (await unseen.take(lane, batchNo)).rows };
}

/** Whether the entry of a key is in a file that is not here. */
export async function keysAway(client: pg.PoolClient, files: ArchiveFiles): Promise<(eventKey: string) => boolean> {
  const days = await archivedDays(client, files);
  const missing = new Set(days.flatMap(({ day, path }) => (path === undefined ? [day] : [])));
  if (missing.size === 0) return () => false;
  return (eventKey) => missing.has(formatDay(parseEventKey(eventKey).timeMs));
}

/** Days are our own text from the database, so a cursor, which takes no parameters, may name them. */
async function figuresOf(client: pg.PoolClient, days: readonly string[]) {
  const { rows } = await client.query<{ list: string }>(
    "select string_agg(quote_literal(d), ',') as list from unnest($1::text[]) d",
    [days],
  );
  const sql = `select lane, batch_no, currency, kind, sum(entries)::bigint as entries, sum(amount)::bigint as amount
    from archived_batch_day where day in (${rows[0]?.list}) group by lane, batch_no, currency, kind order by lane, batch_no`;
  return { name: 'chain_elsewhere', page: 5_000, sql };
}

async function* ofLanes(
  entries: AsyncGenerator<ArchivedEntry, void, undefined>,
  only: readonly number[] | undefined,
): AsyncGenerator<ArchivedEntry, void, undefined> {
  for await (const entry of entries) if (only === undefined || only.includes(entry.lane)) yield entry;
}

/** Entries as the ledger reads its own: with their accounts, and with the quarantined usage they released. */
export async function* withWallets(
  client: pg.PoolClient,
  entries: AsyncGenerator<ArchivedEntry, void, undefined>,
): AsyncGenerator<EntryRow, void, undefined> {
  let page: ArchivedEntry[] = [];
  for await (const entry of entries) {
    page.push(entry);
    if (page.length < PAGE) continue;
    yield* await joinWallets(client, page);
    page = [];
  }
  yield* await joinWallets(client, page);
}

interface WalletRow {
  readonly wallet_id: bigint;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly currency: string;
}

type ReleasedRow = Pick<EntryRow, 'event_key' | 'q_status' | 'q_amount' | 'q_hash' | 'q_residue'>;

const NOT_RELEASED = { q_status: null, q_amount: null, q_hash: null, q_residue: null };

async function joinWallets(client: pg.PoolClient, page: readonly ArchivedEntry[]): Promise<readonly EntryRow[]> {
  const ids = [...new Set(page.map(({ walletId }) => walletId))];
  const wallets = await client.query<WalletRow>(
    'select wallet_id, tenant_id, account_id, currency from wallet where wallet_id = any($1::bigint[])',
    [ids],
  );
  const released = await client.query<ReleasedRow>(
    `select event_key, status as q_status, amount as q_amount, content_hash as q_hash, residue as q_residue
     from quarantine where event_key = any($1::uuid[])`,
    [page.filter(({ kind }) => kind === ENTRY_KIND.released).map(({ eventKey }) => eventKey)],
  );
  const walletOf = new Map(wallets.rows.map((row) => [row.wallet_id, row]));
  const usageOf = new Map(released.rows.map((row) => [row.event_key, row]));
  return page.flatMap((entry) => {
    const wallet = walletOf.get(entry.walletId);
    // An entry of no known kind cannot be part of a good chain: left out, it breaks the link.
    const kind = Object.values(ENTRY_KIND).find((known) => known === entry.kind);
    if (kind === undefined) return [];
    const { lane, batchNo, eventKey, seq, amount, balanceAfter, contentHash } = entry;
    return [
      {
        ...NOT_RELEASED,
        ...usageOf.get(eventKey),
        wallet_id: entry.walletId,
        tenant_id: wallet?.tenant_id ?? null,
        account_id: wallet?.account_id ?? null,
        currency: wallet?.currency ?? null,
        lane,
        batch_no: batchNo,
        event_key: eventKey,
        seq,
        amount,
        balance_after: balanceAfter,
        content_hash: contentHash,
        // A line's own time is held by the hash of its file (`tollkeeper archive verify`).
        event_us: BigInt(parseEventKey(eventKey).timeMs) * 1_000n,
        kind,
      },
    ];
  });
}

/** Merges ordered sources. One source gives long runs, since a lane's batches follow the days. */
async function* mergeInOrder(
  sources: readonly AsyncGenerator<EntryRow, void, undefined>[],
): AsyncGenerator<EntryRow, void, undefined> {
  const heads: { row: EntryRow; readonly source: AsyncGenerator<EntryRow, void, undefined> }[] = [];
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

function compare(left: EntryRow, right: EntryRow): number {
  if (left.lane !== right.lane) return left.lane - right.lane;
  if (left.batch_no !== right.batch_no) return left.batch_no < right.batch_no ? -1 : 1;
  if (left.wallet_id !== right.wallet_id) return left.wallet_id < right.wallet_id ? -1 : 1;
  return left.seq === right.seq ? 0 : left.seq < right.seq ? -1 : 1;
}
