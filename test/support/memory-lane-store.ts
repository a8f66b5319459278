import { exactJson } from '../../src/adapters/postgres/admin/exact-json.ts';
import { formatEventKey, parseEventKey } from '../../src/domain/events/event-key.ts';
import { encodeFeatures } from '../../src/domain/features/account-features.ts';
import { NO_GRANTS, sumBurns } from '../../src/domain/ledger/grant.ts';
import { ENTRY_KIND, type WalletHead } from '../../src/domain/ledger/wallet.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { AppError } from '../../src/errors.ts';
import type { BatchRecord, BurnRow } from '../../src/pipeline/lane/batch-record.ts';
import { encodeFacts } from '../../src/pipeline/lane/facts-codec.ts';
import type {
  LaneClaim,
  LaneStore,
  LaneTransaction,
  StoredAccount,
  StoredFacts,
} from '../../src/pipeline/lane/lane-store.ts';

/** Few enough freezes a lane that random sequences reach the breaker: a cap of 20 shared by so many. */
const MEMORY_LANES = 10;

/** What happens to the next database transaction. */
export type Accident = 'lost_before_commit' | 'lost_after_commit';

/** What a lane has written, as text that compares well; batch numbers are left out, since they depend on the split. */
export interface Books {
  readonly entries: readonly string[];
  readonly quarantined: readonly string[];
  readonly decisions: readonly string[];
  readonly messages: readonly string[];
  readonly wallets: readonly string[];
  /** Sums, because one batch writes one burn a grant. */
  readonly burns: readonly string[];
}

interface Checkpoint {
  readonly state: Uint8Array;
  readonly throughBatch: number;
}

/**
 * A lane store in memory with the guarantees of the one on PostgreSQL: all of a batch or nothing, one writer by its
 * epoch, unique keys, and copies only, so that a writer's memory is never what is stored. One lane.
 */
export class MemoryLaneStore implements LaneStore {
  readonly #recentKeysLoaded: number;
  readonly #wallets = new Map<bigint, WalletHead>();
  readonly #checkpoints = new Map<bigint, Checkpoint>();
  readonly #keys = new Map<string, bigint>();
  readonly #facts: StoredFacts[] = [];
  readonly #entries: string[] = [];
  readonly #quarantined: string[] = [];
  readonly #decisions: string[] = [];
  readonly #burns = new Map<string, bigint>();
  readonly #freezesMs: number[] = [];
  readonly #messages = new Map<string, string>();
  #epoch = 0n;
  #changeNo = 0n;
  #changes: { readonly changeNo: bigint; readonly walletId: bigint }[] = [];
  #head = { lastBatch: 0, clockMs: 0, featuresThrough: 0 };
  #accident: Accident | undefined;

  /** @param recentKeysLoaded how many stored keys a new writer is given; the others it must look up. */
  constructor(recentKeysLoaded = 50_000) {
    this.#recentKeysLoaded = recentKeysLoaded;
  }

  /** Makes the next transaction end badly, as a broken connection would. */
  failNext(accident: Accident): void {
    this.#accident = accident;
  }

  /** Changes a wallet as a person would, past the writer, which has to notice. */
  changeWallet(wallet: WalletHead): void {
    this.#wallets.set(wallet.walletId, { ...wallet });
    this.#changeNo += 1n;
    this.#changes.push({ changeNo: this.#changeNo, walletId: wallet.walletId });
  }

