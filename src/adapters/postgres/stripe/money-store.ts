import type pg from 'pg';
import type { MoneyStore } from '../../../pipeline/stripe/money-store.ts';
import { autoTopUpTable } from './auto-topups.ts';
import { caseTable } from './cases.ts';
import { customerTable } from './customers.ts';
import { eventTable } from './events.ts';
import { createNamedLocks } from './named-locks.ts';
import { radarTable } from './radar-listings.ts';
import { at } from './rows.ts';
import { topUpTable } from './topups.ts';

/** Tables of money in, on PostgreSQL. */
export function createMoneyStore(pool: pg.Pool): MoneyStore {
  return {
    alone: createNamedLocks(pool),
    customers: customerTable(pool),
    topUps: topUpTable(pool),
    auto: autoTopUpTable(pool),
    events: eventTable(pool),
    radar: radarTable(pool),
    ...caseTable(pool),
    async postedKeys(keys) {
      const { rows } = await pool.query<{ key: string }>(
        'select idempotency_key as key from admin_request where idempotency_key = any($1::text[])',
        [keys],
      );
      return new Set(rows.map(({ key }) => key));
    },
    async fact(name) {
      const { rows } = await pool.query<{ value: unknown }>('select value from stripe_fact where name = $1', [name]);
      return rows[0]?.value;
    },
    async setFact(name, value, nowMs) {
      await pool.query(
        `insert into stripe_fact (name, value, updated_at) values ($1, $2, $3)
         on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at`,
        [name, JSON.stringify(value), at(nowMs)],
      );
    },
  };
}
