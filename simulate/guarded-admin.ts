import { formatEventKey } from '../src/domain/events/event-key.ts';
import { AppError } from '../src/errors.ts';
import type { AdminScope, AdminStore, AdminTransaction, ChangeRecord } from '../src/pipeline/admin/admin-store.ts';
import type { HoldWrite } from '../src/pipeline/holds/hold-rows.ts';
import { laneOfShard } from './engine.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { BrokenConnection, type Fault, type Stage } from './stage.ts';

/** Small rounds, so that a few quarantined events are enough for a thaw in several database transactions. */
export const RELEASE_MAX = 3;

/** What a database transaction of the direct path did. */
export interface AdminOutcome {
  readonly lane: number;
  readonly walletId: bigint;
  readonly atMs: number;
  /** 0 for the first transaction of a command. */
  readonly round: number;
  readonly dryRun: boolean;
  readonly changes: readonly ChangeRecord[];
  readonly holds: readonly HoldWrite[];
  /** The lane's writer has to reload the wallet. */
  readonly isNoted: boolean;
  /** The same for all transactions of one attempt at a command. */
  readonly attempt: object;
  /** Days of usage that the command found before its transactions, for this wallet. */
  readonly usageDays: readonly number[];
  /** At each look at open usage, the keys that other lanes had posted by then. */
  readonly looks: readonly ReadonlySet<string>[];
  /** Code of the error that rolled it back. */
  readonly refused: string | undefined;
}

/** One command's view of the direct path: every operation waits for its turn and may fail. */
export class GuardedAdmin implements AdminStore {
  readonly #stage: Stage;
  readonly #process: SimulatedProcess;
  readonly #inner: AdminStore;
  readonly #onEnd: (outcome: AdminOutcome) => void;
  readonly #takenKeys: (walletId: bigint) => ReadonlySet<string>;
  #round = 0;

  constructor(
    stage: Stage,
    process: SimulatedProcess,
    options: {
      readonly inner: AdminStore;
      readonly onEnd: (outcome: AdminOutcome) => void;
      readonly takenKeys: (walletId: bigint) => ReadonlySet<string>;
    },
  ) {
    this.#stage = stage;
    this.#process = process;
    this.#inner = options.inner;
    this.#onEnd = options.onEnd;
    this.#takenKeys = options.takenKeys;
  }

  get corrections(): AdminStore['corrections'] {
    const { corrections } = this.#inner;
    const ask = this.#ask.bind(this);
    return { findPosted: (tenant, event) => ask('find posted', () => corrections.findPosted(tenant, event)) };
  }

  get quarantine(): AdminStore['quarantine'] {
    const { quarantine } = this.#inner;
    const ask = this.#ask.bind(this);
    return {
      walletsWith: (filter, nowMs) => ask('wallets with', () => quarantine.walletsWith(filter, nowMs)),
      claim: (request) => ask('claim key', () => quarantine.claim(request)),
      settledBy: (key) => ask('settled by', () => quarantine.settledBy(key)),
      answer: (request) => ask('answer', () => quarantine.answer(request)),
    };
  }

  findWallets(reference: Parameters<AdminStore['findWallets']>[0]): ReturnType<AdminStore['findWallets']> {
    return this.#ask('find wallets', () => this.#inner.findWallets(reference));
  }

