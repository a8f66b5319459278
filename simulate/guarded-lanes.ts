import { formatEventKey } from '../src/domain/events/event-key.ts';
import type { HoldOperation, HoldWrite } from '../src/pipeline/holds/hold-rows.ts';
import type { BatchRecord } from '../src/pipeline/lane/batch-record.ts';
import type { LaneClaim, LaneStore, LaneTransaction, StoredFacts } from '../src/pipeline/lane/lane-store.ts';
import type { HoldsOnTheirWay } from './holds-on-their-way.ts';
import type { Held } from './model/model.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { BrokenConnection, type Fault, type Stage } from './stage.ts';

interface Written {
  readonly batch: BatchRecord;
  readonly chain: Buffer;
  /** What each wallet held in the writer's memory when the batch was judged. */
  readonly held: Held;
  /** Wallets of the batch of which that memory held less than the books when it was written. */
  readonly short: readonly string[];
}

/** A group of holds that a transaction wrote. */
interface WrittenHolds {
  readonly holds: readonly HoldWrite[];
  readonly operations: readonly HoldOperation[];
}

/** What one transaction did. */
interface Done {
  readonly written: Written[];
  readonly groups: WrittenHolds[];
}

/** What a transaction of a lane says when it is committed. */
export interface LaneEvents {
  readonly onCommit: (batch: BatchRecord, chain: Buffer, memory: Pick<Written, 'held' | 'short'>) => void;
  readonly onHolds: (holds: readonly HoldWrite[], operations: readonly HoldOperation[]) => void;
}

/** One process's view of the lanes: every operation waits for its turn and may fail before or after it took effect. */
export class GuardedLanes implements LaneStore {
  readonly #stage: Stage;
  readonly #process: SimulatedProcess;
  readonly #inner: LaneStore;
  readonly #onCommit: LaneEvents['onCommit'];
  readonly #onHolds: LaneEvents['onHolds'];
  readonly #onTheirWay: HoldsOnTheirWay;

  constructor(
    stage: Stage,
    process: SimulatedProcess,
    options: { readonly inner: LaneStore; readonly onTheirWay: HoldsOnTheirWay } & LaneEvents,
  ) {
    this.#stage = stage;
    this.#process = process;
    this.#inner = options.inner;
    this.#onCommit = options.onCommit;
    this.#onHolds = options.onHolds;
    this.#onTheirWay = options.onTheirWay;
  }

  claim(lane: number, owner: string): Promise<LaneClaim> {
    const isReady = () => this.#stage.locks.canTake(lane);
    return this.#stage.perform(this.#process, `claim ${lane}`, () => this.#inner.claim(lane, owner), isReady);
  }

  release(lane: number): Promise<void> {
    return this.#stage.perform(this.#process, `release ${lane}`, () => this.#inner.release(lane));
  }

