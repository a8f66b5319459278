import type pg from 'pg';
import { assert } from '../../../domain/assert.ts';
import { formatEventKey, parseEventKey } from '../../../domain/events/event-key.ts';
import type { QuarantineReason } from '../../../domain/events/usage-event.ts';
import { FUTURE_TOLERANCE_MS } from '../../../domain/ledger/lateness.ts';
import { formatIso } from '../../../domain/time.ts';
import { parseJsonObject } from '../../../json-object.ts';
import type { UsageTotal } from '../../../pipeline/admin/admin-store.ts';
import type {
  ArrivalPlace,
  QuarantineAccess,
  QuarantineIndex,
  SettledTotals,
  UsageFilter,
  WaitingUsage,
  WaitingWallet,
} from '../../../pipeline/admin/quarantine-store.ts';
import { exactJson } from './exact-json.ts';
import { filterSql } from './quarantine-filter.ts';
import { closeRows, withPosted } from './wallet-quarantine.ts';

/** A wallet's filtered quarantine inside one database transaction. */
export function filteredQuarantineOf(client: pg.PoolClient, walletId: bigint, at: string): QuarantineAccess {
  return {
    settledBy: (key) => settledBy(client, key),
    page: (filter, after, limit) => page(client, walletId, { filter, after, limit }),
    close: async (rows, { status, by, request }) => {
      if (status !== 'void') return closeRows(client, { usage: rows, status, at, by, request });
      const { rowCount } = await client.query(
        `update quarantine set status = 'void', closed_at = $2, closed_by = $3, closed_request = $4
         where event_key = any($1::uuid[]) and status = 'open'`,
        [rows.map(({ key }) => formatEventKey(key)), at, by, request],
      );
      assert(rowCount === rows.length, 'rows of a wallet are closed under the fence of its lane only');
    },
  };
}

interface PageRow {
  readonly event_key: string;
  readonly content_hash: bigint;
  readonly reason: QuarantineReason;
  readonly amount: bigint | null;
  readonly residue: bigint;
  readonly account_id: string;
  readonly meter: string;
  readonly event: string | null;
  readonly event_time: Date;
  readonly lane: number;
  readonly batch_no: bigint;
  readonly position: number;
}

async function page(
  client: pg.PoolClient,
  walletId: bigint,
  wanted: { readonly filter: UsageFilter; readonly after: ArrivalPlace | undefined; readonly limit: number },
): Promise<readonly WaitingUsage[]> {
  const { filter, after, limit } = wanted;
  const { sql, values } = filterSql(filter, 6);
  const { rows } = await client.query<PageRow>(
    `select q.event_key, q.content_hash, q.reason, q.amount, q.residue, q.account_id, q.meter, q.event_time, q.lane, q.batch_no, q.position,
       case when q.amount is null then q.event end as event
     from quarantine q
     where q.wallet_id = $1 and q.status = 'open' and (q.lane, q.batch_no, q.position) > ($2, $3, $4) and ${sql}
     order by q.lane, q.batch_no, q.position limit $5`,
    [walletId, after?.lane ?? -1, after?.batchNo ?? 0n, after?.position ?? 0, limit, ...values],
  );
  return withPosted(client, rows, (row) => ({
    key: parseEventKey(row.event_key),
    contentHash: row.content_hash,
    reason: row.reason,
    amount: row.amount,
    residue: row.residue,
    account: row.account_id,
    meter: row.meter,
    quantity: row.event === null ? null : quantityIn(row.event),
    occurredAtMs: row.event_time.getTime(),
    place: { lane: row.lane, batchNo: row.batch_no, position: row.position },
  }));
}

function quantityIn(event: string): string | null {
  const quantity = parseJsonObject(event)?.quantity;
  return typeof quantity === 'string' ? quantity : null;
}

/** What settling quarantine needs outside the transactions of single wallets. */
export function quarantineIndex(pool: pg.Pool): QuarantineIndex {
  return {
    walletsWith: (filter, nowMs) => walletsWith(pool, filter, nowMs),
    claim: async ({ key, hash, nowMs, dryRun }) => {
      if (!dryRun) {
        await pool.query(
          `insert into admin_request (idempotency_key, request_hash, result, answered_at) values ($1, $2, 'null', $3)
           on conflict do nothing`,
          [key, hash, formatIso(nowMs)],
        );
      }
      return stored(pool, key);
    },
    settledBy: (key) => settledBy(pool, key),
    answer: async ({ key, result, nowMs }) => {
      await pool.query(
        `update admin_request set result = $2, answered_at = $3 where idempotency_key = $1 and result::text = 'null'`,
        [key, exactJson(result), formatIso(nowMs)],
      );
      return (await stored(pool, key))?.result;
    },
  };
}

async function stored(pool: pg.Pool, key: string) {
  const { rows } = await pool.query<{ hash: string; result: unknown }>(
    'select request_hash as hash, result from admin_request where idempotency_key = $1',
    [key],
  );
  return rows[0];
}

async function walletsWith(pool: pg.Pool, filter: UsageFilter, nowMs: number): Promise<readonly WaitingWallet[]> {
  const { sql, values } = filterSql(filter, 2);
  const { rows } = await pool.query<{ wallet_id: bigint; shard: number; currency: string; days: number[] | null }>(
    `select q.wallet_id, w.shard, w.currency,
       array_agg(distinct floor(extract(epoch from q.event_time) / 86400)::int) filter (where q.event_time <= $1) as days
     from quarantine q join wallet w using (wallet_id)
     where q.status = 'open' and ${sql} group by q.wallet_id, w.shard, w.currency order by q.wallet_id`,
    [formatIso(nowMs + FUTURE_TOLERANCE_MS), ...values],
  );
  return rows.map(({ wallet_id: walletId, shard, currency, days }) => ({
    walletId,
    shard,
    currency,
    days: days ?? [],
  }));
}

async function settledBy(client: Pick<pg.Pool, 'query'>, key: string): Promise<readonly SettledTotals[]> {
  const { rows } = await client.query<{ currency: string } & Record<string, bigint>>(
    `select w.currency, ${['posted', 'void', 'duplicate']
      .map(
        (status) => `count(*) filter (where q.status = '${status}') as ${status}_events,
          coalesce(sum(q.amount) filter (where q.status = '${status}'), 0)::bigint as ${status}_amount`,
      )
      .join(', ')}
     from quarantine q join wallet w using (wallet_id) where q.closed_request = $1 group by w.currency order by w.currency`,
    [key],
  );
  return rows.map((row) => {
    const total = (status: string): UsageTotal => ({
      events: Number(row[`${status}_events`] ?? 0n),
      amount: row[`${status}_amount`] ?? 0n,
    });
    const [posted, voided, duplicates] = [total('posted'), total('void'), total('duplicate')];
    return { currency: row.currency, posted, voided, duplicates };
  });
}
