import { type Logger, type LoggerOptions, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { LogFormat, LogLevel } from './config.ts';
import { hardenJson, redact } from './log-redaction.ts';

export type { Logger } from 'pino';

/** Causes of causes that are logged. */
const CAUSES_MAX = 5;

/** Where log lines go. `process.stderr` fits; tests collect them. */
export interface LogTarget {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * The process's logger: for people on a terminal, JSON otherwise. It writes to stderr, because stdout is for data, and
 * in this thread, because a transport in a worker would lose the last lines of a process that dies. Stacks are for those
 * who debug: they are left out at any quieter level.
 */
export function createLogger(
  options: { readonly level: LogLevel; readonly format: LogFormat; readonly color?: boolean },
  target: LogTarget = process.stderr,
): Logger {
  const hasStacks = options.level === 'debug' || options.level === 'trace';
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && target.isTTY === true);
  const settings: LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (error: unknown) => errorFields(error, hasStacks) },
    formatters: { level: (label) => ({ level: label }) },
  };
  return pino(
    settings,
    isPretty
      ? prettyTarget(target, { color: options.color !== false, hasStacks })
      : { write: (line: string) => target.write(redact(line)) },
  );
}

function prettyTarget(target: LogTarget, { color, hasStacks }: { color: boolean; hasStacks: boolean }) {
  const prettify = prettyFactory({
    colorize: color && target.isTTY === true,
    translateTime: 'UTC:HH:MM:ss.l',
    singleLine: true,
    // What looks like an error is written over many lines, which only a stack is worth.
    errorLikeObjectKeys: hasStacks ? ['err'] : [],
  });
  return { write: (line: string) => target.write(prettify(hardenJson(redact(line))) ?? '') };
}

/** What is said of an error. Drivers hang whole connections on theirs, so nothing is taken that is not named here. */
function errorFields(error: unknown, hasStacks: boolean, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const code = 'code' in error ? { code: error.code } : {};
  const fix = 'fix' in error ? { fix: error.fix } : {};
  const inner = cause === undefined || depth >= CAUSES_MAX ? {} : { cause: errorFields(cause, hasStacks, depth + 1) };
  return { type: name, message, ...code, ...fix, ...(hasStacks ? { stack } : {}), ...inner };
}
