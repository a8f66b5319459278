import type { Logger } from '../../log.ts';
import { causeText } from '../describe-error.ts';

/** How long the same problem is not written again: an outage is one thing to know, however often it is met. */
const QUIET_MS = 10_000;

/** A problem that was written, and how often it came again since. */
interface Known {
  leftOut: number;
  what: string;
  error: unknown;
}

/**
 * Writes down what the pipeline meets and tries again. The first of its kind is written at once; what repeats it is
 * counted, and told in one line every ten seconds for as long as it lasts. At `debug` every one is written, with its stack.
 */
export function createProblemLog(log: () => Logger): (what: string, error: unknown) => void {
  const known = new Map<string, Known>();

  const watch = (key: string) => {
    const timer = setTimeout(() => {
      const problem = known.get(key);
      if (problem === undefined || problem.leftOut === 0) {
        known.delete(key);
        return;
      }
      const { leftOut, what, error } = problem;
      const text = `${textOf(what, error)} (${leftOut} more in ${QUIET_MS / 1_000} s)`;
      log().warn({ ...fieldsOf(error), leftOut }, text);
      problem.leftOut = 0;
      watch(key);
    }, QUIET_MS);
    // A count that nobody waits for must not keep a process that is done.
    timer.unref();
  };

  return (what, error) => {
    if (log().isLevelEnabled('debug')) {
      log().warn({ err: error }, what);
      return;
    }
    const key = `${kindOf(what)} ${textOf('', error)}`;
    const problem = known.get(key);
    if (problem !== undefined) {
      problem.leftOut++;
      problem.what = what;
      problem.error = error;
      return;
    }
    known.set(key, { leftOut: 0, what, error });
    watch(key);
    log().warn(fieldsOf(error), textOf(what, error));
  };
}

/** `lane 3` and `job usage/17` without the number: an outage meets every lane and every job alike. */
function kindOf(what: string): string {
  return what.split(/[ /]/, 1)[0] ?? what;
}

function textOf(what: string, error: unknown): string {
  const message = causeText(error);
  return message === '' ? what : `${what}: ${message}`;
}

/** What a program that reads the log can sort by. */
function fieldsOf(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return {};
  const code = 'code' in error ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: causeText(error.cause) };
  return { ...code, ...('fix' in error ? { fix: error.fix } : {}), ...cause };
}
