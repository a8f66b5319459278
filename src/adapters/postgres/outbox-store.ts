import type pg from 'pg';
import type { OutboxStore } from '../../pipeline/outbox/outbox-relay.ts';

/** The outbox table. */
export function createOutboxStore(pool: pg.Pool): OutboxStore {
  return {
    async unsent(topic, limit) {
      const { rows } = await pool.query<{ outbox_id: bigint; message_key: string; payload: unknown }>(
        'select outbox_id, message_key, payload from outbox where sent_at is null and topic = $1 order by outbox_id limit $2',
        [topic, limit],
      );
      return rows.map((row) => ({ outboxId: row.outbox_id, messageKey: row.message_key, payload: row.payload }));
    },
    async markSent(ids) {
      await pool.query('update outbox set sent_at = now() where outbox_id = any($1::bigint[])', [`{${ids.join()}}`]);
    },
  };
}
