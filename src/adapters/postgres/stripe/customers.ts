import type pg from 'pg';
import type { CustomerTable, StripeCustomer } from '../../../pipeline/stripe/money-store.ts';
import { inTransaction } from '../pool.ts';
import { at } from './rows.ts';

interface CustomerRow {
  readonly customer_id: string;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly payment_method: string | null;
}

const COLUMNS = 'customer_id, tenant_id, account_id, payment_method';

/** Which customer stands for which account, and the card saved for it. */
export function customerTable(pool: pg.Pool): CustomerTable {
  const ofAccount = async (tenant: string, account: string) => {
    const { rows } = await pool.query<CustomerRow>(
      `select ${COLUMNS} from stripe_customer where tenant_id = $1 and account_id = $2`,
      [tenant, account],
    );
    return rows[0] === undefined ? undefined : readCustomer(rows[0]);
  };
  return {
    ofAccount,
    async byId(customer) {
      const { rows } = await pool.query<CustomerRow>(`select ${COLUMNS} from stripe_customer where customer_id = $1`, [
        customer,
      ]);
      return rows[0] === undefined ? undefined : readCustomer(rows[0]);
    },
    async keep({ customer, tenant, account }, nowMs) {
      const { rows } = await pool.query<CustomerRow>(
        `insert into stripe_customer as c (customer_id, tenant_id, account_id, created_at) values ($1, $2, $3, $4)
         on conflict (tenant_id, account_id) do update set
           customer_id = case when c.deleted_at is null then c.customer_id else excluded.customer_id end, deleted_at = null
         returning ${COLUMNS}`,
        [customer, tenant, account, at(nowMs)],
      );
      return rows[0] === undefined ? { customer, tenant, account, paymentMethod: null } : readCustomer(rows[0]);
    },
    async saveCard(customer, paymentMethod, nowMs) {
      await inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          'update stripe_customer set payment_method = $2 where customer_id = $1 and payment_method is distinct from $2',
          [customer, paymentMethod],
        );
        if (rowCount === 0) return;
        await client.query(
          `update auto_topup a set declines = 0, paused_until = null, stopped_because = null, stopped_kind = null, updated_at = $2
           from stripe_customer c
           where c.customer_id = $1 and a.tenant_id = c.tenant_id and a.account_id = c.account_id
             and a.declines > 0 and a.stopped_kind is distinct from 'alarm'`,
          [customer, at(nowMs)],
        );
      });
    },
    async dropCard(which, nowMs) {
      const [column, value] =
        'customer' in which ? ['customer_id', which.customer] : ['payment_method', which.paymentMethod];
      await pool.query(
        `update stripe_customer set payment_method = null,
           deleted_at = case when $2 then $3::timestamptz else deleted_at end where ${column} = $1`,
        [value, 'customer' in which, at(nowMs)],
      );
    },
  };
}

function readCustomer(row: CustomerRow): StripeCustomer {
  return {
    customer: row.customer_id,
    tenant: row.tenant_id,
    account: row.account_id,
    paymentMethod: row.payment_method,
  };
}
