import type pg from 'pg';
import { createReplayCheckLog, databaseSeed } from '../adapters/postgres/replay-check.ts';
import { createReplayStore } from '../adapters/postgres/replay-store.ts';
import { startSweep } from '../pipeline/admin/sweep-loop.ts';
import { NightlyCheck } from '../pipeline/replay/nightly-check.ts';

/** Decides a sample of decisions again every night, in whichever process asks first. */
export function startNightlyReplay(
  pool: pg.Pool,
  options: {
    readonly owner: string;
    readonly now: () => number;
    readonly onRetry: (what: string, attempt: number, error: unknown) => void;
  },
): { readonly close: () => Promise<void> } {
  const { owner, now, onRetry } = options;
  const store = createReplayStore(pool);
  let isStopping = false;
  let check: NightlyCheck | undefined;
  const sweep = async () => {
    check ??= new NightlyCheck({
      store,
      log: createReplayCheckLog(pool, owner),
      rulesetOf: store.ruleset,
      seed: await databaseSeed(pool),
      now,
      breathe: () => new Promise((resolve) => setImmediate(resolve)),
      isStopping: () => isStopping,
    });
    await check.sweep();
  };
  const loop = startSweep({ what: 'nightly replay', sweep, onRetry });
  return {
    async close() {
      isStopping = true;
      await loop.close();
    },
  };
}
