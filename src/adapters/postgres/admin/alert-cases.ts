import type pg from 'pg';
import { formatIso } from '../../../domain/time.ts';
import type { AlertCase, CaseAccess } from '../../../pipeline/admin/case-store.ts';
import { decisionEvidenceSchema } from '../../../pipeline/queries/decision-evidence.ts';
import type { AlertStatus } from '../../../pipeline/queries/queries.ts';

interface CaseRow {
  readonly alert_id: string;
  readonly wallet_id: bigint;
  readonly account_id: string;
  readonly title: string;
  readonly status: AlertStatus;
  readonly closed_by: string | null;
  readonly raised_at: Date;
  readonly evidence: unknown;
}

const COLUMNS =
  't.alert_id, t.wallet_id, t.account_id, t.title, t.status, t.closed_by, t.raised_at, d.evidence from alert t join decision d using (decision_id)';

/** Alerts of one wallet inside a database transaction that holds the fence of its lane. */
export function casesOf(client: pg.PoolClient, lane: number, walletId: bigint, at: string): CaseAccess {
  return {
    read: async (alertId) => {
      const { rows } = await client.query<CaseRow>(
        `select ${COLUMNS} where t.alert_id = $1 and t.wallet_id = $2 for update of t`,
        [alertId, walletId],
      );
      return rows[0] === undefined ? undefined : readCase(rows[0]);
    },
    openBetween: async (fromMs, toMs) => {
      const { rows } = await client.query<CaseRow>(
        `select ${COLUMNS} where t.wallet_id = $1 and t.status = 'open' and t.raised_at between $2 and $3
         order by t.raised_at, t.alert_id for update of t`,
        [walletId, formatIso(fromMs), formatIso(toMs)],
      );
      return rows.map(readCase);
    },
    raisedBetween: async (fromMs, toMs) => {
      const { rows } = await client.query<CaseRow>(
        `select ${COLUMNS} where t.wallet_id = $1 and t.raised_at between $2 and $3
         order by t.raised_at, t.batch_no, t.position for update of t`,
        [walletId, formatIso(fromMs), formatIso(toMs)],
      );
      return rows.map(readCase);
    },
    close: async (alertId, verdict, by, reason) => {
      await client.query(
        'update alert set status = $2, closed_at = $3, closed_by = $4, closed_reason = $5 where alert_id = $1',
        [alertId, verdict, at, by, reason],
      );
    },
    teach: async ({ alertId, verdict, fromMs, toMs, by }) => {
      await client.query(
        `insert into baseline_lesson (lane, wallet_id, alert_id, verdict, from_at, to_at, made_at, made_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [lane, walletId, alertId, verdict, formatIso(fromMs), formatIso(toMs), at, by],
      );
    },
    label: async ({ tenant, account, label, cause, fromMs, untilMs, lossNanos, note, key, by }) => {
      const span = [formatIso(fromMs), untilMs === undefined ? null : formatIso(untilMs)];
      await client.query(
        `insert into account_label (tenant_id, account_id, label, cause, from_at, to_at, loss, note, idempotency_key, made_at, made_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [tenant, account, label, cause, ...span, lossNanos ?? null, note ?? null, key, at, by],
      );
    },
  };
}

/** The wallet an alert is about. */
export async function walletOfAlert(pool: pg.Pool, tenant: string, alertId: string): Promise<bigint | undefined> {
  const { rows } = await pool.query<{ wallet_id: bigint }>(
    'select wallet_id from alert where tenant_id = $1 and alert_id = $2',
    [tenant, alertId],
  );
  return rows[0]?.wallet_id;
}

function readCase(row: CaseRow): AlertCase {
  const { results } = decisionEvidenceSchema.parse(row.evidence);
  const fired = results.filter(({ status }) => status === 'hit' || status === 'snoozed');
  return {
    alertId: row.alert_id,
    walletId: row.wallet_id,
    account: row.account_id,
    title: row.title,
    status: row.status,
    closedBy: row.closed_by,
    raisedAtMs: row.raised_at.getTime(),
    windowMs: Math.max(0, ...fired.map(({ windowMs }) => windowMs)),
  };
}
