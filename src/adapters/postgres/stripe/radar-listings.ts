import type pg from 'pg';
import type { ListingPatch, RadarListing, RadarTable } from '../../../pipeline/stripe/money-store.ts';
import { RADAR_QUEUE } from '../../../queues.ts';
import { inTransaction } from '../pool.ts';
import { at, ms } from './rows.ts';

interface ListingRow {
  readonly customer_id: string;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly status: RadarListing['status'];
  readonly list_status: RadarListing['listStatus'];
  readonly list_item: string | null;
  readonly metadata_set: boolean;
  readonly reason: string;
  readonly decision_id: string | null;
  readonly by: string;
  readonly put_at: Date;
  readonly until_at: Date;
  readonly ended_because: string | null;
}

/** Customers before Radar. */
export function radarTable(pool: pg.Pool): RadarTable {
  return {
    want: ({ customer, tenant, account, reason, decisionId, by, untilMs }, nowMs) =>
      inTransaction(pool, async (client) => {
        const { rows } = await client.query<ListingRow>(
          `insert into radar_listing as r (customer_id, tenant_id, account_id, status, reason, decision_id, by, put_at, until_at)
           values ($1, $2, $3, 'wanted', $4, $5, $6, $7, $8)
           on conflict (customer_id) do update set
             status = case when r.status = 'standing' then 'standing' else 'wanted' end,
             list_status = case when r.status = 'standing' then r.list_status else 'unknown' end,
             reason = excluded.reason, decision_id = excluded.decision_id, by = excluded.by,
             put_at = case when r.status in ('wanted', 'standing') then r.put_at else excluded.put_at end,
             until_at = case when r.status in ('wanted', 'standing') then greatest(r.until_at, excluded.until_at) else excluded.until_at end,
             ended_at = null, ended_because = null
           returning *`,
          [customer, tenant, account, reason, decisionId, by, at(nowMs), at(untilMs)],
        );
        if (rows[0] === undefined) throw new Error('an upsert returns its row');
        await enqueue(client, customer, nowMs);
        return readListing(rows[0]);
      }),
    unwant: (customer, because, nowMs) =>
      inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          `update radar_listing set status = 'unwanted', ended_because = $2
           where customer_id = $1 and status in ('wanted', 'standing')`,
          [customer, because],
        );
        if (rowCount === 0) return false;
        await enqueue(client, customer, nowMs);
        return true;
      }),
    async read(customer) {
      const { rows } = await pool.query<ListingRow>('select * from radar_listing where customer_id = $1', [customer]);
      return rows[0] === undefined ? undefined : readListing(rows[0]);
    },
    async ofAccount(tenant, account) {
      const { rows } = await pool.query<ListingRow>(
        'select * from radar_listing where tenant_id = $1 and account_id = $2 order by put_at desc limit 1',
        [tenant, account],
      );
      return rows[0] === undefined ? undefined : readListing(rows[0]);
    },
    patch: (customer, patch, nowMs) => patchListing(pool, customer, patch, nowMs),
    async expired(nowMs, limit) {
      const { rows } = await pool.query<{ customer_id: string }>(
        `select customer_id from radar_listing where status in ('wanted', 'standing') and until_at <= $1 order by until_at limit $2`,
        [at(nowMs), limit],
      );
      return rows.map((row) => row.customer_id);
    },
    async waiting(limit) {
      const { rows } = await pool.query<{ customer_id: string }>(
        `select customer_id from radar_listing where status in ('wanted', 'unwanted') order by put_at limit $1`,
        [limit],
      );
      return rows.map((row) => row.customer_id);
    },
    async list({ limit }) {
      const { rows } = await pool.query<ListingRow>(
        'select * from radar_listing order by (ended_at is null) desc, put_at desc limit $1',
        [limit],
      );
      return rows.map(readListing);
    },
    async seen() {
      const { rows } = await pool.query<{ reviewed: bigint; unreviewed: bigint }>(
        `select count(*) filter (where is_reviewed_by_rule) as reviewed, count(*) filter (where review_id is null) as unreviewed
         from topup where is_flagged and payment_intent is not null and status in ('in_review', 'paid', 'canceled')`,
      );
      return { reviewed: Number(rows[0]?.reviewed ?? 0), unreviewed: Number(rows[0]?.unreviewed ?? 0) };
    },
  };
}

async function patchListing(pool: pg.Pool, customer: string, patch: ListingPatch, nowMs: number): Promise<void> {
  await pool.query(
    `update radar_listing set status = coalesce($2, status), list_status = coalesce($3, list_status),
       list_item = case when $4 then $5 else list_item end, metadata_set = coalesce($6, metadata_set),
       until_at = coalesce($7, until_at), ended_because = coalesce($8, ended_because),
       ended_at = case when $2 = 'ended' then $9::timestamptz else ended_at end
     where customer_id = $1`,
    [
      customer,
      patch.status ?? null,
      patch.listStatus ?? null,
      patch.listItem !== undefined,
      patch.listItem ?? null,
      patch.metadataSet ?? null,
      at(patch.untilMs ?? null),
      patch.endedBecause ?? null,
      at(nowMs),
    ],
  );
}

async function enqueue(client: pg.PoolClient, customer: string, nowMs: number): Promise<void> {
  await client.query(
    `insert into outbox (topic, message_key, payload) values ($1, $2, $3) on conflict (message_key) do nothing`,
    [RADAR_QUEUE.name, `radar-${customer}-${nowMs}`, JSON.stringify({ v: 1, customer })],
  );
}

function readListing(row: ListingRow): RadarListing {
  return {
    customer: row.customer_id,
    tenant: row.tenant_id,
    account: row.account_id,
    status: row.status,
    listStatus: row.list_status,
    listItem: row.list_item,
    metadataSet: row.metadata_set,
    reason: row.reason,
    decisionId: row.decision_id,
    by: row.by,
    putAtMs: ms(row.put_at),
    untilMs: ms(row.until_at),
    endedBecause: row.ended_because,
  };
}
