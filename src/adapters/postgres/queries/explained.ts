import type pg from 'pg';
import { decisionEvidenceSchema } from '../../../pipeline/queries/decision-evidence.ts';
import type { ExplainedDecision, ExplainedWhich } from '../../../pipeline/queries/explained-decision.ts';
import type { AlertStatus } from '../../../pipeline/queries/queries.ts';
import { readAlertReview } from './reviews.ts';

interface Row {
  readonly decision_id: string;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly wallet_id: bigint;
  readonly currency: string;
  readonly outcome: string;
  readonly score: number;
  readonly ruleset_hash: string;
  readonly decided_at: Date;
  readonly evidence: unknown;
  readonly alert_id: string | null;
  readonly title: string | null;
  readonly status: AlertStatus | null;
}

/**
 * A decision with the alert it raised, if it did: by either id, or the newest about an account, in which a rule fired when one
 * is named. Shadow hits are decisions without an alert.
 */
export async function readExplained(
  pool: pg.Pool,
  tenant: string,
  which: ExplainedWhich,
): Promise<ExplainedDecision | undefined> {
  const { rows } = await pool.query<Row>(
    `select d.decision_id, d.tenant_id, d.account_id, d.wallet_id, w.currency, d.outcome, d.score, d.ruleset_hash, d.decided_at,
       d.evidence, t.alert_id, t.title, t.status
     from decision d join wallet w using (wallet_id) left join alert t using (decision_id)
     where d.tenant_id = $1 and ${conditionOf(which)}
     order by d.decided_at desc, d.lane desc, d.batch_no desc, d.decision_id limit 1`,
    [tenant, ...valuesOf(which)],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    decisionId: row.decision_id,
    tenant: row.tenant_id,
    account: row.account_id,
    walletId: row.wallet_id,
    currency: row.currency,
    outcome: row.outcome,
    score: row.score,
    rulesetHash: row.ruleset_hash,
    decidedAtMs: row.decided_at.getTime(),
    evidence: decisionEvidenceSchema.parse(row.evidence),
    review: row.alert_id === null ? null : await readAlertReview(pool, tenant, row.alert_id),
    alert:
      row.alert_id === null || row.status === null
        ? null
        : { alertId: row.alert_id, title: row.title ?? '', status: row.status },
  };
}

function conditionOf(which: ExplainedWhich): string {
  if (which.by !== 'account') return which.by === 'alert' ? 't.alert_id = $2' : 'd.decision_id = $2';
  const wallets = 'd.wallet_id in (select wallet_id from wallet where tenant_id = $1 and account_id = $2)';
  if (which.rule === undefined) return wallets;
  return `${wallets} and exists (select from json_array_elements(d.evidence -> 'results') r
    where r ->> 'ruleId' = $3 and r ->> 'status' in ('hit', 'snoozed'))`;
}

function valuesOf(which: ExplainedWhich): readonly string[] {
  if (which.by !== 'account') return [which.id];
  return which.rule === undefined ? [which.account] : [which.account, which.rule];
}
