import { afterCall, BREAKER_CLOSED, type Breaker, isOpen } from '../../domain/review/breaker.ts';
import { addUsage, costOf, worstCost } from '../../domain/review/budget.ts';
import { type EvidenceItem, evidenceOf, isInjected, type ReviewSubject } from '../../domain/review/evidence.ts';
import { isReviewed, type ReviewPolicy } from '../../domain/review/policy.ts';
import { inputHash, promptHash, SYSTEM_PROMPT, userMessage } from '../../domain/review/prompt.ts';
import {
  REVIEW_GUARDS,
  type ReviewCause,
  type ReviewGuards,
  type ReviewResult,
  settleReview,
} from '../../domain/review/settle.ts';
import type { Band } from '../../domain/rules/band.ts';
import { DAY_MS } from '../../domain/time.ts';
import type { FinishedReview, ModelAnswer, ReviewModel, ReviewStore } from './review-store.ts';

/** What a review needs. */
export interface ReviewParts {
  readonly store: ReviewStore;
  /** Undefined when neither a key nor a server is configured. */
  readonly model: ReviewModel | undefined;
  readonly rules: () => { readonly review?: ReviewPolicy | null; readonly bands: readonly Band[] };
  readonly now: () => number;
  readonly breaker: BreakerState;
}

/** Calls of this process that failed in a row. */
export class BreakerState {
  #breaker: Breaker = BREAKER_CLOSED;

  isOpen(nowMs: number): boolean {
    return isOpen(this.#breaker, nowMs);
  }

  note(isAnswered: boolean, nowMs: number): void {
    this.#breaker = afterCall(this.#breaker, isAnswered, nowMs);
  }
}

const OUTPUT_TOKENS_MAX = 1_500;
const ENCODER = new TextEncoder();

type Told = Pick<FinishedReview, 'result' | 'model' | 'promptHash' | 'inputHash' | 'isCached' | 'usage' | 'costNanos'>;

/** Reviews one alert and stores what came of it; an alert that has its review is left alone. */
export async function reviewAlert(
  parts: ReviewParts,
  { tenant, alertId }: { readonly tenant: string; readonly alertId: string },
): Promise<ReviewResult | 'done' | 'gone'> {
  const { store, now } = parts;
  if (await store.isDone(alertId)) return 'done';
  const subject = await store.subject(tenant, alertId);
  if (subject === undefined) return 'gone';
  const startMs = now();
  const told = await review(parts, subject);
  const atMs = now();
  await store.finish({
    ...told,
    alertId,
    tenant,
    scoreBefore: subject.score,
    latencyMs: Math.max(0, atMs - startMs),
    atMs,
  });
  return told.result;
}

async function review(parts: ReviewParts, subject: ReviewSubject): Promise<Told> {
  const { store, model, breaker, now } = parts;
  const { review: policy, bands } = parts.rules();
  const unasked = (cause: ReviewCause): Told => ({
    result: { status: 'deterministic', cause, score: subject.score },
    model: null,
    promptHash: null,
    inputHash: null,
    isCached: false,
    usage: null,
    costNanos: 0n,
  });
  if (policy === null || policy === undefined) return unasked('switched_off');
  if (model === undefined) return unasked('no_model');
  if (subject.status !== 'open') return unasked('already_closed');
  if (!isReviewed(policy, subject)) return unasked('not_in_band');
  if (isInjected(subject)) return unasked('injected_text');
  const evidence = evidenceOf(subject);
  const named = {
    model: policy.price.model,
    promptHash: promptHash(),
    inputHash: inputHash(policy.price.model, evidence),
  };
  const known = await store.sameInput(subject.tenant, named.inputHash);
  if (known !== undefined) {
    const again = { first: asAnswer(known), masked: asAnswer(known) };
    const result = settleReview(again, { subject, evidence, policy, bands });
    return { ...named, result, isCached: true, usage: null, costNanos: 0n };
  }
  if (breaker.isOpen(now())) return unasked('circuit_open');
  const bytes = ENCODER.encode(SYSTEM_PROMPT + userMessage(evidence)).length;
  const nowMs = now();
  const isReserved = await store.reserve({
    tenant: subject.tenant,
    alertId: subject.alertId,
    score: subject.score,
    reserveNanos: worstCost({ bytes, outputTokensMax: OUTPUT_TOKENS_MAX, calls: 2 }, policy.price),
    budgetNanos: policy.budgetPerDayNanos,
    dayStartMs: Math.floor(nowMs / DAY_MS) * DAY_MS,
    atMs: nowMs,
  });
  if (!isReserved) return unasked('budget_spent');
  const asked = await readTwice(model, { subject, evidence, policy, bands });
  for (const isAnswered of asked.reached) breaker.note(isAnswered, now());
  return { ...named, isCached: false, ...asked };
}

function asAnswer(known: {
  readonly verdict: unknown;
  readonly confidence: unknown;
  readonly claims: unknown;
  readonly nextStep: unknown;
}) {
  return { verdict: known.verdict, confidence: known.confidence, claims: known.claims, next_step: known.nextStep };
}

/** Failures that say the server is not there, rather than that it answers badly. */
const AWAY = ['unreachable', 'timeout', 'refused_by_server'];

/** Asks twice at the same time, with the text of others and with it masked, and settles the two answers. */
export async function readTwice(
  model: ReviewModel,
  about: {
    readonly subject: ReviewSubject;
    readonly evidence: readonly EvidenceItem[];
    readonly policy: ReviewPolicy;
    readonly bands: readonly Band[];
  },
  guards: ReviewGuards = REVIEW_GUARDS,
): Promise<Pick<Told, 'result' | 'usage' | 'costNanos'> & { readonly reached: readonly boolean[] }> {
  const { subject, evidence, policy } = about;
  const ask = (items: readonly EvidenceItem[]) =>
    model.ask({
      model: policy.price.model,
      system: SYSTEM_PROMPT,
      user: userMessage(items),
      timeoutMs: policy.timeoutMs,
      outputTokensMax: OUTPUT_TOKENS_MAX,
    });
  const [first, masked] = await Promise.all([ask(evidence), ask(guards.maskEvidence(evidence))]);
  const reached = [first, masked].map((answer) => answer.status === 'answered' || !AWAY.includes(answer.cause));
  const costs = [first, masked].map((answer) => costOfAnswer(answer, policy));
  const [one, other] = costs;
  const money = {
    usage: addUsage(first.usage, masked.usage),
    costNanos: one === null || one === undefined || other === null || other === undefined ? null : one + other,
    reached,
  };
  const failed = first.status === 'failed' ? first : masked.status === 'failed' ? masked : undefined;
  if (failed !== undefined || first.status === 'failed' || masked.status === 'failed') {
    const cause = failed?.cause ?? 'wrong_shape';
    return { ...money, result: { status: 'deterministic', cause, score: subject.score } };
  }
  return { ...money, result: settleReview({ first: first.value, masked: masked.value }, about, guards) };
}

/** Nano-units; null when the server may have worked and did not say how much. */
function costOfAnswer(answer: ModelAnswer, policy: ReviewPolicy): bigint | null {
  if (answer.usage !== null) return costOf(answer.usage, policy.price);
  return answer.status === 'failed' && ['unreachable', 'refused_by_server'].includes(answer.cause) ? 0n : null;
}
