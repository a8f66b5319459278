import type pg from 'pg';
import { formatEventKey, parseEventKey } from '../../../domain/events/event-key.ts';
import type { QuarantinedUsage } from '../../../domain/ledger/release-usage.ts';
import type { AdminTransaction, ReleasableReason, UsageTotal } from '../../../pipeline/admin/admin-store.ts';

type QuarantinePart = Pick<
  AdminTransaction,
  'openUsage' | 'countUsage' | 'closeAsPosted' | 'closeAsVoid' | 'awaitCredit'
>;

/** A wallet's quarantined usage inside one database transaction. Closing a row keeps its key claimed. */
export function quarantineOf(client: pg.PoolClient, walletId: bigint, at: string): QuarantinePart {
  return {
    openUsage: (reason, limit) => openUsage(client, walletId, reason, limit),
    countUsage: (reason) =>
      total(
        client,
        `select count(*) as events, coalesce(sum(amount), 0)::bigint as amount from quarantine
         where wallet_id = $1 and status = 'open' and reason = $2`,
        [walletId, reason],
      ),
    closeAsPosted: async (usage, by) => {
      await client.query(
        `update quarantine set status = 'posted', closed_at = $2, closed_by = $3
         where event_key = any($1::uuid[]) and status = 'open'`,
        [usage.map(({ key }) => formatEventKey(key)), at, by],
      );
    },
    closeAsVoid: (reason, by) =>
      total(
        client,
        `with closed as (update quarantine set status = 'void', closed_at = $3, closed_by = $4
           where wallet_id = $1 and status = 'open' and reason = $2 returning amount)
         select count(*) as events, coalesce(sum(amount), 0)::bigint as amount from closed`,
        [walletId, reason, at, by],
      ),
    awaitCredit: () =>
      total(
        client,
        `with moved as (update quarantine set reason = 'over_limit'
           where wallet_id = $1 and status = 'open' and reason = 'frozen' returning amount)
         select count(*) as events, coalesce(sum(amount), 0)::bigint as amount from moved`,
        [walletId],
      ),
  };
}

/**
 * Open usage, oldest first. What another lane has posted under the same key meanwhile (no index spans entries and
 * quarantine) is a copy from now on: otherwise its key, taken for good, would stop every thaw and top-up of the wallet.
 */
async function openUsage(
  client: pg.PoolClient,
  walletId: bigint,
  reason: ReleasableReason,
  limit: number,
): Promise<readonly QuarantinedUsage[]> {
  for (;;) {
    const { rows } = await client.query<{
      event_key: string;
      content_hash: bigint;
      amount: bigint;
      residue: bigint;
      is_taken: boolean;
    }>(
      `select event_key, content_hash, amount, residue, exists (select from entry e where e.event_key = q.event_key) as is_taken
       from quarantine q
       where wallet_id = $1 and status = 'open' and reason = $2 and amount is not null
       order by lane, batch_no, position limit $3`,
      [walletId, reason, limit],
    );
    const taken = rows.filter((row) => row.is_taken).map((row) => row.event_key);
    if (taken.length === 0) {
      return rows.map((row) => ({
        key: parseEventKey(row.event_key),
        contentHash: row.content_hash,
        amount: row.amount,
        residue: row.residue,
      }));
    }
    await client.query(
      `update quarantine set reason = 'altered' where event_key = any($1::uuid[]) and status = 'open'`,
      [taken],
    );
  }
}

async function total(client: pg.PoolClient, sql: string, values: readonly unknown[]): Promise<UsageTotal> {
  const { rows } = await client.query<{ events: bigint; amount: bigint }>(sql, [...values]);
  return { events: Number(rows[0]?.events ?? 0n), amount: rows[0]?.amount ?? 0n };
}
