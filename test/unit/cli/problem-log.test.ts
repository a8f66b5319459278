import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createProblemLog } from '../../../src/cli/output/problem-log.ts';
import type { LogLevel } from '../../../src/config.ts';
import { createLogger } from '../../../src/log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function problems(level: LogLevel = 'info') {
  const lines: string[] = [];
  const log = createLogger({ level, format: 'json' }, { write: (text: string) => lines.push(text) });
  return { onProblem: createProblemLog(() => log), lines, parsed: () => lines.map((line) => JSON.parse(line)) };
}

const starting = () => Object.assign(new Error('the database system is starting up'), { code: '57P03' });

describe('problems of the pipeline', () => {
  test('that repeat are written once, then counted every ten seconds', () => {
    const { onProblem, parsed } = problems();
    for (let times = 0; times < 500; times++) onProblem('engine', starting());
    expect(parsed()).toHaveLength(1);
    expect(parsed()[0]).toMatchObject({
      level: 'warn',
      code: '57P03',
      msg: 'engine: the database system is starting up',
    });
    vi.advanceTimersByTime(10_000);
    expect(parsed()).toHaveLength(2);
    expect(parsed()[1]).toMatchObject({
      leftOut: 499,
      msg: 'engine: the database system is starting up (499 more in 10 s)',
    });
    vi.advanceTimersByTime(60_000);
    expect(parsed()).toHaveLength(2);
  });

  test('are one problem whichever lane or job meets them, and another when the message differs', () => {
    const { onProblem, parsed } = problems();
    for (const what of ['lane 0', 'lane 1', 'job usage/1', 'job usage/2']) onProblem(what, starting());
    onProblem('lane 0', new Error('read ECONNRESET'));
    expect(parsed().map(({ msg }) => msg)).toEqual([
      'lane 0: the database system is starting up',
      'job usage/1: the database system is starting up',
      'lane 0: read ECONNRESET',
    ]);
  });

  test('that come back later are written at once again', () => {
    const { onProblem, lines } = problems();
    onProblem('engine', starting());
    vi.advanceTimersByTime(10_000);
    onProblem('engine', starting());
    expect(lines).toHaveLength(2);
  });

  test('carry their stacks, all of them, at debug only', () => {
    const quiet = problems();
    quiet.onProblem('engine', starting());
    expect(quiet.lines.join()).not.toContain('problem-log.test');
    const debugging = problems('debug');
    debugging.onProblem('engine', starting());
    debugging.onProblem('engine', starting());
    expect(debugging.lines).toHaveLength(2);
    expect(debugging.lines.join()).toContain('problem-log.test');
  });

  test('without a message of their own say what their parts say', () => {
    const { onProblem, parsed } = problems();
    onProblem(
      'engine',
      new AggregateError([new Error('connect ECONNREFUSED ::1'), new Error('connect ECONNREFUSED 127.0.0.1')]),
    );
    expect(parsed()[0].msg).toBe('engine: connect ECONNREFUSED ::1; connect ECONNREFUSED 127.0.0.1');
  });
});
