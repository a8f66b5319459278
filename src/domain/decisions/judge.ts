import { bindSpec, flagHour } from '../features/account-features.ts';
import { FINE_MS, hourOfFine } from '../features/feature-spec.ts';
import type { AccountFeatures } from '../features/feature-state.ts';
import { round6 } from '../math.ts';
import { bandFor, severityOf } from '../rules/band.ts';
import type { CompiledRule } from '../rules/compiled-rule.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';
import { evidenceOf, isOverCutoff, observedBy, refreshCache, usualFor, windowEnd } from './cut-off-cache.ts';
import { afterSpeaking, type Hit, isGateOpen, openSeverity } from './incident-gate.ts';
import type { Judgement, Moment, RuleResult } from './judgement.ts';
import { accountAtRisk } from './money-at-risk.ts';
import { hasRisenStream, isInWindow, overWindows } from './over-windows.ts';
import { describeRule } from './rule-result.ts';
import { conditionParts, inputFor, type Standing, standingOf } from './standing.ts';

export type { Judgement, Moment, RuleResult, WalletFigures } from './judgement.ts';

const SCORE_MAX = 100;

/** A stream rule adds its points for this long after its evidence rose. */
const INCIDENT_MS = DAY_MS;

/**
 * Judges an account after one event was folded; call it after every fold, in lane order. Null means there is nothing to
 * record: no rule fires, or all that fire have spoken already. Score first, learn after: flags set here keep the hour
 * out of later baselines.
 */
export function judge(ruleset: Ruleset, features: AccountFeatures, moment: Moment): Judgement | null {
  bindSpec(features, ruleset.features);
  const { transient } = features;
  const { touched, touchedFine } = transient;
  const { fleetRose } = transient;
  // Somebody may have looked since the fold already.
  const isUnder = transient.isUnder && transient.cacheKey === ruleset;
  const isOver =
    fleetRose !== null || (!isUnder && hasOverWindow(ruleset, features, moment)) || hasRisenStream(features, ruleset);
  transient.touched = 0;
  transient.touchedFine = -1;
  transient.fleetRose = null;
  return isOver ? judgeHits(ruleset, features, moment, { touched, touchedFine, fleetRose }) : null;
}

// The account's own share is never more than all of it: only windows that are over as a whole are asked again.
function hasOverWindow(ruleset: Ruleset, features: AccountFeatures, moment: Moment): boolean {
  const over = overWindows(features, ruleset);
  if (over.length === 0 || (moment.platformFactor ?? 1) <= 1) return over.length > 0;
  return over.some((at) => {
    const rule = ruleset.judgedRules[at];
    if (rule === undefined) return false;
    return isOverCutoff(features, rule, at, ownShare(rule, observedBy(features, rule, at), moment));
  });
}

/**
 * What every rule sees now, without any effect: for explaining an account that raised nothing. Without a moment, conditions
 * about the account's name, its wallet or the event are inconclusive.
 */
export function explain(
  ruleset: Ruleset,
  features: AccountFeatures,
  moment: Moment = { account: '', ingestedAtMs: features.headFineIngested * FINE_MS, eventSpendNanos: 0 },
): RuleResult[] {
  bindSpec(features, ruleset.features);
  refreshCache(features, ruleset);
  return ruleset.judgedRules.map((rule, index) => {
    const observed = observedBy(features, rule, index);
    const isOver = isOverCutoff(features, rule, index, ownShare(rule, observed, moment));
    const over = isOver ? [standOver(ruleset, features, { rule, observed, moment })] : [];
    return describe(features, rule, index, { over, open: over, moment });
  });
}

interface Touch {
  readonly touched: number;
  readonly touchedFine: number;
  /** The rule across accounts that has found something. */
  readonly fleetRose: string | null;
}

/** What a rule judges by: a volume less what everybody does at once, which says nothing against anybody. */
function ownShare(rule: CompiledRule, observed: number, moment: Moment): number {
  const factor = platformFactorFor(rule, moment);
  return factor === 1 ? observed : round6(observed / factor);
}

function platformFactorFor(rule: CompiledRule, { platformFactor = 1 }: Moment): number {
  return rule.shown === undefined && rule.clock === 'occurred' ? Math.max(1, platformFactor) : 1;
}

// An event is evidence for a rule when it fell into the rule's feature and window. Late usage outside the window only
// corrects what is usual.
function isTouched(features: AccountFeatures, rule: CompiledRule, touch: Touch): boolean {
  const { touched, touchedFine, fleetRose } = touch;
  if (rule.shown !== undefined) {
    if (rule.shown.kind === 'fleet') return fleetRose === rule.id;
    return rule.shown.kind === 'stream' && features.streams?.slots[rule.shown.index]?.rose === true;
  }
  if (((touched >> rule.featureIndex) & 1) === 0) return false;
  return isInWindow(features, rule, touchedFine);
}

/** A rule over its cut-off, with what its conditions and plans make of that. */
interface Over extends Hit {
  readonly standing: Standing;
}

function standOver(
  ruleset: Ruleset,
  features: AccountFeatures,
  situation: { readonly rule: CompiledRule; readonly observed: number; readonly moment: Moment },
): Over {
  const { rule, observed } = situation;
  const standing = standingOf(ruleset, features, situation);
  const over = { rule, observed, standing, isUnsure: standing.status === 'inconclusive' };
  const { moment } = situation;
  if (rule.once.againIf !== 'money_at_risk_doubles' || moment.isRiskUnknown === true) return over;
  return { ...over, atRiskNanos: Number(accountAtRisk(features, moment.wallet, moment.ingestedAtMs)) };
}

