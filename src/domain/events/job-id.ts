import { createHash } from 'node:crypto';

/**
 * Id of a job from the events it carries, each as JSON text: adding the same events again is then refused by the queue
 * itself. The whole content counts, not only the identity: an id re-sent with other content must still arrive, because
 * it is a tampering signal. BullMQ refuses ids that are integers or hold a colon; this is neither.
 */
export function jobIdOf(eventTexts: Iterable<string>): string {
  const digest = createHash('sha256');
  for (const text of eventTexts) {
    digest.update(text);
    digest.update('\n');
  }
  return `usage-${digest.digest('hex').slice(0, 40)}`;
}
