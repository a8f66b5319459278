import { formatUtc } from '../text/utc.ts';
import type { RefusedRules } from './ruleset.ts';

/** How many characters of a ruleset's hash people see. */
const HASH_SHOWN = 12;

/** `9c41f2…`: enough to tell two versions apart. */
export function shortHash(hash: string): string {
  return hash.slice(0, HASH_SHOWN);
}

/** What everybody is told while the files on disk are not the rules in force; undefined when they are. */
export function refusedWords({
  hash,
  onDisk,
}: {
  readonly hash: string;
  readonly onDisk?: RefusedRules | undefined;
}): string | undefined {
  if (onDisk === undefined) return undefined;
  const errors = onDisk.errors === 1 ? '1 error' : `${onDisk.errors} errors`;
  const disk =
    onDisk.hash === '' ? 'the rules directory cannot be read' : `on disk ${shortHash(onDisk.hash)} is invalid`;
  const since = `since ${formatUtc(onDisk.sinceMs, { year: true })}`;
  return `running ${shortHash(hash)}; ${disk} ${since}${onDisk.hash === '' ? '' : ` (${errors})`}`;
}
