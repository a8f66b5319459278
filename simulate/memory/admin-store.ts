import { chainAfterChange } from '../../src/adapters/postgres/admin/change-chain.ts';
import { exactJson } from '../../src/adapters/postgres/admin/exact-json.ts';
import { formatEventKey } from '../../src/domain/events/event-key.ts';
import { parseWalletId } from '../../src/domain/ids.ts';
import type { WalletHead } from '../../src/domain/ledger/wallet.ts';
import type {
  AdminScope,
  AdminStore,
  AdminTransaction,
  ChangeRecord,
  ReleasableReason,
  UsageTotal,
} from '../../src/pipeline/admin/admin-store.ts';
import { laneOfShard } from '../engine.ts';
import type { MemoryLedger, StoredUsage } from './ledger.ts';

/** The direct path on the same tables in memory as the lanes. */
export class MemoryAdmin implements AdminStore {
  readonly #ledger: MemoryLedger;

  constructor(ledger: MemoryLedger) {
    this.#ledger = ledger;
  }

  async findWallets({ tenant, name, currency }: Parameters<AdminStore['findWallets']>[0]) {
    const walletId = parseWalletId(name);
    return [...this.#ledger.wallets.values()].flatMap((wallet) => {
      const isMeant = wallet.walletId === walletId || wallet.account === name;
      const isIn = wallet.tenant === tenant && (currency === undefined || wallet.currency === currency);
      return isMeant && isIn ? [{ ...wallet, grants: [] }] : [];
    });
  }

  async transact<T>(scope: AdminScope, work: (transaction: AdminTransaction) => Promise<T>): Promise<T> {
    const transaction = new MemoryChange(this.#ledger, scope);
    const result = await work(transaction);
    if (!scope.dryRun) transaction.commit();
    return result;
  }
}

/** One database transaction: it works on copies of its wallet's rows and puts them back when it commits. */
class MemoryChange implements AdminTransaction {
  readonly atMs: number;
  readonly #ledger: MemoryLedger;
  readonly #laneNumber: number;
  readonly #walletId: bigint;
  #head: WalletHead | undefined;
  readonly #usage: StoredUsage[];
  #lastBatch: number;
  #chain: Buffer;
  readonly #commits: (() => void)[] = [];

