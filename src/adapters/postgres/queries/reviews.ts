import { z } from 'zod';
import { CLAIMS, NEXT_STEPS, VERDICTS } from '../../../domain/review/verdict.ts';
import type { ReviewView } from '../../../pipeline/review/review-store.ts';
import type { Querier } from '../pool.ts';

export interface ReviewRow {
  readonly alert_id: string;
  readonly status: ReviewView['status'];
  readonly cause: string | null;
  readonly verdict: string | null;
  readonly confidence: number | null;
  readonly claims: unknown;
  readonly claims_dropped: number;
  readonly next_step: string | null;
  readonly proposes_closing: boolean;
  readonly score_before: number;
  readonly score_after: number;
  readonly model: string | null;
  readonly prompt_hash: string | null;
  readonly is_cached: boolean;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cost: bigint | null;
  readonly latency_ms: number | null;
  readonly at: Date;
}

/** Of a table named `r`. */
export const REVIEW_COLUMNS = `r.alert_id, r.status, r.cause, r.verdict, r.confidence, r.claims, r.claims_dropped, r.next_step,
  r.proposes_closing, r.score_before, r.score_after, r.model, r.prompt_hash, r.is_cached, r.input_tokens, r.output_tokens,
  r.cost, r.latency_ms, coalesce(r.finished_at, r.started_at) as at`;

const claimsSchema = z.array(
  z.object({
    claim: z.enum(CLAIMS),
    evidence_ids: z.array(z.string()),
    figures: z.array(z.object({ evidence_id: z.string(), name: z.string(), value: z.number() })),
  }),
);
const verdictOf = z.enum(VERDICTS).nullable();
const stepOf = z.enum(NEXT_STEPS).nullable();

/** The review of one alert; null when nobody has asked for one. */
export async function readAlertReview(pool: Querier, tenant: string, alertId: string): Promise<ReviewView | null> {
  const { rows } = await pool.query<ReviewRow>(
    `select ${REVIEW_COLUMNS} from llm_review r where r.tenant_id = $1 and r.alert_id = $2`,
    [tenant, alertId],
  );
  return rows.map(readReviewRow)[0] ?? null;
}

export function readReviewRow(row: ReviewRow): ReviewView {
  return {
    alertId: row.alert_id,
    status: row.status,
    cause: row.cause,
    verdict: verdictOf.parse(row.verdict),
    confidence: row.confidence,
    claims: claimsSchema.parse(row.claims),
    claimsDropped: row.claims_dropped,
    nextStep: stepOf.parse(row.next_step),
    proposesClosing: row.proposes_closing,
    scoreBefore: row.score_before,
    scoreAfter: row.score_after,
    model: row.model,
    promptHash: row.prompt_hash,
    isCached: row.is_cached,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    costNanos: row.cost,
    latencyMs: row.latency_ms,
    atMs: row.at.getTime(),
  };
}
