import type pg from 'pg';
import type { EventStatus, EventTable, StoredEvent } from '../../../pipeline/stripe/money-store.ts';
import { STRIPE_EVENTS_QUEUE } from '../../../queues.ts';
import { inTransaction } from '../pool.ts';
import { at, ms } from './rows.ts';

interface EventRow {
  readonly event_id: string;
  readonly type: string;
  readonly shape: 'snapshot' | 'thin';
  readonly api_version: string | null;
  readonly is_live: boolean;
  readonly created_at: Date;
  readonly received_at: Date;
  readonly object_id: string | null;
  readonly object_type: string | null;
  readonly payment_intent: string | null;
  readonly charge_id: string | null;
  readonly customer_id: string | null;
  readonly status: EventStatus;
  readonly reason: string | null;
}

/** Events of Stripe, each once. */
export function eventTable(pool: pg.Pool): EventTable {
  return {
    keep: (notice, origin, nowMs) =>
      inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          `insert into stripe_event (event_id, type, shape, origin, api_version, is_live, created_at, received_at, object_id,
             object_type, payment_intent, charge_id, customer_id)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (event_id) do nothing`,
          [
            notice.eventId,
            notice.type,
            notice.shape,
            origin,
            notice.apiVersion,
            notice.isLive,
            at(notice.createdAtMs),
            at(nowMs),
            notice.objectId,
            notice.objectType,
            notice.paymentIntent,
            notice.chargeId,
            notice.customer,
          ],
        );
        if (rowCount === 0) return false;
        await enqueue(client, [notice.eventId], '');
        return true;
      }),
    async read(eventId) {
      const { rows } = await pool.query<EventRow>('select * from stripe_event where event_id = $1', [eventId]);
      return rows[0] === undefined ? undefined : readEvent(rows[0]);
    },
    async settle(eventId, status, reason, nowMs) {
      await pool.query(
        'update stripe_event set status = $2, reason = $3, processed_at = $4 where event_id = $1 and status <> $5',
        [eventId, status, reason, at(nowMs), 'done'],
      );
    },
    requeue: (which, nowMs) =>
      inTransaction(pool, async (client) => {
        const { rows } = await client.query<{ event_id: string }>(
          'kept' in which
            ? `update stripe_event set status = 'waiting', reason = null where status = 'kept' returning event_id`
            : `select event_id from stripe_event where status = 'waiting' and received_at < $1`,
          'kept' in which ? [] : [at(which.waitingBeforeMs)],
        );
        // A job that was kept under the plain name would swallow a second one.
        await enqueue(
          client,
          rows.map((row) => row.event_id),
          `-${nowMs}`,
        );
        return rows.length;
      }),
    async counts() {
      const { rows } = await pool.query<{ status: EventStatus; count: bigint }>(
        'select status, count(*) as count from stripe_event group by status',
      );
      const counts = { waiting: 0, done: 0, ignored: 0, kept: 0 };
      for (const { status, count } of rows) counts[status] = Number(count);
      return counts;
    },
    async list({ status, limit }) {
      const { rows } = await pool.query<EventRow>(
        `select * from stripe_event where ($1::text is null or status = $1) order by received_at desc, event_id limit $2`,
        [status ?? null, limit],
      );
      return rows.map(readEvent);
    },
  };
}

async function enqueue(client: pg.PoolClient, eventIds: readonly string[], suffix: string): Promise<void> {
  await client.query(
    `insert into outbox (topic, message_key, payload)
     select $1, 'stripe-event-' || id || $3, json_build_object('v', 1, 'event', id) from unnest($2::text[]) as u(id)
     on conflict (message_key) do nothing`,
    [STRIPE_EVENTS_QUEUE.name, eventIds, suffix],
  );
}

function readEvent(row: EventRow): StoredEvent {
  return {
    eventId: row.event_id,
    type: row.type,
    shape: row.shape,
    apiVersion: row.api_version,
    isLive: row.is_live,
    createdAtMs: ms(row.created_at),
    receivedAtMs: ms(row.received_at),
    objectId: row.object_id,
    objectType: row.object_type,
    paymentIntent: row.payment_intent,
    chargeId: row.charge_id,
    customer: row.customer_id,
    status: row.status,
    reason: row.reason,
  };
}
