import type pg from 'pg';
import { formatWalletId, parseWalletId } from '../../../domain/ids.ts';
import type { WalletHead } from '../../../domain/ledger/wallet.ts';
import { AppError } from '../../../errors.ts';
import type { WalletReference } from '../../../pipeline/admin/admin-store.ts';
import { walletOf } from '../../../pipeline/admin/wallet-of.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import type {
  AuditLine,
  BalanceAt,
  History,
  StatementEntry,
  StatementPoint,
} from '../../../pipeline/statement/statement.ts';
import { createArchiveFiles } from '../../archive-files.ts';
import { LOCK_MOMENT } from '../archive/one-moment.ts';
import { archivedInRange } from '../archive/wallet-history.ts';
import { inTransaction } from '../pool.ts';
import { readWallet, WALLET_COLUMNS, type WalletRow } from '../wallet-row.ts';
import { readArchivedPart } from './archived-entries.ts';
import { proveEntries, readHeads } from './prove-entries.ts';
import { readEntries } from './read-entries.ts';

/** An account's past on PostgreSQL; entries of archived days come from `files`. Every answer is of one moment. */
export function createHistory(pool: pg.Pool, files: ArchiveFiles = createArchiveFiles([])): History {
  return {
    statement: ({ wallet: reference, fromMs, toMs }, onEntries) =>
      atOneMoment(pool, async (client) => {
        const wallet = await findWallet(client, reference);
        const opening =
          fromMs === undefined ? START : (await pointBefore(client, files, wallet.walletId, fromMs)).point;
        // The end of it all is the wallet's own row: no need to look for its last entry.
        const last =
          toMs === undefined
            ? { sequence: wallet.seq, balance: wallet.posted }
            : (await pointBefore(client, files, wallet.walletId, toMs)).point;
        // A clock that was set back can leave the end before the beginning: then nothing happened in between.
        const closing = last.sequence < opening.sequence ? opening : last;
        const range = { after: opening.sequence, through: closing.sequence };
        const archived = await readArchivedPart(client, files, wallet.walletId, range);
        for await (const page of readEntries(client, wallet, range, archived.rows)) onEntries(page);
        return { wallet, opening, closing, away: archived.away };
      }),
    prove: (walletId, batches, heads) =>
      atOneMoment(pool, (client) => proveEntries(client, { walletId, places: batches, published: heads, files })),
    heads: () => atOneMoment(pool, readHeads),
    balanceAt: (reference, atMs) =>
      atOneMoment(pool, async (client) => {
        const wallet = await findWallet(client, reference);
        // Written through this very millisecond: times of posting are whole ones.
        const beforeMs = atMs === undefined ? undefined : atMs + 1;
        return { wallet, ...(await pointBefore(client, files, wallet.walletId, beforeMs)) };
      }),
    entries: (reference, { before, limit }) =>
      atOneMoment(pool, async (client) => {
        const wallet = await findWallet(client, reference);
        const through = before === undefined ? 2n ** 62n : before - 1n;
        const entries: StatementEntry[] = [];
        const range = { after: 0n, through, newestFirst: limit };
        const archived = await readArchivedPart(client, files, wallet.walletId, range);
        for await (const page of readEntries(client, wallet, range, archived.rows)) entries.push(...page);
        return { wallet, entries, away: archived.away };
      }),
    audit: (filter) => readAudit(pool, filter),
  };
}

const START: StatementPoint = { sequence: 0n, balance: 0n };

function atOneMoment<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return inTransaction(
    pool,
    async (client) => {
      await client.query(LOCK_MOMENT);
      return work(client);
    },
    (client) => client.query('begin isolation level repeatable read read only'),
  );
}

async function findWallet(client: pg.PoolClient, reference: WalletReference): Promise<WalletHead> {
  return walletOf(
    {
      findWallets: async ({ tenant, name, currency }) => {
        const { rows } = await client.query<WalletRow>(
          `select ${WALLET_COLUMNS} from wallet w
           where w.tenant_id = $1 and (w.wallet_id = $2 or w.account_id = $3) and ($4::text is null or w.currency = $4)
           order by w.currency`,
          [tenant, parseWalletId(name) ?? null, name, currency ?? null],
        );
        return rows.map(readWallet);
      },
    },
    reference,
  );
}

/**
 * The wallet's highest entry in a batch posted before a time; the last of all without one. Entries of archived days that
 * come after the attached ones are looked at in their files; `AppError(ARCHIVE_AWAY)` when the answer is in one that is
 * not here.
 */
