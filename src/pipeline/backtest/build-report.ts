import { formatDecimal } from '../../domain/money/nanos.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { DAY_MS, formatIso } from '../../domain/time.ts';
import type { Caught } from './caught-accounts.ts';
import type { BriefAlert, Collector, RuleCount } from './collector.ts';
import type { FraudLedger } from './fraud-ledger.ts';
import type { LabelSet } from './labels.ts';
import type { Replay } from './replay.ts';
import type { AlertTally, BacktestReport, CaughtAccount, DayView, LabelView, RuleView } from './report.ts';
import type { HistoryTally } from './run-backtest.ts';
import { AlertScorer, type Scope, type ScoredAlert } from './score-alerts.ts';
import { viewScore } from './view-score.ts';
import { warningsOf } from './warnings.ts';

/** False incidents per 1,000 account-days at which rules are compared: what a team can look at, and a strict half of it. */
export const BUDGETS = [1, 5] as const;

/** Budgets of the precision and recall curve. */
const CURVE_BUDGETS = [0.25, 0.5, 1, 2, 3, 5, 7, 10, 15, 20];

/** Everything a finished backtest is told from. */
export interface FinishedBacktest {
  readonly ruleset: Ruleset;
  readonly historyName: string;
  readonly tally: HistoryTally;
  readonly replay: Replay;
  readonly collector: Collector;
  readonly labelled: { readonly labels: LabelSet; readonly ledger: FraudLedger } | undefined;
}

/** The report of a finished backtest. */
export function buildReport(run: FinishedBacktest): BacktestReport {
  const { ruleset, tally, replay, collector, labelled } = run;
  const isEmpty = !(tally.toMs >= tally.fromMs);
  const days = isEmpty ? 0 : Math.max(1, (tally.toMs - tally.fromMs) / DAY_MS);
  const accountDays = days * replay.accounts.size;
  const stopped = collector.freezes.map(({ money }) => money.shares(labelled?.ledger));
  return {
    v: 1,
    ruleset: ruleset.hash,
    history: run.historyName,
    currency: ruleset.pricing.currency,
    from: isEmpty ? null : formatIso(tally.fromMs),
    to: isEmpty ? null : formatIso(tally.toMs),
    days: round2(days),
    accounts: replay.accounts.size,
    accountDays: round2(accountDays),
    events: {
      read: tally.events,
      duplicates: tally.duplicates,
      altered: tally.altered,
      unreadable: tally.unreadable,
      unreadableExamples: tally.unreadableExamples,
    },
    warnings: warningsOf(tally, replay, labelled),
    alerts: alertTally(collector, ruleset, days),
    freezes: collector.freezes.map(({ account, atMs, untilMs, ruleIds, money }) => ({
      account,
      at: formatIso(atMs),
      until: formatIso(untilMs),
      rules: ruleIds,
      stopped: decimal(money.stoppedNanos),
      friction: labelled === undefined ? null : decimal(money.shares(labelled.ledger).frictionNanos),
    })),
    money: {
      stopped: decimal(sumOf(stopped.map(({ stoppedNanos }) => stoppedNanos))),
      saved: labelled === undefined ? null : decimal(sumOf(stopped.map(({ savedNanos }) => savedNanos))),
      friction: labelled === undefined ? null : decimal(sumOf(stopped.map(({ frictionNanos }) => frictionNanos))),
      stolen: labelled === undefined ? null : decimal(stolenIn(labelled)),
    },
    milder: {
      slowdowns: collector.milder.slowdowns,
      waited: decimal(collector.milder.waitedNanos),
      heldBack: { freezes: collector.milder.heldBack.freeze, slowdowns: collector.milder.heldBack.throttle },
    },
    rules: ruleset.judgedRules.map(({ id, title, mode }) =>
      ruleView(id, title, mode, collector.rules.get(id), accountDays),
    ),
    perDay: isEmpty ? [] : perDay(collector, tally, labelled?.ledger),
    caught: collector.caught.list().map(caughtView),
    labels: labelled === undefined || isEmpty ? null : labelView(run, labelled.labels, labelled.ledger),
  };
}

/** Nano-units as a double, as exact decimal text of the nearest whole one. */
export function decimal(nanos: number): string {
  return formatDecimal(BigInt(Math.round(nanos)));
}

/** What is scored: what the labels say, and the rest by the history. */
export function scopeOf(labels: LabelSet, tally: HistoryTally, accounts: number): Scope {
  const fromMs = labels.scope.fromMs ?? tally.fromMs;
  const toMs = labels.scope.toMs ?? tally.toMs;
  return { fromMs, toMs, accountDays: ((labels.scope.accounts ?? accounts) * Math.max(0, toMs - fromMs)) / DAY_MS };
}