  async *factsAfter(lane: number, batchNo: number): AsyncIterable<StoredFacts> {
    const all = await this.#stage.perform(this.#process, `facts ${lane}`, async () => {
      const facts: StoredFacts[] = [];
      for await (const batch of this.#inner.factsAfter(lane, batchNo)) facts.push(batch);
      return facts;
    });
    yield* all;
  }

  loadAccounts(walletIds: readonly bigint[]): ReturnType<LaneStore['loadAccounts']> {
    return this.#stage.perform(this.#process, 'load accounts', () => this.#inner.loadAccounts(walletIds));
  }

  preparePartitions(timesMs: readonly number[]): Promise<void> {
    return this.#stage.perform(this.#process, 'partitions', () => this.#inner.preparePartitions(timesMs));
  }

  async transact<T>(lane: number, epoch: bigint, work: (transaction: LaneTransaction) => Promise<T>): Promise<T> {
    const stage = this.#stage;
    const process = this.#process;
    const holder = {};
    const begun = await stage.pass(process, `begin ${lane}`, () => stage.locks.canShare(lane));
    if (begun === 'before') throw new BrokenConnection('the connection broke before the transaction');
    stage.locks.share(lane, holder);
    const done: Done = { written: [], groups: [] };
    let ended: Fault = 'none';
    const settled = await stage.settle(holder, () =>
      this.#inner.transact(lane, epoch, (transaction) =>
        stage.inside(async () => {
          if (begun === 'after') throw new BrokenConnection('the connection broke as the transaction began');
          if (begun === 'crash_after') stage.kill(process);
          const result = await process.orKilled(work(this.#guarded(transaction, { holder, epoch, ...done })));
          ended = await process.orKilled(stage.pass(process, `commit ${lane}`));
          if (ended === 'before') throw new BrokenConnection('the connection broke before the commit');
          return result;
        }),
      ),
    );
    const way = this.#onTheirWay;
    const freed = way.freedBy(done.groups.flatMap(({ holds }) => holds));
    if (!settled.ok) {
      way.ended(holder, { ok: false, isCommitted: false, freed });
      return stage.fail(process, settled.error);
    }
    for (const { holds, operations } of done.groups) this.#onHolds(holds, operations);
    for (const { batch, chain, held, short } of done.written) this.#onCommit(batch, chain, { held, short });
    way.ended(holder, { ok: ended === 'none', isCommitted: true, freed });
    return stage.answer(process, ended, `commit ${lane}`, settled.value);
  }

  #guarded(
    transaction: LaneTransaction,
    { holder, epoch, written, groups }: { readonly holder: object; readonly epoch: bigint } & Done,
  ): LaneTransaction {
    const way = this.#onTheirWay;
    let held: Held = new Map();
    const stage = this.#stage;
    const ask = <T>(label: string, run: () => Promise<T>, isReady?: () => boolean) =>
      stage.perform(this.#process, label, run, isReady);
    return {
      changeNo: transaction.changeNo,
      changedWallets: (since) => ask('changed wallets', () => transaction.changedWallets(since)),
      head: () => ask('head', () => transaction.head()),
      loadAccounts: (walletIds) => ask('load accounts', () => transaction.loadAccounts(walletIds)),
      // The writer asks for this as it judges: the one moment at which it matters what its memory holds.
      get entriesFromMs() {
        held = way.seenBy(epoch);
        return transaction.entriesFromMs ?? 0;
      },
      holds: {
        find: (references) => ask('find holds', () => transaction.holds.find(references)),
        write: (holds, operations) => {
          way.judged(holder, epoch, holds);
          groups.push({ holds, operations });
          return ask(`write ${holds.length} holds`, () => transaction.holds.write(holds, operations));
        },
      },
      findIdentities: (identities, sinceMs) =>
        ask('find identities', async () => (await transaction.findIdentities?.(identities, sinceMs)) ?? new Set()),
      keepIdentities: (batch, identities, sinceMs) => {
        // Rows of the table are removed by whoever comes first, so one transaction at a time.
        const table = ['identities'];
        const run = async () => {
          stage.locks.takeKeys(table, holder);
          await transaction.keepIdentities?.(batch, identities, sinceMs);
        };
        return ask(`keep ${identities.length} identities`, run, () => stage.locks.areFree(table, holder));
      },
      findKeys: (keys) => ask('find keys', () => transaction.findKeys(keys)),
      write: (batch) => {
        const keys = [
          ...batch.entries.map(({ key }) => `e ${formatEventKey(key)}`),
          ...batch.quarantined.map(({ key }) => `q ${formatEventKey(key)}`),
        ];
        const short = way.shortIn(batch);
        const run = async () => {
          stage.locks.takeKeys(keys, holder);
          const chain = await transaction.write(batch);
          written.push({ batch, chain, held, short });
          return chain;
        };
        return ask(`write ${batch.lane} ${describe(batch)}`, run, () => stage.locks.areFree(keys, holder));
      },
    };
  }
}

function describe({ batchNo, counts, entries }: BatchRecord): string {
  return `#${batchNo} ${entries.length} entries, ${counts.duplicate} duplicate, ${counts.quarantined} quarantined`;
}
