import type pg from 'pg';
import type { AccountLabel, ClosedCase, KnownCases } from '../../../pipeline/backtest/case-labels.ts';
import { decisionEvidenceSchema } from '../../../pipeline/queries/decision-evidence.ts';

interface CaseRow {
  readonly alert_id: string;
  readonly account_id: string;
  readonly status: ClosedCase['verdict'];
  readonly raised_at: Date;
  readonly loss: bigint;
  readonly evidence: unknown;
}

interface LabelRow {
  readonly label_id: bigint;
  readonly account_id: string;
  readonly label: AccountLabel['label'];
  readonly cause: string;
  readonly from_at: Date;
  readonly to_at: Date | null;
  readonly loss: bigint | null;
  readonly made_at: Date;
}

/** What people and payments have said of a tenant's accounts. */
export async function readKnownCases(pool: pg.Pool, tenant: string): Promise<KnownCases> {
  const { rows: cases } = await pool.query<CaseRow>(
    `select t.alert_id, t.account_id, t.status, t.raised_at, t.loss, d.evidence
     from alert t join decision d using (decision_id)
     where t.tenant_id = $1 and t.status <> 'open' order by t.raised_at, t.lane, t.batch_no, t.position`,
    [tenant],
  );
  const { rows: labels } = await pool.query<LabelRow>(
    `select label_id, account_id, label, cause, from_at, to_at, loss, made_at from account_label
     where tenant_id = $1 order by label_id`,
    [tenant],
  );
  return {
    cases: cases.map((row) => {
      const fired = decisionEvidenceSchema
        .parse(row.evidence)
        .results.filter(({ status }) => status === 'hit' || status === 'snoozed');
      return {
        alertId: row.alert_id,
        account: row.account_id,
        verdict: row.status,
        raisedAtMs: row.raised_at.getTime(),
        windowMs: Math.max(0, ...fired.map(({ windowMs }) => windowMs)),
        lossNanos: Number(row.loss),
      };
    }),
    labels: labels.map((row) => ({
      id: Number(row.label_id),
      account: row.account_id,
      label: row.label,
      cause: row.cause,
      fromMs: row.from_at.getTime(),
      untilMs: row.to_at?.getTime() ?? null,
      lossNanos: row.loss === null ? null : Number(row.loss),
      madeAtMs: row.made_at.getTime(),
    })),
  };
}
