import type pg from 'pg';
import { formatIso } from '../../domain/time.ts';
import type { RequestAnswers } from '../../pipeline/ingest/answered-requests.ts';

/** Keys of requests and their answers, in the table that changes of wallets keep theirs in. */
export function createRequestAnswers(pool: pg.Pool): RequestAnswers {
  const stored = async (key: string) => {
    const { rows } = await pool.query<{ hash: string; answer: unknown }>(
      'select request_hash as hash, result as answer from admin_request where idempotency_key = $1',
      [key],
    );
    return rows[0];
  };
  return {
    async claim({ key, hash, nowMs }) {
      const { rowCount } = await pool.query(
        `insert into admin_request (idempotency_key, request_hash, result, answered_at) values ($1, $2, 'null', $3)
         on conflict do nothing`,
        [key, hash, formatIso(nowMs)],
      );
      if (rowCount === 1) return { hash, answer: null };
      // Gone again only when another process took nothing under it at this moment: as good as claimed.
      return (await stored(key)) ?? { hash, answer: null };
    },
    async keep({ key, answer, nowMs }) {
      const { rowCount } = await pool.query(
        `update admin_request set result = $2, answered_at = $3 where idempotency_key = $1 and result::text = 'null'`,
        [key, JSON.stringify(answer), formatIso(nowMs)],
      );
      return rowCount === 1 ? answer : ((await stored(key))?.answer ?? answer);
    },
    async release(key) {
      await pool.query(`delete from admin_request where idempotency_key = $1 and result::text = 'null'`, [key]);
    },
  };
}
