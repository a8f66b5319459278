import { setTimeout as sleep } from 'node:timers/promises';

const SWEEP_MS = 5_000;

/** Something that is done for wallets whose time has come, whoever else might do it at the same moment. */
export interface Sweep {
  /** Named in what `onRetry` is told. */
  readonly what: string;
  readonly sweep: () => Promise<void>;
  readonly onRetry: (what: string, attempt: number, error: unknown) => void;
}

/** Sweeps every few seconds until closed; a sweep that fails is reported and tried again at the next turn. */
export function startSweep(options: Sweep): { readonly close: () => Promise<void> } {
  const abort = new AbortController();
  const loop = run(options, abort.signal);
  return {
    async close() {
      abort.abort();
      await loop;
    },
  };
}

async function run({ what, sweep, onRetry }: Sweep, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; !signal.aborted; ) {
    try {
      await sweep();
      attempt = 1;
    } catch (error) {
      onRetry(what, attempt++, error);
    }
    await sleep(SWEEP_MS, undefined, { signal }).catch(() => undefined);
  }
}
