import type pg from 'pg';
import { assert } from '../../../domain/assert.ts';
import { formatEventKey, parseEventKey } from '../../../domain/events/event-key.ts';
import type { QuarantinedUsage } from '../../../domain/ledger/release-usage.ts';
import type { AdminTransaction, ReleasableReason, UsageTotal } from '../../../pipeline/admin/admin-store.ts';
import type { UsagePart } from '../../../pipeline/admin/quarantine-store.ts';
import { partSql } from './quarantine-filter.ts';

type QuarantinePart = Pick<
  AdminTransaction,
  'openUsage' | 'countUsage' | 'closeAsPosted' | 'closeAsDuplicate' | 'closeAsVoid' | 'moveUsage'
>;

/** A wallet's quarantined usage inside one database transaction. Closing a row keeps its key claimed. */
export function quarantineOf(client: pg.PoolClient, walletId: bigint, at: string): QuarantinePart {
  return {
    openUsage: (reason, limit, amountMax, part) => openUsage(client, walletId, { reason, limit, amountMax, part }),
    countUsage: (reason) =>
      total(
        client,
        `select count(*) as events, coalesce(sum(amount), 0)::bigint as amount from quarantine
         where wallet_id = $1 and status = 'open' and reason = $2`,
        [walletId, reason],
      ),
    closeAsPosted: (usage, by, request) =>
      closeRows(client, { usage, status: 'posted', at, by, request: request ?? null }),
    closeAsDuplicate: (usage, by, request) =>
      closeRows(client, { usage, status: 'duplicate', at, by, request: request ?? null }),
    closeAsVoid: (reason, by, part) => {
      const { sql, values } = partSql(part, 6);
      return total(
        client,
        `with closed as (update quarantine q set status = 'void', closed_at = $3, closed_by = $4, closed_request = $5
           where q.wallet_id = $1 and q.status = 'open' and q.reason = $2 and ${sql} returning q.amount)
         select count(*) as events, coalesce(sum(amount), 0)::bigint as amount from closed`,
        [walletId, reason, at, by, part?.request ?? null, ...values],
      );
    },
    moveUsage: (from, to, part) => {
      const { sql, values } = partSql(part, 4);
      return total(
        client,
        `with moved as (update quarantine q set reason = $3
           where q.wallet_id = $1 and q.status = 'open' and q.reason = $2 and ${sql} returning q.amount)
         select count(*) as events, coalesce(sum(amount), 0)::bigint as amount from moved`,
        [walletId, from, to, ...values],
      );
    },
  };
}

async function openUsage(
  client: pg.PoolClient,
  walletId: bigint,
  wanted: {
    readonly reason: ReleasableReason;
    readonly limit: number;
    readonly amountMax: bigint | undefined;
    readonly part: UsagePart | undefined;
  },
): Promise<readonly QuarantinedUsage[]> {
  const { reason, limit, amountMax, part } = wanted;
  const { sql, values } = partSql(part, 5);
  const { rows } = await client.query<{ event_key: string; content_hash: bigint; amount: bigint; residue: bigint }>(
    `select q.event_key, q.content_hash, q.amount, q.residue from quarantine q
     where q.wallet_id = $1 and q.status = 'open' and q.reason = $2 and q.amount is not null
       and ($4::bigint is null or q.amount < $4 or (q.amount = $4 and q.residue = 0)) and ${sql}
     order by q.lane, q.batch_no, q.position limit $3`,
    [walletId, reason, limit, amountMax ?? null, ...values],
  );
  return withPosted(client, rows, ({ event_key, content_hash, amount, residue }) => ({
    key: parseEventKey(event_key),
    contentHash: content_hash,
    amount,
    residue,
  }));
}

/**
 * Rows of quarantine as usage, with whether their key has an entry already. No index spans entries and quarantine, so the
 * lane of another account may have posted an event under a key that was in quarantine.
 */
export async function withPosted<R extends { readonly event_key: string }, T extends object>(
  client: pg.PoolClient,
  rows: readonly R[],
  read: (row: R) => T,
): Promise<readonly (T & { readonly isPosted: boolean })[]> {
  if (rows.length === 0) return [];
  const { rows: entries } = await client.query<{ event_key: string }>(
    'select event_key from entry where event_key = any($1::uuid[])',
    [rows.map((row) => row.event_key)],
  );
  const posted = new Set(entries.map((entry) => entry.event_key));
  return rows.map((row) => ({ ...read(row), isPosted: posted.has(row.event_key) }));
}

/** Why a row can be a duplicate although it was new when it came. */
export const TAKEN = 'the same source, id and time were posted elsewhere while this waited';

/** Closes these rows, which must be open; what had no price is stored with the one it was posted at. */
export async function closeRows(
  client: pg.PoolClient,
  close: {
    readonly usage: readonly Pick<QuarantinedUsage, 'key' | 'amount'>[];
    readonly status: 'posted' | 'duplicate';
    readonly at: string;
    readonly by: string;
    readonly request: string | null;
  },
): Promise<void> {
  const { usage, status, at, by, request } = close;
  if (usage.length === 0) return;
  const { rowCount } = await client.query(
    `update quarantine q set status = $3, closed_at = $4, closed_by = $5, closed_request = $6, closed_reason = $7,
       amount = case $3 when 'posted' then u.amount else q.amount end
     from unnest($1::uuid[], $2::bigint[]) as u(event_key, amount) where q.event_key = u.event_key and q.status = 'open'`,
    [
      usage.map(({ key }) => formatEventKey(key)),
      usage.map(({ amount }) => amount),
      status,
      at,
      by,
      request,
      status === 'duplicate' ? TAKEN : null,
    ],
  );
  assert(rowCount === usage.length, 'rows of a wallet are closed under the fence of its lane only');
}

async function total(client: pg.PoolClient, sql: string, values: readonly unknown[]): Promise<UsageTotal> {
  const { rows } = await client.query<{ events: bigint; amount: bigint }>(sql, [...values]);
  return { events: Number(rows[0]?.events ?? 0n), amount: rows[0]?.amount ?? 0n };
}
