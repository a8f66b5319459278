import { CommanderError } from 'commander';
import { cleanText } from '../domain/text/clean.ts';
import { AppError, ERROR_CATALOGUE } from '../errors.ts';
import { redact } from '../log-redaction.ts';
import { jsonText } from './output/json.ts';

/** An error as people and programs get it. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
  readonly exitCode: 1 | 2;
}

/** The one place that turns errors into text. Secrets that a driver put into its message are taken out. */
export function describeError(error: unknown): ErrorReport {
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '');
    return { code: 'CLI_USAGE', message: redact(message), fix: ERROR_CATALOGUE.CLI_USAGE.fix, exitCode: 2 };
  }
  if (error instanceof AppError) {
    const cause = causeText(error.cause);
    const message = cause === '' ? error.message : `${error.message} (${cause})`;
    return { code: error.code, message: redact(message), fix: error.fix, exitCode: error.kind === 'usage' ? 2 : 1 };
  }
  return { code: 'UNEXPECTED', message: redact(causeText(error)), fix: ERROR_CATALOGUE.UNEXPECTED.fix, exitCode: 1 };
}

/** The report for a terminal: what, then the fix. */
export function errorText({ code, message, fix }: ErrorReport): string {
  const lines = message.split('\n').map(cleanText);
  return `error ${code}: ${lines.join('\n  ')}\n  Fix: ${cleanText(fix)}`;
}

/** The report as the one JSON object of a command that failed. */
export function errorJson({ code, message, fix }: ErrorReport): string {
  return jsonText({ error: { code, message, fix } });
}

/** The message of anything that was thrown, or what its parts say when it has none of its own. */
export function causeText(cause: unknown): string {
  if (cause === undefined) return '';
  // A refused connection to a name with several addresses has no message of its own, only one per address.
  if (cause instanceof AggregateError) return cause.errors.map(causeText).join('; ');
  return cause instanceof Error ? cause.message : String(cause);
}
