import { formatDecimal } from '../../domain/money/nanos.ts';
import { CLAIM_WORDS, causeWords, STEP_WORDS, VERDICT_WORDS } from '../../domain/review/words.ts';
import { formatIso } from '../../domain/time.ts';
import type { ReviewView } from './review-store.ts';

/** A review as every JSON of ours has it. Without one the cause is `not_asked`. */
export function reviewJson(review: ReviewView | null) {
  if (review === null) return { status: 'none' as const, cause: 'not_asked' };
  return {
    status: review.status,
    cause: review.cause,
    because: review.cause === null ? null : causeWords(review.cause),
    verdict: review.verdict,
    confidence: review.confidence,
    claims: review.claims.map(({ claim, evidence_ids: evidence, figures }) => ({ claim, evidence, figures })),
    claimsDropped: review.claimsDropped,
    nextStep: review.nextStep,
    proposesClosing: review.proposesClosing,
    scoreBefore: review.scoreBefore,
    scoreAfter: review.scoreAfter,
    model: review.model,
    promptHash: review.promptHash,
    cached: review.isCached,
    inputTokens: review.inputTokens,
    outputTokens: review.outputTokens,
    cost: review.costNanos === null ? null : formatDecimal(review.costNanos),
    latencyMs: review.latencyMs,
    at: formatIso(review.atMs),
  };
}

/** A review in a sentence or two; undefined when nobody asked for one. Nothing in it was written by a model. */
export function reviewWords(review: ReviewView | null): string | undefined {
  if (review === null) return undefined;
  if (review.status === 'running') return 'a model is being asked';
  const { verdict, confidence, nextStep, scoreBefore, scoreAfter } = review;
  if (verdict === null) return `none: ${causeWords(review.cause ?? '?')}. The decision stands as the rules made it.`;
  const claims = review.claims.map(({ claim, evidence_ids: ids }) => `${CLAIM_WORDS[claim]} (${ids.join(', ')})`);
  const moved =
    scoreAfter === scoreBefore ? `points stay ${scoreBefore}` : `points ${scoreBefore} → ${scoreAfter}, same band`;
  return [
    `${VERDICT_WORDS[verdict]} (${Math.round((confidence ?? 0) * 100)} % sure): ${claims.join(', ')}.`,
    `${moved}; next: ${nextStep === null ? '–' : STEP_WORDS[nextStep]}${review.proposesClosing ? ' (proposed, not done)' : ''}.`,
  ].join(' ');
}
