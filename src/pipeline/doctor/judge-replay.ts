import { formatUtc } from '../../domain/text/utc.ts';
import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import type { StoredReplayCheck } from '../replay/nightly-check.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const BY_HAND = 'Run `tollkeeper rules replay --sample 50`.';

/** A check is run every night; older than this, the nights passed without. */
const OLD_MS = 2 * DAY_MS;

/** A check is over within minutes; one that is not has lost its process. */
const RUNS_MS_MAX = HOUR_MS;

/** What the latest replay of a sample of decisions says; before the first night nothing. */
export function judgeReplay(check: StoredReplayCheck | undefined, nowMs: number): readonly Finding[] {
  if (check === undefined) return [];
  const at = formatUtc(check.startedAtMs, { year: true });
  const { decisions, same, different, impossible, firstDifferent, cutShort, problem, finishedAtMs } = check;
  if (different > 0) {
    const first = firstDifferent === null ? '' : `; of ${firstDifferent.decision} first ${firstDifferent.field}`;
    const message = `${different} of ${decisions} decisions came out otherwise when they were made again on ${at}${first}`;
    return [fail('replay', message, `Run \`tollkeeper rules replay ${firstDifferent?.decision ?? '--sample 50'}\`.`)];
  }
  if (problem !== null) return [warn('replay', `the check of ${at} failed: ${problem}`, BY_HAND)];
  if (finishedAtMs === null) {
    if (nowMs - check.startedAtMs < RUNS_MS_MAX) return [ok('replay', `a check runs since ${at}`)];
    return [warn('replay', `the check of ${at} was never finished`, BY_HAND)];
  }
  const gone = impossible === 0 ? '' : `, ${impossible} cannot be made again`;
  const short = cutShort ? '; time did not suffice for the whole sample' : '';
  const message = `${same} of ${decisions} decisions came out the same on ${at}${gone}${short}`;
  if (nowMs - check.startedAtMs > OLD_MS) return [warn('replay', `${message}; none was checked since`, BY_HAND)];
  if (cutShort && decisions === 0) return [warn('replay', `time did not suffice for one decision on ${at}`, BY_HAND)];
  return [ok('replay', message)];
}
