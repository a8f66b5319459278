import type { RuleResult } from '../../domain/decisions/judge.ts';
import type { Outcome } from '../../domain/rules/band.ts';
import { DAY_MS, formatIso } from '../../domain/time.ts';
import { decimal, decisionsOf, scopeOf } from './build-report.ts';
import type { Freeze } from './collector.ts';
import type { Flip, RulesetDiff, Side } from './diff.ts';
import type { FraudLedger } from './fraud-ledger.ts';
import type { LabelSet } from './labels.ts';
import type { BacktestWarning, Decimal, IsoTime, ScoreView } from './report.ts';
import type { HistoryTally } from './run-backtest.ts';
import { AlertScorer } from './score-alerts.ts';
import type { StoppedShares } from './stopped-money.ts';
import { viewScore } from './view-score.ts';
import { warningsOf } from './warnings.ts';

/** Flips that are shown with their evidence. */
const FLIPS_MAX = 5;

/** How the decisions of two rulesets differ on one history. */
export interface DiffReport {
  readonly v: 1;
  /** No account is decided differently. */
  readonly isEmpty: boolean;
  readonly a: SideView;
  readonly b: SideView;
  readonly history: string;
  readonly currency: string;
  readonly events: number;
  readonly accounts: number;
  readonly days: number;
  readonly warnings: readonly BacktestWarning[];
  readonly rules: readonly RuleChange[];
  /** Frozen by B at some time and never by A. */
  readonly newlyFrozen: readonly FrozenView[];
  /** Frozen by A at some time and never by B. */
  readonly released: readonly FrozenView[];
  /** Accounts whose worst outcome is harsher, or milder, under B. */
  readonly harsher: number;
  readonly milder: number;
  /** The first five, freezes first, with what both sides saw. */
  readonly flips: readonly FlipView[];
}

export interface SideView {
  readonly name: string;
  readonly ruleset: string;
  readonly alerts: number;
  readonly alertsPerDay: number;
  readonly frozenAccounts: number;
  /** Stolen usage that was not lost yet at the first alert; without labels, what was spent above the usual in alerts. */
  readonly caught: Decimal;
  /** Usage that freezes would have stopped. */
  readonly stopped: Decimal;
  /** Of that, honest usage; null without labels. */
  readonly friction: Decimal | null;
  /** Precision and recall of the decisions; null without labels. */
  readonly score: ScoreView | null;
}

export interface RuleChange {
  readonly rule: string;
  readonly change: 'added' | 'removed' | 'mode' | 'score' | 'none';
  readonly from: string | null;
  readonly to: string | null;
  /** Alerts it had a part in. */
  readonly alertsA: number;
  readonly alertsB: number;
}

export interface FrozenView {
  readonly account: string;
  readonly at: IsoTime;
  readonly rules: readonly string[];
  readonly stopped: Decimal;
  readonly friction: Decimal | null;
}

export interface FlipView {
  readonly account: string;
  readonly from: Outcome;
  readonly to: Outcome;
  readonly at: IsoTime;
  readonly above: Decimal;
  /** What people say of that moment: a family, `honest`, or null without labels. */
  readonly label: string | null;
  readonly evidence: { readonly a: readonly EvidenceView[]; readonly b: readonly EvidenceView[] };
}

/** What one rule saw: amounts in its unit. */
export interface EvidenceView {
  readonly rule: string;
  readonly mode: string;
  readonly fires: boolean;
  readonly observed: number;
  readonly threshold: number | null;
  readonly unit: string;
  readonly windowMs: number;
  readonly say: string;
  /** Why it cannot say. */
  readonly reason: string | null;
}

export interface FinishedDiff {
  readonly diff: RulesetDiff;
  readonly names: { readonly a: string; readonly b: string };
  readonly historyName: string;
  readonly tally: HistoryTally;
  readonly labelled: { readonly labels: LabelSet; readonly ledger: FraudLedger } | undefined;
}

/** The report of a finished comparison. */
export function buildDiffReport(run: FinishedDiff): DiffReport {
  const { diff, tally, labelled, names } = run;
  const days = tally.toMs >= tally.fromMs ? Math.max(1, (tally.toMs - tally.fromMs) / DAY_MS) : 0;
  const flips = diff.flips();
  const view = (freeze: FirstFreeze): FrozenView => frozenView(freeze, labelled !== undefined);
  const [frozenA, frozenB] = [firstFreezes(diff.a, labelled?.ledger), firstFreezes(diff.b, labelled?.ledger)];
  const milder = flips.filter(({ alert, from }) => alert.outcome === from).length;
  return {
    v: 1,
    isEmpty: flips.length === 0 && diff.a.collector.alerts.length === diff.b.collector.alerts.length,
    a: sideView(run, diff.a, names.a, days),
    b: sideView(run, diff.b, names.b, days),
    history: run.historyName,
    currency: diff.b.ruleset.pricing.currency,
    events: tally.events,
    accounts: diff.b.replay.accounts.size,
    days: Math.round(days * 100) / 100,
    warnings: warningsOf(tally, diff.b.replay, labelled),
    rules: ruleChanges(diff),
    newlyFrozen: [...frozenB.values()].filter(({ freeze }) => !frozenA.has(freeze.account)).map(view),
    released: [...frozenA.values()].filter(({ freeze }) => !frozenB.has(freeze.account)).map(view),
    harsher: flips.length - milder,
    milder,
    flips: flips.slice(0, FLIPS_MAX).map((flip) => flipView(flip, labelled)),
  };
}

