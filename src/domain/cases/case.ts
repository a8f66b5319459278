import { DAY_MS, HOUR_MS } from '../time.ts';

export type CaseSeverity = 'severe' | 'normal';
export const RESOLUTIONS = ['confirmed_fraud', 'benign', 'duplicate', 'other'] as const;
/** How a case ended; `other` is for money that was mended, which says nothing of the customer. */
export type Resolution = (typeof RESOLUTIONS)[number];

/** What people work on: everything that came up about one account until somebody resolves it. */
export interface CaseFile {
  readonly caseId: string;
  readonly tenant: string;
  readonly account: string;
  readonly severity: CaseSeverity;
  readonly state: 'open' | 'resolved';
  readonly assignee: string | null;
  readonly openedAtMs: number;
  readonly answerByMs: number;
  readonly dueAtMs: number;
  /** When somebody first took it, said something or resolved it. */
  readonly answeredAtMs: number | null;
  readonly resolution: Resolution | null;
  readonly resolvedAtMs: number | null;
  readonly resolvedBy: string | null;
}

/** How soon a case is to be answered, and resolved. A frozen customer waits for us; others do not. */
export const CASE_CLOCK: Readonly<Record<CaseSeverity, { readonly answerMs: number; readonly resolveMs: number }>> = {
  severe: { answerMs: HOUR_MS, resolveMs: 12 * HOUR_MS },
  normal: { answerMs: DAY_MS, resolveMs: 3 * DAY_MS },
};

/** By when a case that begins now is to be answered and resolved. */
export function clockOf(severity: CaseSeverity, openedAtMs: number) {
  const { answerMs, resolveMs } = CASE_CLOCK[severity];
  return { answerByMs: openedAtMs + answerMs, dueAtMs: openedAtMs + resolveMs };
}

/**
 * The clock of an open case after something severe joined it: it counts from then, and never moves back what is nearer.
 */
export function sharpened(
  file: Pick<CaseFile, 'severity' | 'answerByMs' | 'dueAtMs'>,
  severity: CaseSeverity,
  nowMs: number,
): Pick<CaseFile, 'severity' | 'answerByMs' | 'dueAtMs'> {
  if (severity === 'normal' || file.severity === 'severe') return file;
  const clock = clockOf('severe', nowMs);
  return {
    severity,
    answerByMs: Math.min(file.answerByMs, clock.answerByMs),
    dueAtMs: Math.min(file.dueAtMs, clock.dueAtMs),
  };
}

/** Where a case stands against its clock. */
export type ClockState = 'in_time' | 'answer_late' | 'late' | 'done';

/** `answer_late`: nobody has taken it in time; `late`: it should be resolved by now. */
export function clockState(file: CaseFile, nowMs: number): ClockState {
  if (file.state === 'resolved') return 'done';
  if (nowMs > file.dueAtMs) return 'late';
  return file.answeredAtMs === null && nowMs > file.answerByMs ? 'answer_late' : 'in_time';
}
