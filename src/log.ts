import { type Logger, type LoggerOptions, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { LogFormat, LogLevel } from './config.ts';
import { hardenJson, redact } from './log-redaction.ts';

export type { Logger } from 'pino';

/** Where log lines go. `process.stderr` fits; tests collect them. */
export interface LogTarget {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * The process's logger: for people on a terminal, JSON otherwise. It writes to stderr, because stdout is for data, and
 * in this thread, because a transport in a worker would lose the last lines of a process that dies.
 */
export function createLogger(
  options: { readonly level: LogLevel; readonly format: LogFormat },
  target: LogTarget = process.stderr,
): Logger {
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && target.isTTY === true);
  const settings: LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  return pino(settings, isPretty ? prettyTarget(target) : { write: (line: string) => target.write(redact(line)) });
}

function prettyTarget(target: LogTarget) {
  const prettify = prettyFactory({
    colorize: target.isTTY === true,
    translateTime: 'UTC:HH:MM:ss.l',
    singleLine: true,
  });
  return { write: (line: string) => target.write(prettify(hardenJson(redact(line))) ?? '') };
}