async function pointBefore(
  client: pg.PoolClient,
  files: ArchiveFiles,
  walletId: bigint,
  beforeMs: number | undefined,
): Promise<Omit<BalanceAt, 'wallet'>> {
  const before = beforeMs === undefined ? null : new Date(beforeMs);
  const { rows } = await client.query<{ seq: bigint; balance_after: bigint; posted_at: Date }>(
    `select e.seq, e.balance_after, b.posted_at from entry e join batch b using (lane, batch_no)
     where e.wallet_id = $1 and ($2::timestamptz is null or b.posted_at < $2) order by e.seq desc limit 1`,
    [walletId, before],
  );
  const best = rows[0];
  const next = await client.query<{ seq: bigint | null }>(
    'select min(seq) as seq from entry where wallet_id = $1 and seq > $2',
    [walletId, best?.seq ?? 0n],
  );
  const range = { after: best?.seq ?? 0n, through: (next.rows[0]?.seq ?? 2n ** 62n) - 1n };
  const archived = await readArchivedPart(client, files, walletId, range);
  const known = archived.rows
    .filter(({ posted_at: at }) => before === null || at < before)
    .reduce((last, row) => (last === undefined || row.seq > last.seq ? row : last), best);
  const [away] = await archivedInRange(client, files, {
    walletId,
    after: known?.seq ?? 0n,
    through: range.through,
  }).then((days) => days.filter(({ isReadable }) => !isReadable));
  if (away !== undefined) {
    throw new AppError(
      'ARCHIVE_AWAY',
      `The balance of that time is in the archive file of ${away.day}, which is not here.`,
    );
  }
  if (known === undefined) return { point: START, postedAtMs: null };
  return { point: { sequence: known.seq, balance: known.balance_after }, postedAtMs: known.posted_at.getTime() };
}

interface AuditRow {
  readonly audit_id: bigint;
  readonly at: Date;
  readonly tenant_id: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly account_id: string | null;
  readonly reason: string | null;
  readonly key: string | null;
  readonly lane: number | null;
  readonly batch_no: bigint | null;
  readonly detail: unknown;
}

async function readAudit(pool: pg.Pool, filter: Parameters<History['audit']>[0]): Promise<readonly AuditLine[]> {
  const { tenant, account, actor, sinceMs, before, limit } = filter;
  const subjects = account === undefined ? null : await subjectsOf(pool, tenant, account);
  const { rows } = await pool.query<AuditRow>(
    `select l.audit_id, l.at, l.tenant_id, l.actor, l.action, l.subject, l.detail ->> 'reason' as reason,
       l.detail ->> 'key' as key, l.lane, l.batch_no, l.detail
     from audit_log l
     where l.tenant_id = $1 and ($2::text[] is null or l.subject = any($2)) and ($3::text is null or l.actor = $3)
       and ($4::timestamptz is null or l.at >= $4) and ($5::bigint is null or l.audit_id < $5)
     order by l.audit_id desc limit $6`,
    [tenant, subjects, actor ?? null, sinceMs === undefined ? null : new Date(sinceMs), before ?? null, limit],
  );
  const accounts = await accountsOf(pool, rows);
  return rows.map((row) => ({
    auditId: row.audit_id,
    atMs: row.at.getTime(),
    tenant: row.tenant_id,
    actor: row.actor,
    action: row.action,
    subject: row.subject,
    account: accounts.get(row.subject) ?? null,
    reason: row.reason,
    key: row.key,
    lane: row.lane,
    batchNo: row.batch_no,
    detail: row.detail,
  }));
}

/** What the log may call an account: its wallets, or its own name. */
async function subjectsOf(pool: pg.Pool, tenant: string, name: string): Promise<readonly string[]> {
  const { rows } = await pool.query<{ wallet_id: bigint; account_id: string }>(
    'select wallet_id, account_id from wallet where tenant_id = $1 and (account_id = $2 or wallet_id = $3)',
    [tenant, name, parseWalletId(name) ?? null],
  );
  if (rows.length === 0) throw new AppError('ACCOUNT_NOT_FOUND', `There is no account ${JSON.stringify(name)}.`);
  return [...rows.map((row) => formatWalletId(row.wallet_id)), ...rows.map((row) => row.account_id), name];
}

async function accountsOf(pool: pg.Pool, lines: readonly AuditRow[]): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(lines.map(({ subject }) => subject))].flatMap((subject) => parseWalletId(subject) ?? []);
  const { rows } = await pool.query<{ wallet_id: bigint; account_id: string }>(
    'select wallet_id, account_id from wallet where wallet_id = any($1::bigint[])',
    [ids],
  );
  return new Map(rows.map((row) => [formatWalletId(row.wallet_id), row.account_id]));
}
