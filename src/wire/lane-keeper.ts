import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import type { WorkerHandle } from '../pipeline/ingest/queue-port.ts';
import { type LaneObserver, LaneWriter, type LaneWriterOptions } from '../pipeline/lane/lane-writer.ts';

/** How often lanes without an owner are looked for: an orphaned lane waits about this long for its next one. */
const LOOK_MS = 2_000;

export interface LaneKeeperOptions {
  /** Lanes this process would own when they are free. */
  readonly lanes: readonly number[];
  /** Those of the given lanes whose owner no longer lives. */
  readonly freeLanes: (lanes: readonly number[]) => Promise<readonly number[]>;
  readonly writer: Omit<LaneWriterOptions, 'lane' | 'observer'>;
  readonly observer: LaneObserver;
  /** Opens the worker for what other processes forward to a lane. */
  readonly openWorker: (lane: number) => WorkerHandle;
  readonly onRetry: (what: string, attempt: number, error: unknown) => void;
}

/**
 * The lanes this process owns. A lane whose owner is gone is taken over by whoever sees it first, and one that somebody
 * else took is forgotten, so that its events are forwarded: a lane without an owner would keep its jobs for ever.
 */
export class LaneKeeper {
  readonly #options: LaneKeeperOptions;
  readonly #writers = new Map<number, LaneWriter>();
  readonly #workers = new Map<number, WorkerHandle>();
  readonly #leaving = new Map<number, Promise<unknown>>();
  readonly #abort = new AbortController();
  #looking: Promise<void> | undefined;

  constructor(options: LaneKeeperOptions) {
    this.#options = options;
  }

  /** Writers of the lanes owned now; the map changes with them. */
  get writers(): ReadonlyMap<number, LaneWriter> {
    return this.#writers;
  }

  /** Takes every lane that is free, and keeps looking for those that become free. */
  async open(): Promise<void> {
    for (const lane of this.#options.lanes) await this.#own(lane);
    this.#looking = this.#look();
  }

  /** Stops taking lanes over and taking forwarded jobs; what is in hand goes on. */
  async stopTaking(): Promise<void> {
    this.#abort.abort();
    await this.#looking;
    await Promise.all([...this.#workers.values()].map((worker) => worker.close()));
  }

  /** Ends the workers whatever they have in hand. */
  async cutOff(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.close(true)));
  }

  /** Closes the writers, which frees their lanes. */
  async close(options: { readonly abandon: boolean }): Promise<void> {
    await Promise.all([...this.#writers.values()].map((writer) => writer.close(options)));
    await Promise.all(this.#leaving.values());
  }

  async #look(): Promise<void> {
    const { signal } = this.#abort;
    for (let attempt = 1; ; ) {
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const missing = this.#options.lanes.filter((lane) => !this.#writers.has(lane) && !this.#leaving.has(lane));
      if (missing.length === 0) continue;
      try {
        for (const lane of await this.#options.freeLanes(missing)) await this.#own(lane);
        attempt = 1;
      } catch (error) {
        this.#options.onRetry('lanes', attempt++, error);
      }
    }
  }

  async #own(lane: number): Promise<void> {
    const { writer: common, observer, openWorker } = this.#options;
    const writer = new LaneWriter({
      ...common,
      lane,
      observer: { ...observer, onLost: () => this.#leave(lane, writer) },
    });
    try {
      await writer.open();
    } catch (error) {
      // A lock without a writer would keep the lane from everybody, us included.
      await writer.close({ abandon: true });
      // A lane with a live owner elsewhere is not ours; its events are forwarded there.
      if (error instanceof AppError && error.code === 'LANE_BUSY') return;
      throw error;
    }
    this.#writers.set(lane, writer);
    this.#workers.set(lane, openWorker(lane));
  }

  #leave(lane: number, writer: LaneWriter): void {
    if (this.#writers.get(lane) !== writer) return;
    this.#writers.delete(lane);
    const worker = this.#workers.get(lane);
    this.#workers.delete(lane);
    // Until both are closed the lane is not taken again: the old writer would release the new one's lock.
    const left = Promise.all([worker?.close(), writer.close({ abandon: true })])
      .catch((error: unknown) => this.#options.onRetry(`lane ${lane}`, 1, error))
      .finally(() => this.#leaving.delete(lane));
    this.#leaving.set(lane, left);
  }
}
