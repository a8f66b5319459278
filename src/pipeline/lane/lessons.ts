import { closeIncident, unflagHours } from '../../domain/features/account-features.ts';
import { HOUR_MS } from '../../domain/time.ts';
import type { BatchRecord } from './batch-record.ts';
import type { LaneMemory } from './lane-memory.ts';
import type { LaneTransaction } from './lane-store.ts';
import { loadAccountsOf } from './take-over.ts';

/** What a closed alert teaches one account's baseline. */
export interface Lesson {
  readonly lessonId: bigint;
  readonly walletId: bigint;
  readonly verdict: 'confirmed_fraud' | 'benign';
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Reads the lessons that wait for the lane, when somebody has changed something since they were read last. They are only
 * ever written together with a change of their wallet.
 */
export async function readLessons(memory: LaneMemory, transaction: LaneTransaction): Promise<void> {
  await readCaseCounts(memory, transaction);
  if (memory.lessonsReadAt === memory.changeNo) return;
  const lessons = (await transaction.lessons?.()) ?? [];
  if (lessons.length > 0) {
    await loadAccountsOf(
      memory,
      transaction,
      lessons.map(({ walletId }) => walletId),
    );
  }
  memory.lessons = lessons;
  memory.lessonsReadAt = memory.changeNo;
}

/** Verdicts of other lanes count too, so they are read again now and then; what was read is stored with each decision. */
async function readCaseCounts(memory: LaneMemory, transaction: LaneTransaction): Promise<void> {
  const isFresh = memory.casesReadAtMs >= 0 && memory.clockMs - memory.casesReadAtMs < HOUR_MS;
  if (isFresh && memory.lessonsReadAt === memory.changeNo) return;
  memory.caseCounts = (await transaction.caseCounts?.()) ?? new Map();
  memory.casesReadAtMs = memory.clockMs;
}

/** Carries out what waits before the batch's first event; the accounts' features are written with the batch. */
export function applyLessons(memory: LaneMemory, batch: BatchRecord): void {
  for (const { lessonId, walletId, verdict, fromMs, toMs } of memory.lessons) {
    const account = memory.accounts.get(walletId);
    // Without features there is nothing to teach; the lesson is over all the same.
    if (account !== undefined) {
      if (verdict === 'benign') unflagHours(account.features, fromMs, toMs);
      closeIncident(account.features);
      batch.checkpoints.add(account);
    }
    batch.lessons.push(lessonId);
  }
  memory.lessons = [];
}
