import type { Outcome } from '../../domain/rules/band.ts';
import type { AlertScore } from './score-alerts.ts';

/** Exact decimal text in major units of the report's currency. */
export type Decimal = string;
/** ISO 8601 in UTC. */
export type IsoTime = string;

/** What a backtest found. Everything in it can be printed as JSON as it stands. */
export interface BacktestReport {
  readonly v: 1;
  readonly ruleset: string;
  readonly history: string;
  readonly currency: string;
  /** Arrival of the first and last event; null for a history without any. */
  readonly from: IsoTime | null;
  readonly to: IsoTime | null;
  readonly days: number;
  readonly accounts: number;
  readonly accountDays: number;
  readonly events: EventTally;
  readonly warnings: readonly BacktestWarning[];
  /** Alerts that people would have got, after bands, gates and breaker. */
  readonly alerts: AlertTally;
  readonly freezes: readonly FreezeView[];
  readonly money: MoneyView;
  readonly milder: MilderView;
  readonly rules: readonly RuleView[];
  readonly perDay: readonly DayView[];
  /** The accounts whose alerts had the most money in them. */
  readonly caught: readonly CaughtAccount[];
  /** How what the rules see, and what the ruleset decides, compares with labels; null without labels. */
  readonly labels: LabelView | null;
}

export interface EventTally {
  readonly read: number;
  readonly duplicates: number;
  readonly altered: number;
  readonly unreadable: number;
  readonly unreadableExamples: readonly { readonly line: number; readonly code: string; readonly reason: string }[];
}

/** Something about the history or the labels that a reader must know before believing the figures. */
export interface BacktestWarning {
  readonly code: WarningCode;
  readonly message: string;
}

export type WarningCode =
  | 'HISTORY_UNREADABLE_LINES'
  | 'HISTORY_NOT_IN_ARRIVAL_ORDER'
  | 'HISTORY_GAP'
  | 'HISTORY_SHORT'
  | 'HISTORY_UNKNOWN_METERS'
  | 'HISTORY_ALTERED_COPIES'
  | 'HISTORY_BALANCES_UNKNOWN'
  | 'LABELS_UNKNOWN_ACCOUNTS'
  | 'LABELS_OUTSIDE_HISTORY'
  | 'LABELS_OF_ANOTHER_FILE';

export interface AlertTally {
  readonly total: number;
  readonly byOutcome: { readonly [outcome in Outcome]: number };
  readonly accounts: number;
  readonly perDay: number;
  /** Days with more alerts than the ruleset's budget. */
  readonly daysOverBudget: number;
  readonly budgetPerDay: number;
}

/** A freeze the ruleset would have made, and what it would have stopped. */
export interface FreezeView {
  readonly account: string;
  readonly at: IsoTime;
  readonly until: IsoTime;
  readonly rules: readonly string[];
  readonly stopped: Decimal;
  /** Of that, usage of people who did nothing wrong; null without labels. */
  readonly friction: Decimal | null;
}

export interface MoneyView {
  /** Usage that the ruleset's freezes would have stopped. */
  readonly stopped: Decimal;
  /** Of that, stolen usage; null without labels. */
  readonly saved: Decimal | null;
  /** Of that, honest usage; null without labels. */
  readonly friction: Decimal | null;
  /** What the labelled attacks stole in all; null without labels. */
  readonly stolen: Decimal | null;
}

/** What the ruleset would have done short of a freeze. */
export interface MilderView {
  readonly slowdowns: number;
  /** Usage that slow-downs would have had wait for a later period. */
  readonly waited: Decimal;
  /** Alerts of which a cap would have held back a freeze, or a slow-down. */
  readonly heldBack: { readonly freezes: number; readonly slowdowns: number };
}

export interface RuleView {
  readonly rule: string;
  readonly title: string;
  readonly mode: string;
  /** Times it saw something, those within a day of one account taken as one. */
  readonly incidents: number;
  readonly accounts: number;
  readonly per1000AccountDays: number;
  /** Alerts it had a part in. */
  readonly alerts: number;
}

export interface DayView {
  readonly day: string;
  readonly watch: number;
  readonly review: number;
  readonly freeze: number;
  readonly saved: Decimal;
  readonly friction: Decimal;
}

/** Spend per hour around an alert, against what was usual. */
export interface CaughtAccount {
  readonly account: string;
  readonly at: IsoTime;
  readonly outcome: Outcome;
  readonly rules: readonly string[];
  readonly say: string;
  readonly above: Decimal;
  /** Beginning of the first hour of `spend`. */
  readonly from: IsoTime;
  readonly spend: readonly Decimal[];
  /** What such an hour usually takes, and the highest usual; null when no money rule could say. */
  readonly usual: Decimal | null;
  readonly usualHigh: Decimal | null;
}

export interface LabelView {
  readonly attacks: number;
  /** What every rule sees, at an alert budget per 1,000 account-days. */
  readonly budgets: readonly ScoreView[];
  /** What the ruleset decides: its alerts, at no threshold. */
  readonly decisions: ScoreView;
  /** Precision, recall and stolen usage over budgets, for plots. */
  readonly curve: readonly CurvePoint[];
}

/** What the rules reach at one budget of false incidents per 1,000 account-days. */
export interface CurvePoint {
  readonly budget: number;
  readonly precision: number | null;
  readonly recall: number;
  /** Stolen usage that was not lost yet when its attack was found, and the rest of it. */
  readonly saved: Decimal;
  readonly lost: Decimal;
}

/** An `AlertScore` for print: money as decimals, times as text, no endless numbers. */
export type ScoreView = Omit<
  AlertScore,
  'threshold' | 'lostBeforeNanos' | 'lossNanos' | 'attacks' | 'families' | 'rules' | 'falseIncidents'
> & {
  readonly threshold: number | null;
  readonly lostBefore: Decimal;
  readonly loss: Decimal;
  readonly attacks: readonly AttackView[];
  readonly families: readonly {
    readonly family: string;
    readonly recall: AlertScore['recall'];
    readonly lostBefore: Decimal;
    readonly loss: Decimal;
  }[];
  readonly rules: readonly {
    readonly rule: string;
    readonly precision: AlertScore['precision'];
    readonly recall: AlertScore['recall'];
    readonly first: number;
    readonly saved: Decimal;
  }[];
  readonly falseIncidents: readonly {
    readonly account: string | null;
    readonly source: string | null;
    readonly at: IsoTime;
    readonly rule: string;
    readonly score: number;
    readonly confounder: string | null;
  }[];
};

export interface AttackView {
  readonly id: string;
  readonly family: string;
  readonly detectedAt: IsoTime | null;
  readonly rule: string | null;
  readonly eventsBefore: number;
  readonly events: number;
  readonly lostBefore: Decimal;
  readonly loss: Decimal;
}