  #ask<T>(label: string, run: () => Promise<T>, isReady?: () => boolean): Promise<T> {
    return this.#stage.perform(this.#process, label, run, isReady);
  }

  async transact<T>(scope: AdminScope, work: (transaction: AdminTransaction) => Promise<T>): Promise<T> {
    const stage = this.#stage;
    const process = this.#process;
    const lane = laneOfShard(scope.shard);
    const holder = {};
    const round = this.#round++;
    const changes: ChangeRecord[] = [];
    const holds: HoldWrite[] = [];
    const noted = { is: false };
    const looks: ReadonlySet<string>[] = [];
    let atMs = 0;
    let ended: Fault = 'none';
    const begun = await stage.pass(process, `lock ${lane}`, () => stage.locks.canTake(lane));
    if (begun === 'before') throw new BrokenConnection('the connection broke before the transaction');
    stage.locks.take(lane, holder);
    const settled = await stage.settle(holder, () =>
      this.#inner.transact(scope, (transaction) =>
        stage.inside(async () => {
          atMs = transaction.atMs;
          // A transaction whose key another lane has taken is repeated by the store, from its beginning.
          changes.length = 0;
          looks.length = 0;
          holds.length = 0;
          noted.is = false;
          if (begun === 'after') throw new BrokenConnection('the connection broke as the transaction began');
          if (begun === 'crash_after') stage.kill(process);
          const result = await process.orKilled(
            work(this.#guarded(transaction, scope, { holder, changes, looks, holds, noted })),
          );
          ended = await process.orKilled(stage.pass(process, `commit change ${lane}`));
          if (ended === 'before') throw new BrokenConnection('the connection broke before the commit');
          return result;
        }),
      ),
    );
    const { walletId, dryRun, usageDays = [] } = scope;
    const isNoted = noted.is || changes.length > 0;
    const outcome = { lane, walletId, atMs, round, changes, looks, holds, isNoted, dryRun, attempt: this, usageDays };
    if (settled.ok) {
      this.#onEnd({ ...outcome, refused: undefined });
      return stage.answer(process, ended, `commit change ${lane}`, settled.value);
    }
    if (settled.error instanceof AppError) this.#onEnd({ ...outcome, refused: settled.error.code });
    return stage.fail(process, settled.error);
  }

  #guarded(
    transaction: AdminTransaction,
    { walletId }: AdminScope,
    {
      holder,
      changes,
      looks,
      holds,
      noted,
    }: {
      readonly holder: object;
      readonly changes: ChangeRecord[];
      readonly looks: ReadonlySet<string>[];
      readonly holds: HoldWrite[];
      readonly noted: { is: boolean };
    },
  ): AdminTransaction {
    const stage = this.#stage;
    const ask = this.#ask.bind(this);
    const look = () => looks.push(this.#takenKeys(walletId));
    return {
      atMs: transaction.atMs,
      releaseEventsMax: RELEASE_MAX,
      wallet: () => ask('wallet', () => transaction.wallet()),
      answered: (key) => ask('answered', () => transaction.answered(key)),
      confirmAccount: (wallet) => ask('confirm account', () => transaction.confirmAccount(wallet)),
      insertWallet: (wallet) => ask('insert wallet', () => transaction.insertWallet(wallet)),
      openUsage: (reason, limit, amountMax, part) =>
        ask('open usage', () => {
          look();
          return transaction.openUsage(reason, limit, amountMax, part);
        }),
      countUsage: (reason) => ask('count usage', () => transaction.countUsage(reason)),
      closeAsPosted: (usage, by, key) => ask('close as posted', () => transaction.closeAsPosted(usage, by, key)),
      closeAsVoid: (reason, by, part) => ask('close as void', () => transaction.closeAsVoid(reason, by, part)),
      closeAsDuplicate: (usage, by, key) =>
        ask('close as duplicate', () => transaction.closeAsDuplicate(usage, by, key)),
      moveUsage: (from, to, part) => ask(`move ${from}`, () => transaction.moveUsage(from, to, part)),
      freezeCause: (wallet) => ask('freeze cause', () => transaction.freezeCause(wallet)),
      noteChange: () => {
        noted.is = true;
        return ask('note change', () => transaction.noteChange());
      },
      holds: {
        find: (references) => ask('find holds', () => transaction.holds.find(references)),
        write: (writes, operations) => {
          holds.push(...writes);
          return ask('write holds', () => transaction.holds.write(writes, operations));
        },
      },
      corrections: { read: (event) => ask('read corrections', () => transaction.corrections.read(event)) },
      quarantine: {
        page: (filter, after, limit) =>
          ask('page of quarantine', () => {
            look();
            return transaction.quarantine.page(filter, after, limit);
          }),
        close: (rows, closed) =>
          ask(`close ${rows.length} as ${closed.status}`, () => transaction.quarantine.close(rows, closed)),
        settledBy: (key) => ask('settled by', () => transaction.quarantine.settledBy(key)),
      },
      saveStatus: (wallet) => {
        noted.is = true;
        return ask('save status', () => transaction.saveStatus(wallet));
      },
      remember: (request) => ask('remember', () => transaction.remember(request)),
      write: (change) => {
        const keys = change.entries.map(({ key }) => `e ${formatEventKey(key)}`);
        const run = async () => {
          stage.locks.takeKeys(keys, holder);
          await transaction.write(change);
          changes.push(change);
        };
        const label = `write ${change.kind} ${change.wallet.account} ${change.entries.length} entries`;
        return ask(label, run, () => stage.locks.areFree(keys, holder));
      },
    };
  }
}
