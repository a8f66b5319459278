import type { RadarAsked, SlowedDown } from '../../domain/decisions/alert-facts.ts';
import { writeAlertSummary } from '../../domain/decisions/alert-summary.ts';
import { type Judgement, judge } from '../../domain/decisions/judge.ts';
import { accountAtRisk, REACTION_HOURS } from '../../domain/decisions/money-at-risk.ts';
import { type EventKey, formatEventKey } from '../../domain/events/event-key.ts';
import { hourlySeries } from '../../domain/features/account-features.ts';
import { derivedId, formatWalletId } from '../../domain/ids.ts';
import { isReviewed } from '../../domain/review/policy.ts';
import { refusedWords } from '../../domain/rules/rules-words.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { HOUR_MS } from '../../domain/time.ts';
import { spendableOf, type WeighedChoice, weighOutcome } from '../acting/weigh-outcome.ts';
import { reviewMessage } from '../review/review-message.ts';
import { actOn } from './act-on.ts';
import { askRadar } from './ask-radar.ts';
import type { BatchRecord } from './batch-record.ts';
import type { LaneAccount, LaneMemory } from './lane-memory.ts';

/** Hours of spend shown on an alert. */
const CHART_HOURS = 48;

/** What a judgement follows: an event, or a finding across accounts. */
export interface JudgedItem {
  readonly key: EventKey;
  readonly contentHash: bigint;
  readonly event: { readonly id: string; readonly source: string; readonly meter: string };
}

/**
 * Judges an account after one event and carries out what the ruleset asks for: the freeze, the decision with its
 * evidence, and the alert, all part of the batch. Returns the decision's id when one was recorded.
 */
export function decide(
  memory: LaneMemory,
  batch: BatchRecord,
  ruleset: Ruleset,
  account: LaneAccount,
  item: JudgedItem,
  amount: bigint,
  nowMs: number,
): string | null {
  const { wallet, features } = account;
  const judgement = judge(ruleset, features, {
    account: wallet.account,
    ingestedAtMs: nowMs,
    eventSpendNanos: Number(amount),
    wallet,
    event: item.event,
    platformFactor: memory.platform.factor,
  });
  if (judgement === null) return null;
  // Flags and incidents exist only in the features, so they are saved with the batch that changed them.
  if (judgement.stateChanged) batch.checkpoints.add(account);

  // A wallet that is stopped already needs no second alert: nothing more can be lost until somebody thaws it.
  const isMuted = wallet.status !== 'active';
  const decisionId = derivedId('dec', [formatEventKey(item.key), item.contentHash.toString(), ruleset.hash]);
  const { caseCounts } = memory;
  const isActive = wallet.status === 'active';
  const spendableNanos = spendableOf(wallet, ruleset.overdraftNanos);
  const choice = weighOutcome({ ruleset, features, isActive, spendableNanos, caseCounts, nowMs }, judgement);
  const scene = { memory, batch, ruleset, account };
  const { outcome, notFrozenBecause, slowed, frictionNanos } = actOn(scene, judgement, choice, { decisionId, nowMs });
  const radar = isMuted ? null : askRadar(scene, judgement, { decisionId, nowMs });
  const figures = figuresOf(account, judgement, nowMs);
  const rulesNote = refusedWords(ruleset);
  batch.decisions.push({
    decisionId,
    wallet,
    key: item.key,
    outcome,
    score: judgement.score,
    decidedAtMs: nowMs,
    evidence: {
      raised: judgement.raised && !isMuted,
      results: judgement.results,
      event: { id: item.event.id, source: item.event.source, meter: item.event.meter },
      wallet: { status: wallet.status, posted: wallet.posted, held: wallet.held, quarantined: wallet.quarantined },
      moneyAtRisk: figures.moneyAtRiskNanos,
      loss: figures.lossNanos,
      notFrozenBecause,
      ...(slowed === null ? {} : { slowed }),
      ...(radar === null ? {} : { radar }),
      ...(frictionNanos === 0 ? {} : { frictionNanos }),
      ...(choice === null ? {} : { choice }),
      ...(memory.platform.factor === 1 ? {} : { platform: memory.platform }),
      hourlySpendNanos: figures.hourlySpendNanos,
      ...(rulesNote === undefined ? {} : { rules: rulesNote }),
    },
  });
  if (judgement.raised && !isMuted)
    raiseAlert(batch, ruleset, account, judgement, {
      outcome,
      decisionId,
      notFrozenBecause,
      slowed,
      radar,
      choice,
      rulesNote,
      figures,
      nowMs,
    });
  return decisionId;
}

interface Figures {
  readonly hourlySpendNanos: readonly number[];
  readonly moneyAtRiskNanos: bigint;
  readonly lossNanos: bigint;
}

function figuresOf({ wallet, features }: LaneAccount, judgement: Judgement, nowMs: number): Figures {
  const hour = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  const hourlySpendNanos = hourlySeries(features, 'spend', hour - (CHART_HOURS - 1) * HOUR_MS, hour + HOUR_MS);
  return {
    hourlySpendNanos,
    moneyAtRiskNanos: accountAtRisk(features, wallet, nowMs),
    lossNanos: lossOf(judgement),
  };
}

/** What was spent above the account's own normal: the largest excess any hitting money rule saw. */
function lossOf(judgement: Judgement): bigint {
  let loss = 0;
  for (const result of judgement.results) {
    const hits = result.status === 'hit' || result.status === 'snoozed';
    if (hits && result.unit === 'nanos') loss = Math.max(loss, result.observed - result.expected);
  }
  return BigInt(Math.round(loss));
}

function raiseAlert(
  batch: BatchRecord,
  ruleset: Ruleset,
  { wallet }: LaneAccount,
  judgement: Judgement,
  context: {
    readonly outcome: Judgement['outcome'];
    readonly decisionId: string;
    readonly notFrozenBecause: string | null;
    readonly slowed: SlowedDown | null;
    readonly radar: RadarAsked | null;
    readonly choice: WeighedChoice | null;
    readonly rulesNote: string | undefined;
    readonly figures: Figures;
    readonly nowMs: number;
  },
): void {
  const { outcome, decisionId, notFrozenBecause, slowed, radar, choice, rulesNote, figures, nowMs } = context;
  const alertId = derivedId('alt', [decisionId]);
  const { title, summary } = writeAlertSummary({
    alertId,
    account: wallet.account,
    walletId: formatWalletId(wallet.walletId),
    currency: wallet.currency,
    outcome,
    score: judgement.score,
    raisedAtMs: nowMs,
    frozenUntilMs: wallet.frozenUntilMs,
    notFrozenBecause,
    slowed,
    radar,
    choice,
    results: judgement.results,
    ...(rulesNote === undefined ? {} : { rulesNote }),
    hourlySpendNanos: figures.hourlySpendNanos,
    balanceNanos: wallet.posted,
    moneyAtRiskNanos: figures.moneyAtRiskNanos,
    lossNanos: figures.lossNanos,
    heldBackNanos: wallet.quarantined,
    reactionHours: REACTION_HOURS,
  });
  batch.alerts.push({
    alertId,
    decisionId,
    wallet,
    outcome,
    title,
    summary,
    moneyAtRisk: figures.moneyAtRiskNanos,
    loss: figures.lossNanos,
    raisedAtMs: nowMs,
  });
  // Reviewed after the commit and beside everything else: nobody waits for a model.
  if (isReviewed(ruleset.review, { outcome, score: judgement.score }))
    batch.outbox.push(reviewMessage({ tenant: wallet.tenant, alertId }));
}
