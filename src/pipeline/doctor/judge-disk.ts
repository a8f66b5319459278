import { type Finding, fail, ok, warn } from './finding.ts';

const GIB = 1024 ** 3;
const FAIL_BELOW = 0.5 * GIB;
const WARN_BELOW = 5 * GIB;

/** Whether the local data can be written, and its disk has room for a day's work. */
export function judgeDisk(disk: {
  readonly directory: string;
  readonly freeBytes: number;
  readonly isWritable: boolean;
}): Finding {
  if (!disk.isWritable) {
    const whose = 'Let this user write there, or point TOLLKEEPER_DATA_DIR at another directory.';
    return fail('disk', `${disk.directory} cannot be written`, whose);
  }
  const message = `${(disk.freeBytes / GIB).toFixed(1)} GiB free for ${disk.directory}`;
  const fix = 'Free some space, or point TOLLKEEPER_DATA_DIR at another disk.';
  if (disk.freeBytes < FAIL_BELOW) return fail('disk', message, fix);
  return disk.freeBytes < WARN_BELOW ? warn('disk', message, fix) : ok('disk', message);
}
