import type pg from 'pg';
import type { ReviewSubject } from '../../domain/review/evidence.ts';
import { type DecisionEvidence, decisionEvidenceSchema } from '../../pipeline/queries/decision-evidence.ts';
import type { FinishedReview, ReviewStore } from '../../pipeline/review/review-store.ts';
import { REVIEW_COLUMNS, type ReviewRow, readReviewRow } from './queries/reviews.ts';

interface SubjectRow {
  readonly tenant_id: string;
  readonly alert_id: string;
  readonly decision_id: string;
  readonly account_id: string;
  readonly outcome: string;
  readonly score: number;
  readonly status: string;
  readonly money_at_risk: bigint;
  readonly loss: bigint;
  readonly evidence: unknown;
  readonly fraud: number;
  readonly benign: number;
}

/** How far back closed cases are looked at. */
const CASES_MAX = 500;

// Of the newest closed alerts those in which one of the same rules fired; never the alert itself, whose end is the answer.
const SUBJECTS = `
  select t.tenant_id, t.alert_id, t.decision_id, t.account_id, t.outcome, d.score, t.status, t.money_at_risk, t.loss, d.evidence,
    s.fraud, s.benign
  from alert t join decision d using (decision_id)
  cross join lateral (
    select count(*) filter (where c.status = 'confirmed_fraud')::int as fraud,
      count(*) filter (where c.status = 'benign')::int as benign
    from (select o.status, o.decision_id from alert o
      where o.tenant_id = t.tenant_id and o.status in ('confirmed_fraud', 'benign') and o.alert_id <> t.alert_id
        and o.raised_at < t.raised_at
      order by o.raised_at desc limit ${CASES_MAX}) c
    join decision e on e.decision_id = c.decision_id
    where exists (select from json_array_elements(e.evidence -> 'results') r join json_array_elements(d.evidence -> 'results') q
      on q ->> 'ruleId' = r ->> 'ruleId'
      where r ->> 'status' in ('hit', 'snoozed') and q ->> 'status' in ('hit', 'snoozed'))
  ) s`;

/** Reviews in PostgreSQL. */
export function createReviewStore(pool: pg.Pool): ReviewStore {
  return {
    async subject(tenant, alertId) {
      const { rows } = await pool.query<SubjectRow>(`${SUBJECTS} where t.tenant_id = $1 and t.alert_id = $2`, [
        tenant,
        alertId,
      ]);
      return rows.map(readSubject)[0];
    },
    async isDone(alertId) {
      const { rowCount } = await pool.query(`select from llm_review where alert_id = $1 and status <> 'running'`, [
        alertId,
      ]);
      return (rowCount ?? 0) > 0;
    },
    async sameInput(tenant, inputHash) {
      const { rows } = await pool.query<ReviewRow>(
        `select ${REVIEW_COLUMNS} from llm_review r where r.input_hash = $2 and r.tenant_id = $1 and r.status = 'reviewed'
         order by r.started_at desc limit 1`,
        [tenant, inputHash],
      );
      return rows.map(readReviewRow)[0];
    },
    reserve: (request) => reserve(pool, request),
    finish: (review) => finish(pool, review),
    async totals(tenant, sinceMs) {
      const { rows } = await pool.query<{ status: string; cause: string | null; n: number; counted: bigint }>(
        `select status, cause, count(*)::int as n, sum(coalesce(cost, reserved))::bigint as counted from llm_review
         where tenant_id = $1 and started_at >= $2 group by 1, 2`,
        [tenant, new Date(sinceMs)],
      );
      const { rows: outbox } = await pool.query<{ n: number }>(
        `select count(*)::int as n from outbox where topic = 'review' and sent_at is null and payload ->> 'tenant' = $1`,
        [tenant],
      );
      const of = (status: string) => rows.filter((row) => row.status === status).reduce((sum, { n }) => sum + n, 0);
      return {
        reviewed: of('reviewed'),
        running: of('running'),
        causes: Object.fromEntries(rows.flatMap(({ cause, n }) => (cause === null ? [] : [[cause, n]]))),
        countedNanos: rows.reduce((sum, { counted }) => sum + counted, 0n),
        waiting: outbox[0]?.n ?? 0,
      };
    },
    async closedCases(tenant, limit) {
      const { rows } = await pool.query<SubjectRow>(
        `${SUBJECTS} where t.tenant_id = $1 and t.status in ('confirmed_fraud', 'benign') order by t.raised_at desc limit $2`,
        [tenant, limit],
      );
      return rows.map(readSubject);
    },
  };
}

