import { formatEventKey } from '../src/domain/events/event-key.ts';
import type { SetRecord, SetStore, SetTransaction } from '../src/pipeline/admin/post-set.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { BrokenConnection, type Fault, type Stage } from './stage.ts';

/** One process's view of the set path: every operation waits for its turn and may fail. */
export class GuardedSets implements SetStore {
  readonly #stage: Stage;
  readonly #process: SimulatedProcess;
  readonly #inner: SetStore;
  readonly #onCommit: (lane: number, set: SetRecord | undefined) => void;

  /** @param onCommit a lane's share is in force, or nothing of it was to be posted */
  constructor(
    stage: Stage,
    process: SimulatedProcess,
    inner: SetStore,
    onCommit: (lane: number, set: SetRecord | undefined) => void,
  ) {
    this.#stage = stage;
    this.#process = process;
    this.#inner = inner;
    this.#onCommit = onCommit;
  }

  lanes(): Promise<(shard: number) => number> {
    return this.#stage.perform(this.#process, 'lanes', () => this.#inner.lanes());
  }

  async transact<T>(
    lane: number,
    at: { readonly nowMs: number; readonly timesMs: readonly number[] },
    work: (transaction: SetTransaction) => Promise<T>,
  ): Promise<T> {
    const stage = this.#stage;
    const process = this.#process;
    const holder = {};
    const written: SetRecord[] = [];
    let ended: Fault = 'none';
    const begun = await stage.pass(process, `lock ${lane}`, () => stage.locks.canTake(lane));
    if (begun === 'before') throw new BrokenConnection('the connection broke before the transaction');
    stage.locks.take(lane, holder);
    const settled = await stage.settle(holder, () =>
      this.#inner.transact(lane, at, (transaction) =>
        stage.inside(async () => {
          if (begun === 'after') throw new BrokenConnection('the connection broke as the transaction began');
          if (begun === 'crash_after') stage.kill(process);
          const result = await process.orKilled(work(this.#guarded(transaction, holder, written)));
          ended = await process.orKilled(stage.pass(process, `commit set ${lane}`));
          if (ended === 'before') throw new BrokenConnection('the connection broke before the commit');
          return result;
        }),
      ),
    );
    if (!settled.ok) return stage.fail(process, settled.error);
    this.#onCommit(lane, written[0]);
    return stage.answer(process, ended, `commit set ${lane}`, settled.value);
  }

  #guarded(transaction: SetTransaction, holder: object, written: SetRecord[]): SetTransaction {
    const stage = this.#stage;
    const ask = <T>(label: string, run: () => Promise<T>, isReady?: () => boolean) =>
      stage.perform(this.#process, label, run, isReady);
    return {
      entriesFromMs: transaction.entriesFromMs,
      wallets: (walletIds) => ask('wallets', () => transaction.wallets(walletIds)),
      findKeys: (rows) => ask('find keys', () => transaction.findKeys(rows)),
      write: (set) => {
        const entries = set.postings.flatMap(({ entries: legs }) => legs);
        const keys = entries.map(({ key }) => `e ${formatEventKey(key)}`);
        const run = async () => {
          stage.locks.takeKeys(keys, holder);
          await transaction.write(set);
          written.push(set);
        };
        return ask(`write set of ${entries.length}`, run, () => stage.locks.areFree(keys, holder));
      },
    };
  }
}
