import { hash } from 'node:crypto';
import type pg from 'pg';
import { shorten } from '../../domain/events/parse-event.ts';
import { anyJson } from '../../domain/text/any-json.ts';
import type { RejectionLog } from '../../pipeline/ingest/rejection-log.ts';

/** Raw events are kept whole up to this size; a larger one is cut, which its `code` then says. */
const RAW_CHARACTERS_MAX = 1_048_576;

/** Rejected events in PostgreSQL, keyed by job and position so that a redelivered job adds nothing. */
export function createRejectionLog(pool: pg.Pool): RejectionLog {
  return {
    async record({ queue, jobId }, rejected) {
      if (rejected.length === 0) return;
      const rows = rejected.map(({ status, position, tenant, source, raw }) => {
        const text = storable(typeof raw === 'string' ? raw : anyJson(raw));
        return {
          key: hash('sha256', `${queue}|${jobId}|${position}|${text}`, 'hex'),
          tenant,
          event_id: status.id,
          source: source === null ? null : shorten(source, 128),
          code: status.code,
          field: status.field,
          value: status.value,
          fix: status.fix,
          position,
          raw: text,
        };
      });
      await pool.query(
        `insert into rejected_event (rejection_key, tenant_id, event_id, source, code, field, value, fix, queue, job_id, position, raw)
         select decode(r.key, 'hex'), r.tenant, r.event_id, r.source, r.code, r.field, r.value, r.fix, $2, $3, r.position, r.raw
         from json_to_recordset($1::json) as r(key text, tenant text, event_id text, source text, code text, field text, value text,
           fix text, position int, raw text)
         on conflict do nothing`,
        [JSON.stringify(rows), queue, shorten(jobId, 256)],
      );
    },
  };
}

/** PostgreSQL text can hold neither NUL nor half a surrogate pair; both are shown instead of dropped. */
function storable(text: string): string {
  return text.slice(0, RAW_CHARACTERS_MAX).toWellFormed().replaceAll('\u0000', '\\u0000');
}