type Reserve = Parameters<ReviewStore['reserve']>[0];

async function reserve(pool: pg.Pool, request: Reserve): Promise<boolean> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    // Two at once would both find room for the last of the money.
    await client.query(`select pg_advisory_xact_lock(hashtext('tollkeeper llm_review budget'))`);
    const { rowCount } = await client.query(
      `insert into llm_review (alert_id, tenant_id, status, score_before, score_after, reserved, started_at)
       select $1, $2, 'running', $3, $3, $4::bigint, $5
       where $4::bigint + (select coalesce(sum(coalesce(cost, reserved)), 0) from llm_review where started_at >= $6 and alert_id <> $1)
         <= $7::bigint
       on conflict (alert_id) do update set started_at = excluded.started_at, reserved = llm_review.reserved + excluded.reserved
         where llm_review.status = 'running'`,
      [
        request.alertId,
        request.tenant,
        request.score,
        request.reserveNanos,
        new Date(request.atMs),
        new Date(request.dayStartMs),
        request.budgetNanos,
      ],
    );
    await client.query('commit');
    return (rowCount ?? 0) > 0;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

async function finish(pool: pg.Pool, review: FinishedReview): Promise<void> {
  const { result, usage } = review;
  const said = result.status === 'reviewed' ? result : undefined;
  await pool.query(
    `insert into llm_review (alert_id, tenant_id, status, cause, verdict, confidence, claims, claims_dropped, next_step,
       proposes_closing, score_before, score_after, model, prompt_hash, input_hash, is_cached, input_tokens, cached_tokens,
       output_tokens, cost, latency_ms, started_at, finished_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $22)
     on conflict (alert_id) do update set status = excluded.status, cause = excluded.cause, verdict = excluded.verdict,
       confidence = excluded.confidence, claims = excluded.claims, claims_dropped = excluded.claims_dropped,
       next_step = excluded.next_step, proposes_closing = excluded.proposes_closing, score_after = excluded.score_after,
       model = excluded.model, prompt_hash = excluded.prompt_hash, input_hash = excluded.input_hash,
       is_cached = excluded.is_cached, input_tokens = excluded.input_tokens, cached_tokens = excluded.cached_tokens,
       output_tokens = excluded.output_tokens, cost = excluded.cost, latency_ms = excluded.latency_ms,
       finished_at = excluded.finished_at
     where llm_review.status = 'running'`,
    [
      review.alertId,
      review.tenant,
      result.status,
      result.status === 'deterministic' ? result.cause : null,
      said?.verdict ?? null,
      said?.confidence ?? null,
      JSON.stringify(said?.claims ?? []),
      said?.claimsDropped ?? 0,
      said?.nextStep ?? null,
      said?.proposesClosing ?? false,
      review.scoreBefore,
      result.score,
      review.model,
      review.promptHash,
      review.inputHash,
      review.isCached,
      usage?.inputTokens ?? null,
      usage?.cachedTokens ?? null,
      usage?.outputTokens ?? null,
      review.costNanos,
      review.latencyMs,
      new Date(review.atMs),
    ],
  );
}

function readSubject(row: SubjectRow): ReviewSubject {
  const evidence: DecisionEvidence = decisionEvidenceSchema.parse(row.evidence);
  return {
    tenant: row.tenant_id,
    alertId: row.alert_id,
    decisionId: row.decision_id,
    account: row.account_id,
    outcome: row.outcome,
    score: row.score,
    status: row.status,
    moneyAtRiskNanos: row.money_at_risk,
    lossNanos: row.loss,
    rules: evidence.results.map((rule) => ({ ...rule, reason: rule.reason ?? '' })),
    hourlySpendNanos: evidence.hourlySpendNanos,
    wallet: evidence.wallet ?? null,
    event: evidence.event ?? null,
    similar: { fraud: row.fraud, benign: row.benign },
  };
}
