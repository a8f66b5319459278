import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../errors.ts';

export interface PatienceOptions {
  /** How many lanes have a live writer; rejects when the database does not answer. */
  readonly countWriters: () => Promise<number>;
  /** How long the pipeline may be away before waiting for it is pointless. */
  readonly patienceMs: number;
}

const LOOK_MS = 1_000;
const POLL_MS = 15;
const FIX =
  'Start `tollkeeper start` (`tollkeeper doctor` shows what is missing), then run the command again: usage that is posted already is not charged twice.';

/**
 * Waits for answers of a pipeline that another process may run, and may end. A database or a queue that is gone and
 * lanes that nobody writes are borne for a while; after that every wait ends with ENGINE_UNAVAILABLE.
 */
export class Patience {
  readonly #options: PatienceOptions;
  readonly #closing = new AbortController();
  readonly #looking: Promise<void>;
  readonly #lost: Promise<never>;
  #reject: (error: AppError) => void = () => undefined;
  #failure: AppError | undefined;

  constructor(options: PatienceOptions) {
    this.#options = options;
    this.#lost = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
    // It may be lost while nobody asks for anything.
    this.#lost.catch(() => undefined);
    this.#looking = this.#look();
  }

  get isLost(): boolean {
    return this.#failure !== undefined;
  }

  /** Asks until the answer is not undefined. A question that fails is asked again: connections break and come back. */
  async ask<T>(question: () => Promise<T | undefined>): Promise<T> {
    let problem: unknown;
    const timer = setTimeout(() => this.#giveUp('the queue did not answer', problem), this.#options.patienceMs);
    const answer = async (): Promise<T> => {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure;
        try {
          const found = await question();
          if (found !== undefined) return found;
          timer.refresh();
        } catch (error) {
          problem = error;
        }
        await sleep(POLL_MS);
      }
    };
    try {
      return await Promise.race([answer(), this.#lost]);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { signal } = this.#closing;
    const { countWriters, patienceMs } = this.#options;
    for (let servedMs = performance.now(); !signal.aborted && this.#failure === undefined; ) {
      let missing: { readonly what: string; readonly cause?: unknown } = { what: 'no lane had a writer' };
      try {
        if ((await countWriters()) > 0) servedMs = performance.now();
      } catch (cause) {
        missing = { what: 'the database did not answer', cause };
      }
      if (performance.now() - servedMs >= patienceMs) this.#giveUp(missing.what, missing.cause);
      await sleep(Math.min(LOOK_MS, patienceMs), undefined, { signal }).catch(() => undefined);
    }
  }

  #giveUp(what: string, cause: unknown): void {
    const message = `Nothing processes the usage: ${what} for ${this.#options.patienceMs / 1_000} s.`;
    this.#failure ??= new AppError('ENGINE_UNAVAILABLE', message, { fix: FIX, cause });
    this.#reject(this.#failure);
  }
}
