import { RULE_ERROR_CODES, type RuleErrorCode } from './load-error-codes.ts';

/** One place in one file that keeps a ruleset from loading. Lines and columns count from 1. */
export interface RuleLoadError {
  readonly code: RuleErrorCode;
  readonly path: string;
  readonly line: number;
  readonly col: number;
  /** What was found, with the values. */
  readonly message: string;
  /** The nearest change that would help. */
  readonly fix: string;
}

/** Three lines for a terminal: where and which, what, and the fix. */
export function formatRuleLoadError(error: RuleLoadError): string {
  const head = `${error.path}:${error.line}:${error.col}  ${error.code}  ${RULE_ERROR_CODES[error.code]}`;
  return `${head}\n  ${error.message}\n  Fix: ${error.fix}`;
}

/** By file, then place: the order in which a person works through them. */
export function compareLoadErrors(a: RuleLoadError, b: RuleLoadError): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.line - b.line || a.col - b.col || (a.code < b.code ? -1 : 1);
}