  constructor(ledger: MemoryLedger, { walletId, shard, nowMs }: AdminScope) {
    this.#ledger = ledger;
    this.#laneNumber = laneOfShard(shard);
    const lane = ledger.lane(this.#laneNumber);
    this.#walletId = walletId;
    this.#head = ledger.head(walletId);
    this.#usage = [...ledger.quarantine.values()].filter((row) => row.walletId === walletId).map((row) => ({ ...row }));
    this.#usage.sort((left, right) => left.batchNo - right.batchNo || left.position - right.position);
    this.#lastBatch = lane.lastBatch;
    this.#chain = lane.chain;
    this.atMs = Math.max(nowMs, lane.clockMs);
  }

  commit(): void {
    for (const commit of this.#commits) commit();
    if (this.#head !== undefined) this.#ledger.saveHead(this.#head);
    for (const row of this.#usage) this.#ledger.quarantine.set(formatEventKey(row.key), row);
    Object.assign(this.#ledger.lane(this.#laneNumber), { lastBatch: this.#lastBatch, chain: this.#chain });
  }

  readonly wallet = async () => (this.#head === undefined ? undefined : { ...this.#head });

  readonly answered = async (key: string) => this.#ledger.requests.get(key);

  readonly remember: AdminTransaction['remember'] = async ({ key, hash, result }) => {
    if (this.#ledger.requests.has(key)) throw Object.assign(new Error(`request ${key} is answered`), { code: '23505' });
    const stored: unknown = JSON.parse(exactJson(result));
    this.#commits.push(() => this.#ledger.requests.set(key, { hash, result: stored }));
  };

  readonly confirmAccount = async () => true;

  readonly insertWallet = async (wallet: WalletHead) => {
    if (this.#head !== undefined) throw new Error(`wallet ${wallet.walletId} exists`);
    this.#head = { ...wallet };
  };

  readonly openUsage = async (reason: ReleasableReason, limit: number) => {
    for (;;) {
      const rows = this.#open(reason).slice(0, limit);
      const taken = rows.filter(({ key }) => this.#ledger.entries.has(formatEventKey(key)));
      for (const row of taken) row.reason = 'altered';
      if (taken.length > 0) continue;
      return rows.flatMap(({ key, contentHash, amount, residue }) =>
        amount === null ? [] : [{ key, contentHash, amount, residue }],
      );
    }
  };

  readonly countUsage = async (reason: ReleasableReason) => total(this.#open(reason));

  readonly closeAsPosted: AdminTransaction['closeAsPosted'] = async (usage) => {
    const keys = new Set(usage.map(({ key }) => formatEventKey(key)));
    for (const row of this.#usage) {
      if (row.status === 'open' && keys.has(formatEventKey(row.key))) row.status = 'posted';
    }
  };

  readonly closeAsVoid = async (reason: ReleasableReason) => {
    const rows = this.#open(reason);
    for (const row of rows) row.status = 'void';
    return total(rows);
  };

  readonly awaitCredit = async () => {
    const rows = this.#open('frozen');
    for (const row of rows) row.reason = 'over_limit';
    return total(rows);
  };

  readonly saveStatus = async ({ status, frozenUntilMs }: WalletHead) => {
    if (this.#head !== undefined) this.#head = { ...this.#head, status, frozenUntilMs };
    this.#noteChange();
  };

  readonly write = async (change: ChangeRecord) => {
    const ledger = this.#ledger;
    const lane = ledger.lane(this.#laneNumber);
    this.#lastBatch++;
    const place = { lane: this.#laneNumber, batchNo: this.#lastBatch };
    ledger.refuseTaken(
      ledger.entries,
      change.entries.map(({ key }) => key),
    );
    const link = { lane: lane.lane, lastBatch: BigInt(this.#lastBatch), epoch: lane.epoch, atMs: this.atMs };
    this.#chain = chainAfterChange(this.#chain, link, change);
    const chain = this.#chain.toString('hex');
    const posted = change.kind === 'release' ? change.events : 0;
    const numbers = [change.events, posted, 0, 0, change.priced];
    const { walletId } = change.wallet;
    this.#head = { ...change.wallet };
    this.#commits.push(() => {
      const { grant } = change;
      if (grant !== undefined) ledger.grants.set(grant.grantId, { ...grant, walletId, remaining: grant.amount });
      for (const entry of change.entries) {
        ledger.entries.set(formatEventKey(entry.key), { ...entry, walletId, ...place });
      }
      for (const { ledgerAccount, amount } of change.contra) {
        ledger.contra.push([place.lane, place.batchNo, ledgerAccount, amount].join(' '));
      }
      ledger.burn(place, change.burns);
      ledger.batches.push([place.lane, place.batchNo, change.kind, lane.epoch, ...numbers, chain].join(' '));
      for (const { messageKey, payload } of change.outbox) {
        if (!ledger.messages.has(messageKey)) ledger.messages.set(messageKey, JSON.stringify(payload));
      }
    });
    this.#noteChange();
  };

  #open(reason: string): StoredUsage[] {
    return this.#usage.filter((row) => row.status === 'open' && row.reason === reason);
  }

  #noteChange(): void {
    this.#commits.push(() => this.#ledger.noteChange(this.#ledger.lane(this.#laneNumber), this.#walletId));
  }
}

function total(rows: readonly StoredUsage[]): UsageTotal {
  return { events: rows.length, amount: rows.reduce((sum, row) => sum + (row.amount ?? 0n), 0n) };
}
