import type { QueueCounts } from '../ingest/queue-port.ts';
import { type Finding, ok, warn } from './finding.ts';

/** What waits in a queue. A failed usage job is one that a foreign worker failed: ours never do. */
export function judgeQueue(name: string, counts: QueueCounts): Finding {
  const { waiting, active, delayed, failed } = counts;
  const message = `queue ${name}: ${waiting} waiting, ${active} active, ${delayed} delayed, ${failed} failed`;
  if (failed === 0) return ok('queues', message);
  return warn('queues', message, `Look at the failed jobs of ${name}: their events are not accounted for.`);
}
