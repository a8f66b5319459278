/** How many calls in a row have failed, and until when no more are made. */
export interface Breaker {
  readonly failures: number;
  readonly openUntilMs: number;
}

export const BREAKER_CLOSED: Breaker = { failures: 0, openUntilMs: 0 };

const FAILURES_MAX = 5;
const OPEN_MS = 60_000;

/** Whether calls are made now. When its time is over, one failure more opens it again. */
export function isOpen(breaker: Breaker, nowMs: number): boolean {
  return nowMs < breaker.openUntilMs;
}

/** The breaker after a call that the server answered, or did not. */
export function afterCall(breaker: Breaker, isAnswered: boolean, nowMs: number): Breaker {
  if (isAnswered) return BREAKER_CLOSED;
  const failures = breaker.failures + 1;
  return { failures, openUntilMs: failures >= FAILURES_MAX ? nowMs + OPEN_MS : breaker.openUntilMs };
}
