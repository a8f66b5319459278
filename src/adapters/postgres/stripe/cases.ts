import type pg from 'pg';
import { derivedId } from '../../../domain/ids.ts';
import type { MoneyCase, MoneyStore } from '../../../pipeline/stripe/money-store.ts';
import { at, ms } from './rows.ts';

interface CaseRow {
  readonly case_id: string;
  readonly tenant_id: string | null;
  readonly account_id: string | null;
  readonly kind: string;
  readonly subject: string;
  readonly title: string;
  readonly detail: unknown;
  readonly status: 'open' | 'closed';
  readonly opened_at: Date;
  readonly closed_by: string | null;
  readonly closed_reason: string | null;
}

type CaseTable = Pick<MoneyStore, 'openCase' | 'cases' | 'closeCase' | 'signal'>;

/** Cases for people, and signals for labels. */
export function caseTable(pool: pg.Pool): CaseTable {
  return {
    async openCase({ tenant, account, kind, subject, title, detail }, nowMs) {
      const { rowCount } = await pool.query(
        `insert into money_case (case_id, tenant_id, account_id, kind, subject, title, detail, opened_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (kind, subject) do nothing`,
        [derivedId('cas', [kind, subject]), tenant, account, kind, subject, title, JSON.stringify(detail), at(nowMs)],
      );
      return { isNew: rowCount === 1 };
    },
    async cases({ status, limit }) {
      const { rows } = await pool.query<CaseRow>(
        `select * from money_case where ($1::text is null or status = $1) order by opened_at desc, case_id limit $2`,
        [status ?? null, limit],
      );
      return rows.map(readCase);
    },
    async closeCase(caseId, by, reason, nowMs) {
      const { rowCount } = await pool.query(
        `update money_case set status = 'closed', closed_at = $2, closed_by = $3, closed_reason = $4
         where case_id = $1 and status = 'open'`,
        [caseId, at(nowMs), by, reason],
      );
      return rowCount === 1;
    },
    async signal({ key, tenant, account, kind, subject, paymentIntent, atMs, detail }) {
      const { rowCount } = await pool.query(
        `insert into payment_signal (signal_key, tenant_id, account_id, kind, subject, payment_intent, at, detail)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (signal_key) do nothing`,
        [key, tenant, account, kind, subject, paymentIntent, at(atMs), JSON.stringify(detail)],
      );
      return rowCount === 1;
    },
  };
}

function readCase(row: CaseRow): MoneyCase {
  return {
    caseId: row.case_id,
    tenant: row.tenant_id,
    account: row.account_id,
    kind: row.kind,
    subject: row.subject,
    title: row.title,
    detail: row.detail,
    status: row.status,
    openedAtMs: ms(row.opened_at),
    closedBy: row.closed_by,
    closedReason: row.closed_reason,
  };
}