  books(): Books {
    const wallets = [...this.#wallets.values()].map((wallet) =>
      [
        wallet.account,
        wallet.posted,
        wallet.seq,
        wallet.status,
        wallet.statusSequence,
        wallet.frozenUntilMs,
        wallet.quarantined,
        wallet.quarantinedEvents,
        wallet.residue,
        wallet.grants.map(({ grantId, remaining }) => `${grantId}:${remaining}`),
        exactJson(wallet.throttle),
      ].join(' '),
    );
    return {
      entries: [...this.#entries],
      quarantined: [...this.#quarantined],
      decisions: [...this.#decisions],
      messages: [...this.#messages.values()],
      wallets: wallets.sort(),
      burns: [...this.#burns].map(([grantId, amount]) => `${grantId} ${amount}`).sort(),
    };
  }

  get walletIds(): readonly bigint[] {
    return [...this.#wallets.keys()];
  }

  async claim(lane: number): Promise<LaneClaim> {
    this.#epoch += 1n;
    const newest = [...this.#keys.keys()].sort().reverse().slice(0, this.#recentKeysLoaded);
    const oldest = newest.at(-1);
    const isCut = newest.length === this.#recentKeysLoaded && oldest !== undefined;
    return {
      lane,
      epoch: this.#epoch,
      changeNo: this.#changeNo,
      lastBatch: this.#head.lastBatch,
      chain: Buffer.alloc(0),
      clockMs: this.#head.clockMs,
      featuresThrough: this.#head.featuresThrough,
      recentKeys: newest,
      keysCompleteFromMs: isCut ? parseEventKey(oldest).timeMs + 1 : 0,
      acts: this.#freezesMs
        .filter((atMs) => atMs > this.#head.clockMs - DAY_MS)
        .map((atMs) => ({ kind: 'freeze', atMs, frictionNanos: 0 })),
      accountsTotal: this.#wallets.size,
      lanes: MEMORY_LANES,
    };
  }

  async release(): Promise<void> {}

  async *factsAfter(_lane: number, batchNo: number): AsyncIterable<StoredFacts> {
    for (const facts of this.#facts) if (facts.batchNo > batchNo) yield facts;
  }

  async loadAccounts(walletIds: readonly bigint[]): Promise<readonly StoredAccount[]> {
    return walletIds.flatMap((walletId) => {
      const wallet = this.#wallets.get(walletId);
      if (wallet === undefined) return [];
      const checkpoint = this.#checkpoints.get(walletId);
      const features = checkpoint === undefined ? null : checkpoint.state.slice();
      return [{ wallet: { ...wallet }, features, checkpointBatch: checkpoint?.throughBatch ?? 0 }];
    });
  }

  async preparePartitions(): Promise<void> {}

  async transact<T>(lane: number, epoch: bigint, work: (transaction: LaneTransaction) => Promise<T>): Promise<T> {
    const accident = this.#accident;
    this.#accident = undefined;
    if (epoch !== this.#epoch) throw new AppError('LANE_FENCED', `lane ${lane} was taken over`);
    const staged: (() => void)[] = [];
    const result = await work({
      changeNo: this.#changeNo,
      changedWallets: async (since) =>
        this.#changes.filter(({ changeNo }) => changeNo > since).map(({ walletId }) => walletId),
      head: async () => ({ lastBatch: this.#head.lastBatch, chain: Buffer.alloc(0) }),
      loadAccounts: (walletIds) => this.loadAccounts(walletIds),
      findKeys: async (keys) => {
        const found = keys.flatMap((key) => {
          const contentHash = this.#keys.get(key);
          return contentHash === undefined ? [] : [[key, { key, contentHash }] as const];
        });
        return new Map(found);
      },
      holds: { find: noHolds, write: noHolds },
      write: async (batch) => {
        staged.push(await this.#stage(batch));
        return Buffer.alloc(0);
      },
    });
    if (accident === 'lost_before_commit') throw new Error('the connection broke before the commit');
    for (const commit of staged) commit();
    if (accident === 'lost_after_commit') throw new Error('the connection broke after the commit');
    return result;
  }

  /** Copies everything the batch says now, and returns what puts it in force. */
  async #stage(batch: BatchRecord): Promise<() => void> {
    const facts = await encodeFacts(batch.facts);
    const told = batch.outbox.length > 0;
    const wallets = batch.touched.map(({ wallet }) => ({ ...wallet }));
    const burns = sumBurns(batch.burns);
    const checkpoints = [...batch.checkpoints].map(
      ({ wallet, features }) => [wallet.walletId, encodeFeatures(features).slice()] as const,
    );
    const keys = [
      ...batch.entries.map(({ key, contentHash }) => [key, contentHash] as const),
      ...batch.quarantined.map(({ key, item }) => [key, item.contentHash] as const),
    ];
    const entries = batch.entries.map(({ key, wallet, seq, amount, balanceAfter, kind }) =>
      [formatEventKey(key), wallet.account, seq, amount, balanceAfter, kind].join(' '),
    );
    const quarantined = batch.quarantined.map(({ key, item, reason, amount, ingestedAtMs, decisionId }) =>
      [formatEventKey(key), item.event.account, reason, amount, ingestedAtMs, decisionId].join(' '),
    );
    const decisions = batch.decisions.map(({ decisionId, outcome, score, decidedAtMs }) =>
      [decisionId, outcome, score, decidedAtMs].join(' '),
    );
    const freezesMs = batch.entries.flatMap(({ kind, key }) => (kind === ENTRY_KIND.freeze ? [key.timeMs] : []));
    return () => {
      for (const [key, contentHash] of keys) this.#claimKey(formatEventKey(key), contentHash);
      for (const wallet of wallets) this.#wallets.set(wallet.walletId, { ...wallet, ...this.#kept(wallet, told) });
      for (const burn of burns) this.#burn(burn);
      for (const [walletId, state] of checkpoints)
        this.#checkpoints.set(walletId, { state, throughBatch: batch.batchNo });
      this.#facts.push({ batchNo: batch.batchNo, facts, rulesetHash: batch.rulesetHash });
      this.#entries.push(...entries);
      this.#quarantined.push(...quarantined);
      this.#decisions.push(...decisions);
      this.#freezesMs.push(...freezesMs);
      for (const { messageKey, payload } of batch.outbox)
        this.#messages.set(messageKey, JSON.stringify([messageKey, payload]));
      this.#head = { lastBatch: batch.batchNo, clockMs: batch.clockMs, featuresThrough: batch.featuresThrough };
    };
  }

  /** What the statements of a batch do not write, or only with a message, stays as it is stored. */
  #kept(wallet: WalletHead, isTold: boolean): Partial<WalletHead> {
    const stored = this.#wallets.get(wallet.walletId);
    const { status, statusSequence, frozenAtMs, frozenUntilMs, frozenBy } = stored ?? wallet;
    const state = isTold ? {} : { status, statusSequence, frozenAtMs, frozenUntilMs, frozenBy };
    return { grants: stored?.grants ?? NO_GRANTS, overdraftLimit: stored?.overdraftLimit ?? null, ...state };
  }

  /** Grants change by the burns of a batch alone. */
  #burn({ grantId, walletId, amount, remaining }: BurnRow): void {
    const wallet = this.#wallets.get(walletId);
    const grant = wallet?.grants.find((one) => one.grantId === grantId);
    if (wallet === undefined || grant === undefined || grant.remaining - amount !== remaining) {
      throw new Error(`a burn of ${amount} leaves ${remaining} of ${grantId}, which has ${grant?.remaining}`);
    }
    wallet.grants = wallet.grants.flatMap((one) =>
      one !== grant ? [one] : remaining > 0n ? [{ ...grant, remaining }] : [],
    );
    this.#burns.set(grantId, (this.#burns.get(grantId) ?? 0n) + amount);
  }

  #claimKey(key: string, contentHash: bigint): void {
    if (this.#keys.has(key)) throw Object.assign(new Error(`duplicate key ${key}`), { code: '23505' });
    this.#keys.set(key, contentHash);
  }
}

async function noHolds(): Promise<never> {
  throw new Error('the store in memory keeps no holds');
}