// Some rule is over its cut-off. Every other rule that fires on what is recent adds its points: an attack seldom shows in
// one number.
function judgeHits(ruleset: Ruleset, features: AccountFeatures, moment: Moment, touch: Touch): Judgement | null {
  const { over, score } = collectOver(ruleset, features, moment, touch);
  const nowMs = moment.ingestedAtMs;
  const { incident } = features;
  const outcome = bandFor(ruleset.bands, score).outcome;
  const severity = severityOf(outcome);
  const told = over.filter(({ standing }) => standing.status === 'hit' || standing.status === 'inconclusive');
  const open = told.filter((hit) => isGateOpen(incident, hit, nowMs));
  const isHarsher = severity > openSeverity(incident, ruleset.judgedRules, nowMs);
  const speaks = open.some((hit) => hit.rule.mode === 'live' && hit.standing.status === 'hit');
  const raised = severity > 0 && (isHarsher || speaks);

  // A shadow rule must change nothing, so it does not keep hours out of baselines either. What was planned is not learned:
  // the month after a launch is not a launch.
  const teachesNothing = over.some(
    ({ rule, standing }) => rule.mode === 'live' && (standing.status === 'hit' || standing.status === 'planned'),
  );
  const flagged = teachesNothing && flagHour(features, hourOfFine(features.headFine), ruleset.features);
  if (!raised && open.length === 0 && !flagged) return null;

  // Results are described against the incident as it was: afterwards every rule that spoke looks silenced.
  const results = ruleset.judgedRules.map((rule, index) => describe(features, rule, index, { over, open, moment }));
  const spoken = raised ? told.filter((hit) => hit.rule.mode === 'live' || open.includes(hit)) : open;
  if (spoken.length > 0) {
    features.incident = afterSpeaking(incident, spoken, {
      rules: ruleset.judgedRules,
      severity: raised ? severity : 0,
      nowMs,
    });
  }
  return { outcome, score, raised, stateChanged: true, results };
}

function collectOver(ruleset: Ruleset, features: AccountFeatures, moment: Moment, touch: Touch) {
  const over: Over[] = [];
  let score = 0;
  for (const [index, rule] of ruleset.judgedRules.entries()) {
    const counts = isTouched(features, rule, touch) || isRecent(features, rule, moment.ingestedAtMs);
    if (!counts) continue;
    const observed = observedBy(features, rule, index);
    if (!isOverCutoff(features, rule, index, ownShare(rule, observed, moment))) continue;
    const found = standOver(ruleset, features, { rule, observed, moment });
    over.push(found);
    if (rule.mode === 'live' && found.standing.status === 'hit') score += rule.score;
  }
  return { over, score: Math.min(SCORE_MAX, score) };
}

// A window that ended longer ago than it lasted says nothing about now.
function isRecent(features: AccountFeatures, rule: CompiledRule, nowMs: number): boolean {
  if (rule.shown !== undefined) {
    if (rule.shown.kind === 'fleet') {
      return features.fleet.some(({ ruleId, roseAtMs }) => ruleId === rule.id && nowMs - roseAtMs <= INCIDENT_MS);
    }
    const slot = features.streams?.slots[rule.shown.index];
    return slot !== undefined && slot.peak > 0 && nowMs - slot.roseAtMs <= INCIDENT_MS;
  }
  const bucketMs = rule.detector.bucket === 'hour' ? HOUR_MS : FINE_MS;
  return (windowEnd(features, rule) + 1) * bucketMs + rule.detector.windowMs >= nowMs;
}

interface OverState {
  readonly over: readonly Over[];
  readonly open: readonly Over[];
  readonly moment: Moment;
}

function describe(features: AccountFeatures, rule: CompiledRule, index: number, state: OverState): RuleResult {
  const observed = observedBy(features, rule, index);
  const own = usualFor(features, rule);
  const platformFactor = platformFactorFor(rule, state.moment);
  const usual = platformFactor === 1 ? own : { ...own, cutoff: round6(own.cutoff * platformFactor) };
  const found = state.over.find((candidate) => candidate.rule === rule);
  const status = statusOf(found, usual.missing, state.open);
  const situation = { rule, observed, moment: state.moment };
  return describeRule(rule, {
    observed,
    usual,
    status,
    reason: found?.standing.reason,
    conditions: conditionParts(features, situation),
    reads: rule.reads.length === 0 ? [] : readAll(features, situation),
    evidence: evidenceOf(features, rule),
    platformFactor,
  });
}

function readAll(features: AccountFeatures, situation: Parameters<typeof inputFor>[1]): readonly number[] {
  const input = inputFor(features, situation);
  return situation.rule.reads.map((_read, index) => input.read(index));
}

function statusOf(found: Over | undefined, missing: string | undefined, open: readonly Over[]): RuleResult['status'] {
  if (found === undefined) return missing === undefined ? 'no_hit' : 'inconclusive';
  if (found.standing.status === 'inconclusive') return 'inconclusive';
  if (found.standing.status !== 'hit') return 'no_hit';
  return open.includes(found) ? 'hit' : 'snoozed';
}
