import { setTimeout as sleep } from 'node:timers/promises';
import { WALLET_STATUS_QUEUE } from '../../queues.ts';
import type { QueueEngine, QueueHandle } from '../ingest/queue-port.ts';

/** A message written in the transaction of its cause and not yet handed on. */
export interface OutboxMessage {
  readonly outboxId: bigint;
  readonly messageKey: string;
  readonly payload: unknown;
}

/** Messages of one topic, oldest first; `markSent` only after the queue has acknowledged them. */
export interface OutboxStore {
  readonly unsent: (topic: string, limit: number) => Promise<readonly OutboxMessage[]>;
  readonly markSent: (ids: readonly bigint[]) => Promise<void>;
}

const PAGE = 500;
const IDLE_MS = 200;
const RETRY_MS = 1_000;

/**
 * Hands outbox messages of one topic to the queue of its name, at least once: the message key is the job id, so a message handed on twice is
 * one job. Crashing between commit and hand-over repeats work and loses none.
 */
export function startOutboxRelay(
  store: OutboxStore,
  queues: QueueEngine,
  onRetry: (what: string, attempt: number, error: unknown) => void,
  topic: string = WALLET_STATUS_QUEUE.name,
): { readonly close: () => Promise<void> } {
  const queue = queues.openQueue(topic);
  const abort = new AbortController();
  const loop = run(store, queue, abort.signal, onRetry);
  return {
    async close() {
      abort.abort();
      await loop;
      await queue.close();
    },
  };
}

async function run(
  store: OutboxStore,
  queue: QueueHandle,
  signal: AbortSignal,
  onRetry: (what: string, attempt: number, error: unknown) => void,
): Promise<void> {
  for (let attempt = 1; ; ) {
    const stopping = signal.aborted;
    try {
      // One last pass after the signal: what the final batches wrote still leaves.
      const sent = await relayPage(store, queue);
      attempt = 1;
      if (sent === PAGE) continue;
      if (stopping) return;
      await sleep(IDLE_MS, undefined, { signal }).catch(() => undefined);
    } catch (error) {
      if (stopping) return;
      onRetry('outbox', attempt++, error);
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function relayPage(store: OutboxStore, queue: QueueHandle): Promise<number> {
  const messages = await store.unsent(queue.name, PAGE);
  if (messages.length === 0) return 0;
  await queue.addJobs(messages.map(({ messageKey, payload }) => ({ id: messageKey, data: payload })));
  await store.markSent(messages.map((message) => message.outboxId));
  return messages.length;
}
