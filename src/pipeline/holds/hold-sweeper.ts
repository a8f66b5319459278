import { setTimeout as sleep } from 'node:timers/promises';
import type { HoldAnswer } from './hold-answer.ts';
import { type HoldRequest, holdRequestOf } from './hold-request.ts';

/** An open hold whose time is over. */
export type DueHold = Pick<HoldRequest, 'tenant' | 'holdId' | 'walletId' | 'shard'>;

export interface HoldSweeperOptions {
  readonly dueHolds: (nowMs: number, limit: number) => Promise<readonly DueHold[]>;
  /** Carries a request out where its wallet's lane is. */
  readonly carryOut: (request: HoldRequest) => Promise<HoldAnswer>;
  readonly now: () => number;
  readonly onRetry: (what: string, attempt: number, error: unknown) => void;
}

/** Money of a call that never came back is free again within about a second of the hold's end. */
const SWEEP_MS = 1_000;
const PAGE = 500;

/** Frees the money of holds whose time is over. Two sweepers at once free it once. */
export function startHoldSweeper(options: HoldSweeperOptions): { readonly close: () => Promise<void> } {
  const abort = new AbortController();
  const loop = run(options, abort.signal);
  return {
    async close() {
      abort.abort();
      await loop;
    },
  };
}

async function run(options: HoldSweeperOptions, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; !signal.aborted; ) {
    try {
      while ((await sweepHolds(options)) === PAGE && !signal.aborted);
      attempt = 1;
    } catch (error) {
      options.onRetry('hold sweeper', attempt++, error);
    }
    await sleep(SWEEP_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** One page of due holds; returns how many there were. */
export async function sweepHolds({ dueHolds, carryOut, now }: Omit<HoldSweeperOptions, 'onRetry'>): Promise<number> {
  const nowMs = now();
  const due = await dueHolds(nowMs, PAGE);
  const ask = { do: 'expire' } as const;
  const requests = due.map((hold) =>
    holdRequestOf({ ...hold, ask, key: undefined, actor: 'schedule', reason: null, nowMs }),
  );
  await Promise.all(requests.map(carryOut));
  return due.length;
}
