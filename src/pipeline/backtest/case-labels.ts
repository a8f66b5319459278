import { DAY_MS } from '../../domain/time.ts';
import type { Attack, BenignStretch, LabelSet } from './labels.ts';

/** An alert that somebody has closed. */
export interface ClosedCase {
  readonly alertId: string;
  readonly account: string;
  readonly verdict: 'confirmed_fraud' | 'benign' | 'duplicate';
  readonly raisedAtMs: number;
  /** The longest window of the rules that fired. */
  readonly windowMs: number;
  /** What was spent above the usual by then. */
  readonly lossNanos: number;
}

/** What became known of an account without an alert, or beside one. */
export interface AccountLabel {
  readonly id: number;
  readonly account: string;
  readonly label: 'confirmed_fraud' | 'benign';
  readonly cause: string;
  readonly fromMs: number;
  readonly untilMs: number | null;
  readonly lossNanos: number | null;
  readonly madeAtMs: number;
}

/** Everything a database knows about who was honest; both lists in the order of time. */
export interface KnownCases {
  readonly cases: readonly ClosedCase[];
  readonly labels: readonly AccountLabel[];
}

/** Duplicates of a case are raised within a day of each other. */
const INCIDENT_MS = DAY_MS;

/** A payment that went wrong says that the account was not its owner's from then on; further back nobody looks. */
const PAYMENT_SPAN_MS = 35 * DAY_MS;

interface Span {
  readonly id: string;
  readonly account: string;
  readonly isFraud: boolean;
  readonly kind: string;
  startMs: number;
  endMs: number;
  lossNanos: number;
  /** Alerts are what a person has looked at: a label never overrules one. */
  readonly isCase: boolean;
}

/**
 * Closed cases and labels as the labels of a history. They are partial: an account that nobody has judged is unknown, not
 * honest, so what rules say of it counts neither for nor against them.
 */
export function labelsFromCases({ cases, labels }: KnownCases): LabelSet {
  const spans = [...caseSpans(cases), ...labels.map(labelSpan)];
  const merged: Span[] = [];
  for (const span of spans) {
    const known = merged.find((other) => other.account === span.account && overlaps(other, span));
    if (known === undefined) merged.push(span);
    else if (known.isFraud === span.isFraud) join(known, span);
    // Of two labels the later counts; over a person's verdict none does.
    else if (!known.isCase) merged.splice(merged.indexOf(known), 1, span);
  }
  return {
    attacks: merged.filter(({ isFraud }) => isFraud).map(attackOf),
    benign: merged.filter(({ isFraud }) => !isFraud).map(benignOf),
    fraudEvents: undefined,
    scope: {},
    isPartial: true,
  };
}

function caseSpans(cases: readonly ClosedCase[]): readonly Span[] {
  const spans: Span[] = [];
  for (const { alertId, account, verdict, raisedAtMs, windowMs, lossNanos } of cases) {
    if (verdict === 'duplicate') continue;
    const isFraud = verdict === 'confirmed_fraud';
    const startMs = raisedAtMs - windowMs;
    const kind = isFraud ? 'closed_case' : 'closed as benign';
    spans.push({ id: alertId, account, isFraud, kind, startMs, endMs: raisedAtMs, lossNanos, isCase: true });
  }
  for (const one of cases) {
    if (one.verdict !== 'duplicate') continue;
    const near = spans.find(
      ({ account, startMs, endMs }) =>
        account === one.account && one.raisedAtMs >= startMs - INCIDENT_MS && one.raisedAtMs <= endMs + INCIDENT_MS,
    );
    if (near === undefined) continue;
    near.startMs = Math.min(near.startMs, one.raisedAtMs - one.windowMs);
    near.endMs = Math.max(near.endMs, one.raisedAtMs);
    // Each later alert counts what the earlier did, and more.
    near.lossNanos = Math.max(near.lossNanos, one.lossNanos);
  }
  return spans;
}

function labelSpan({ id, account, label, cause, fromMs, untilMs, lossNanos, madeAtMs }: AccountLabel): Span {
  const open = cause === 'review' ? fromMs + INCIDENT_MS : Math.min(madeAtMs, fromMs + PAYMENT_SPAN_MS);
  return {
    id: `label-${id}`,
    account,
    isFraud: label === 'confirmed_fraud',
    kind: cause,
    startMs: fromMs,
    endMs: Math.max(fromMs, untilMs ?? open),
    lossNanos: lossNanos ?? 0,
    isCase: false,
  };
}

function overlaps(a: Span, b: Span): boolean {
  return a.startMs <= b.endMs + INCIDENT_MS && b.startMs <= a.endMs + INCIDENT_MS;
}

function join(known: Span, span: Span): void {
  known.startMs = Math.min(known.startMs, span.startMs);
  known.endMs = Math.max(known.endMs, span.endMs);
  known.lossNanos = Math.max(known.lossNanos, span.lossNanos);
}

function attackOf({ id, account, kind, startMs, endMs, lossNanos }: Span): Attack {
  return { id, family: kind, accounts: new Set([account]), sources: new Set(), startMs, endMs, lossNanos };
}

function benignOf({ kind, account, startMs, endMs }: Span): BenignStretch {
  return { kind, account, startMs, endMs };
}

/** Two sets of labels as one. Whole labels say of everything else that it was honest. */
export function joinLabels(whole: LabelSet, known: LabelSet): LabelSet {
  return {
    ...whole,
    attacks: [...whole.attacks, ...known.attacks.filter(({ id }) => whole.attacks.every((attack) => attack.id !== id))],
    benign: [...whole.benign, ...known.benign],
  };
}