function sideView(run: FinishedDiff, side: Side, name: string, days: number): SideView {
  const { labelled, tally } = run;
  const { alerts, freezes } = side.collector;
  const stopped = freezes.reduce((sum, { money }) => sum + money.stoppedNanos, 0);
  const honest = freezes.reduce((sum, { money }) => sum + money.shares(labelled?.ledger).frictionNanos, 0);
  const score =
    labelled === undefined
      ? undefined
      : new AlertScorer(
          decisionsOf(alerts),
          labelled.labels,
          labelled.ledger,
          scopeOf(labelled.labels, tally, side.replay.accounts.size),
        ).at(null);
  const above = [...side.worst.values()].reduce((sum, { alert }) => sum + alert.excessNanos, 0);
  return {
    name,
    ruleset: side.ruleset.hash,
    alerts: alerts.length,
    alertsPerDay: days === 0 ? 0 : Math.round((alerts.length / days) * 100) / 100,
    frozenAccounts: firstFreezes(side, labelled?.ledger).size,
    caught: decimal(score === undefined ? above : score.lossNanos - score.lostBeforeNanos),
    stopped: decimal(stopped),
    friction: labelled === undefined ? null : decimal(honest),
    score: score === undefined ? null : viewScore(score),
  };
}

interface FirstFreeze extends StoppedShares {
  readonly freeze: Freeze;
}

/** Each frozen account with its first freeze, and what all its freezes stopped. */
function firstFreezes({ collector }: Side, ledger: FraudLedger | undefined): ReadonlyMap<string, FirstFreeze> {
  const first = new Map<string, FirstFreeze>();
  for (const freeze of collector.freezes) {
    const known = first.get(freeze.account);
    const shares = freeze.money.shares(ledger);
    first.set(freeze.account, {
      freeze: known?.freeze ?? freeze,
      stoppedNanos: (known?.stoppedNanos ?? 0) + shares.stoppedNanos,
      savedNanos: (known?.savedNanos ?? 0) + shares.savedNanos,
      frictionNanos: (known?.frictionNanos ?? 0) + shares.frictionNanos,
    });
  }
  return first;
}

function frozenView({ freeze, stoppedNanos, frictionNanos }: FirstFreeze, isLabelled: boolean): FrozenView {
  const { account, atMs, ruleIds } = freeze;
  const money = { stopped: decimal(stoppedNanos), friction: isLabelled ? decimal(frictionNanos) : null };
  return { account, at: formatIso(atMs), rules: ruleIds, ...money };
}

function ruleChanges({ a, b }: RulesetDiff): RuleChange[] {
  const inA = new Map(a.ruleset.rules.map((rule) => [rule.id, rule]));
  const inB = new Map(b.ruleset.rules.map((rule) => [rule.id, rule]));
  const changes = [...new Set([...inA.keys(), ...inB.keys()])].sort().map((rule): RuleChange => {
    const [before, after] = [inA.get(rule), inB.get(rule)];
    const alertsA = a.collector.rules.get(rule)?.alerts ?? 0;
    const alertsB = b.collector.rules.get(rule)?.alerts ?? 0;
    const counts = { rule, alertsA, alertsB };
    if (before === undefined) return { ...counts, change: 'added', from: null, to: after?.mode ?? null };
    if (after === undefined) return { ...counts, change: 'removed', from: before.mode, to: null };
    if (before.mode !== after.mode) return { ...counts, change: 'mode', from: before.mode, to: after.mode };
    if (before.score !== after.score)
      return { ...counts, change: 'score', from: String(before.score), to: String(after.score) };
    return { ...counts, change: 'none', from: null, to: null };
  });
  return changes.filter(({ change, alertsA, alertsB }) => change !== 'none' || alertsA !== alertsB);
}

function flipView(flip: Flip, labelled: FinishedDiff['labelled']): FlipView {
  const { account, from, to, alert, results } = flip;
  return {
    account,
    from,
    to,
    at: formatIso(alert.atMs),
    above: decimal(alert.excessNanos),
    label: labelled === undefined ? null : labelOf(labelled.labels, account, alert.atMs),
    evidence: { a: evidenceOf(results.a), b: evidenceOf(results.b) },
  };
}

function labelOf({ attacks }: LabelSet, account: string, atMs: number): string {
  const found = attacks.find(
    ({ accounts, startMs, endMs }) => accounts.has(account) && atMs >= startMs && atMs <= endMs,
  );
  return found?.family ?? 'honest';
}

/** What fires, and else what came closest. */
function evidenceOf(results: readonly RuleResult[]): EvidenceView[] {
  const fires = ({ status }: RuleResult) => status === 'hit' || status === 'snoozed';
  const nearness = ({ observed, threshold }: RuleResult) => (threshold === null ? 0 : observed / threshold);
  const hits = results.filter(fires);
  const shown = hits.length > 0 ? hits : [...results].sort((x, y) => nearness(y) - nearness(x)).slice(0, 2);
  return shown.map((result) => {
    const { ruleId, mode, observed, threshold, unit, windowMs, say, reason } = result;
    const seen = { rule: ruleId, mode, fires: fires(result), observed, threshold, unit, windowMs };
    return { ...seen, say, reason: reason ?? null };
  });
}
