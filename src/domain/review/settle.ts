import { type Band, bandFor } from '../rules/band.ts';
import { type EvidenceItem, evidenceOf, maskEvidence, type ReviewSubject } from './evidence.ts';
import type { ReviewPolicy } from './policy.ts';
import { type Claim, leaningOf, type ModelVerdict, supportedClaims, verdictSchema } from './verdict.ts';

/** Why the decision stands as the rules made it. */
export type ReviewCause =
  | 'no_model'
  | 'switched_off'
  | 'already_closed'
  | 'not_in_band'
  | 'budget_spent'
  | 'circuit_open'
  | 'injected_text'
  | 'unreachable'
  | 'timeout'
  | 'refused_by_server'
  | 'refusal'
  | 'truncated'
  | 'filtered'
  | 'not_json'
  | 'wrong_shape'
  | 'text_sensitive'
  | 'unsupported';

/** What a review comes to: a verdict within its bounds, or the rules' own with the cause. */
export type ReviewResult =
  | {
      readonly status: 'reviewed';
      readonly verdict: ModelVerdict['verdict'];
      readonly confidence: number;
      readonly claims: readonly Claim[];
      readonly claimsDropped: number;
      readonly nextStep: ModelVerdict['next_step'];
      readonly score: number;
      readonly proposesClosing: boolean;
    }
  | { readonly status: 'deterministic'; readonly cause: ReviewCause; readonly score: number };

/** The parts that keep a verdict in its place; exchanged only by tests that show what each is there for. */
export interface ReviewGuards {
  readonly evidenceOf: typeof evidenceOf;
  readonly maskEvidence: typeof maskEvidence;
  readonly clampToBand: typeof clampToBand;
  readonly supportedClaims: typeof supportedClaims;
  readonly twinsAgree: (first: ModelVerdict, masked: ModelVerdict, tolerance: number) => boolean;
}

export const REVIEW_GUARDS: ReviewGuards = { evidenceOf, maskEvidence, clampToBand, supportedClaims, twinsAgree };

const CLOSING_CONFIDENCE_MIN = 0.8;

/**
 * What becomes of two readings of one alert. Whatever they say, the points stay within the band that the rules put them
 * into, so the outcome is the rules' own: a review orders work and explains it, and moves, freezes or thaws nothing.
 */
export function settleReview(
  answers: { readonly first: unknown; readonly masked: unknown },
  about: {
    readonly subject: Pick<ReviewSubject, 'outcome' | 'score' | 'moneyAtRiskNanos' | 'lossNanos'>;
    readonly evidence: readonly EvidenceItem[];
    readonly policy: ReviewPolicy;
    readonly bands: readonly Band[];
  },
  guards: ReviewGuards = REVIEW_GUARDS,
): ReviewResult {
  const { subject, evidence, policy, bands } = about;
  const unchanged = (cause: ReviewCause): ReviewResult => ({
    status: 'deterministic',
    cause,
    score: subject.score,
  });
  const first = verdictSchema.safeParse(answers.first);
  const masked = verdictSchema.safeParse(answers.masked);
  if (!first.success || !masked.success) return unchanged('wrong_shape');
  if (!guards.twinsAgree(first.data, masked.data, policy.twinTolerance)) return unchanged('text_sensitive');
  const claims = guards.supportedClaims(first.data.claims, evidence);
  if (claims.length === 0) return unchanged('unsupported');
  const { verdict, confidence, next_step: asked } = first.data;
  const leaning = leaningOf(first.data);
  const moved = subject.score + leaning * (leaning > 0 ? policy.upMax : policy.downMax);
  const proposesClosing =
    verdict === 'likely_benign' &&
    confidence >= CLOSING_CONFIDENCE_MIN &&
    subject.outcome !== 'freeze' &&
    policy.proposeClosingNanos !== null &&
    subject.moneyAtRiskNanos <= policy.proposeClosingNanos &&
    subject.lossNanos <= policy.proposeClosingNanos;
  return {
    status: 'reviewed',
    verdict,
    confidence,
    claims,
    claimsDropped: first.data.claims.length - claims.length,
    nextStep: asked === 'close_as_benign' && !proposesClosing ? 'keep_watching' : asked,
    score: guards.clampToBand(moved, subject.score, bands),
    proposesClosing,
  };
}

/** Points moved as far as the band of the rules' own points reaches; those of a freeze are not moved at all. */
function clampToBand(moved: number, score: number, bands: readonly Band[]): number {
  const band = bandFor(bands, score);
  if (band.outcome === 'freeze') return score;
  return Math.min(band.to, Math.max(band.from, Math.round(moved)));
}

function twinsAgree(first: ModelVerdict, masked: ModelVerdict, tolerance: number): boolean {
  return Math.abs(leaningOf(first) - leaningOf(masked)) <= tolerance;
}