/** Alerts as decisions: what a person would have been told, whichever rule spoke. */
export function decisionsOf(alerts: readonly BriefAlert[]): readonly ScoredAlert[] {
  return alerts.map(({ account, atMs, score, ruleIds }) => {
    return { account, source: undefined, atMs, score, ruleId: ruleIds[0] ?? '' };
  });
}

function stolenIn({ labels, ledger }: { readonly labels: LabelSet; readonly ledger: FraudLedger }): number {
  return sumOf(labels.attacks.map((_, index) => ledger.lostBy(index, null).nanos));
}

function alertTally({ alerts, days }: Collector, ruleset: Ruleset, dayCount: number): AlertTally {
  const counts = [...days.values()].map(({ outcomes }) => outcomes);
  const of = (outcome: 'allow' | 'watch' | 'review' | 'freeze') => sumOf(counts.map((day) => day[outcome]));
  const budgetPerDay = ruleset.budgets.alertsPerDay;
  return {
    total: alerts.length,
    byOutcome: { allow: of('allow'), watch: of('watch'), review: of('review'), freeze: of('freeze') },
    accounts: new Set(alerts.map(({ account }) => account)).size,
    perDay: dayCount === 0 ? 0 : round2(alerts.length / dayCount),
    daysOverBudget: counts.filter((day) => sumOf(Object.values(day)) > budgetPerDay).length,
    budgetPerDay,
  };
}

function ruleView(
  rule: string,
  title: string,
  mode: string,
  counted: RuleCount | undefined,
  accountDays: number,
): RuleView {
  const incidents = counted?.incidents ?? 0;
  return {
    rule,
    title,
    mode,
    incidents,
    accounts: counted?.openedMs.size ?? 0,
    per1000AccountDays: accountDays === 0 ? 0 : round2((incidents * 1000) / accountDays),
    alerts: counted?.alerts ?? 0,
  };
}

/** A chart of more days than this would be a hair's breadth a day. */
const DAYS_MAX = 1_100;

function perDay({ days }: Collector, { fromMs, toMs }: HistoryTally, ledger: FraudLedger | undefined): DayView[] {
  const last = Math.floor(toMs / DAY_MS);
  const first = Math.max(Math.floor(fromMs / DAY_MS), last - DAYS_MAX + 1);
  const views: DayView[] = [];
  for (let day = first; day <= last; day++) {
    const counted = days.get(day);
    const shares = counted?.money.shares(ledger);
    views.push({
      day: formatIso(day * DAY_MS).slice(0, 10),
      watch: counted?.outcomes.watch ?? 0,
      review: counted?.outcomes.review ?? 0,
      freeze: counted?.outcomes.freeze ?? 0,
      saved: decimal(shares?.savedNanos ?? 0),
      friction: decimal(shares?.frictionNanos ?? 0),
    });
  }
  return views;
}

function caughtView({ alert, fromMs, spendNanos }: Caught): CaughtAccount {
  const hits = alert.results.filter(
    ({ status, unit }) => (status === 'hit' || status === 'snoozed') && unit === 'nanos',
  );
  // The rule that saw the most money above the usual says what is usual; windows of hours are brought down to one.
  const [widest] = [...hits].sort((a, b) => b.observed - b.expected - (a.observed - a.expected));
  const hours = widest === undefined ? 1 : Math.max(1, widest.windowMs / 3_600_000);
  return {
    account: alert.account,
    at: formatIso(alert.atMs),
    outcome: alert.outcome,
    rules: alert.ruleIds,
    say: alert.results.find(({ say, mode }) => say !== '' && mode === 'live')?.say ?? '',
    above: decimal(alert.excessNanos),
    from: formatIso(fromMs),
    spend: spendNanos.map(decimal),
    usual: widest === undefined ? null : decimal(widest.expected / hours),
    usualHigh: widest === undefined ? null : decimal(widest.upper / hours),
  };
}

function labelView(run: FinishedBacktest, labels: LabelSet, ledger: FraudLedger): LabelView {
  const scope = scopeOf(labels, run.tally, run.replay.accounts.size);
  const seen = new AlertScorer(run.collector.sightings, labels, ledger, scope);
  const decided = new AlertScorer(decisionsOf(run.collector.alerts), labels, ledger, scope);
  return {
    attacks: labels.attacks.length,
    budgets: BUDGETS.map((budget) => viewScore(seen.at(budget))),
    decisions: viewScore(decided.at(null)),
    curve: CURVE_BUDGETS.map((budget) => {
      const { precision, recall, lossNanos, lostBeforeNanos } = seen.at(budget);
      return {
        budget,
        precision: precision.value,
        recall: recall.value ?? 0,
        saved: decimal(Math.max(0, lossNanos - lostBeforeNanos)),
        lost: decimal(lostBeforeNanos),
      };
    }),
  };
}

function sumOf(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
