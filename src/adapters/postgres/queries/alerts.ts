import { decisionEvidenceSchema } from '../../../pipeline/queries/decision-evidence.ts';
import type { AlertDetail, AlertStatus, AlertView, ListFilter } from '../../../pipeline/queries/queries.ts';
import type { Querier } from '../pool.ts';
import { readAlertReview } from './reviews.ts';
import { walletsOf } from './wallets.ts';

interface AlertRow {
  readonly alert_id: string;
  readonly decision_id: string;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly wallet_id: bigint;
  readonly currency: string;
  readonly outcome: string;
  readonly title: string;
  readonly summary: string;
  readonly money_at_risk: bigint;
  readonly loss: bigint;
  readonly status: AlertStatus;
  readonly raised_at: Date;
  readonly closed_at: Date | null;
  readonly closed_by: string | null;
}

const COLUMNS = `t.alert_id, t.decision_id, t.tenant_id, t.account_id, t.wallet_id, w.currency, t.outcome, t.title, t.summary,
  t.money_at_risk, t.loss, t.status, t.raised_at, t.closed_at, t.closed_by`;

/**
 * Alerts, the newest first. Those of one millisecond come by lane and then in the order their lane raised them, which is
 * the same however events were cut into batches.
 */
export async function listAlerts(
  pool: Querier,
  filter: ListFilter<AlertStatus> & { readonly after?: string | undefined },
): Promise<readonly AlertView[]> {
  const { rows } = await pool.query<AlertRow>(
    `select ${COLUMNS} from alert t join wallet w using (wallet_id)
     where t.tenant_id = $1 and ($2::text is null or t.account_id = $2) and ($3::text is null or t.status = $3)
       and ($5::text is null or (t.raised_at, t.lane, t.batch_no, t.position) <
         (select l.raised_at, l.lane, l.batch_no, l.position from alert l where l.tenant_id = $1 and l.alert_id = $5))
     order by t.raised_at desc, t.lane desc, t.batch_no desc, t.position desc limit $4`,
    [filter.tenant, filter.account ?? null, filter.status ?? null, filter.limit, filter.after ?? null],
  );
  return rows.map(readAlert);
}

interface DecisionRow {
  readonly decision_id: string;
  readonly decision_outcome: string;
  readonly score: number;
  readonly ruleset_hash: string;
  readonly decided_at: Date;
  readonly lane: number;
  readonly batch_no: bigint;
  readonly evidence: unknown;
}

/** One alert with the decision behind it. */
export async function showAlert(pool: Querier, tenant: string, alertId: string): Promise<AlertDetail | undefined> {
  const { rows } = await pool.query<AlertRow & DecisionRow>(
    `select ${COLUMNS}, d.outcome as decision_outcome, d.score, d.ruleset_hash, d.decided_at, d.lane, d.batch_no, d.evidence
     from alert t join wallet w using (wallet_id) join decision d using (decision_id)
     where t.tenant_id = $1 and t.alert_id = $2`,
    [tenant, alertId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const wallets = await walletsOf(pool, tenant, [row.account_id]);
  return {
    alert: readAlert(row),
    decision: {
      decisionId: row.decision_id,
      outcome: row.decision_outcome,
      score: row.score,
      rulesetHash: row.ruleset_hash,
      decidedAtMs: row.decided_at.getTime(),
      lane: row.lane,
      batchNo: Number(row.batch_no),
      evidence: decisionEvidenceSchema.parse(row.evidence),
      stored: row.evidence,
    },
    review: await readAlertReview(pool, tenant, alertId),
    wallet: wallets.find(({ walletId }) => walletId === row.wallet_id),
  };
}

function readAlert(row: AlertRow): AlertView {
  return {
    alertId: row.alert_id,
    decisionId: row.decision_id,
    tenant: row.tenant_id,
    account: row.account_id,
    walletId: row.wallet_id,
    currency: row.currency,
    outcome: row.outcome,
    title: row.title,
    summary: row.summary,
    moneyAtRisk: row.money_at_risk,
    loss: row.loss,
    status: row.status,
    raisedAtMs: row.raised_at.getTime(),
    closedAtMs: row.closed_at?.getTime() ?? null,
    closedBy: row.closed_by,
  };
}
