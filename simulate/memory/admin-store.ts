import { sealChange } from '../../src/adapters/postgres/admin/change-chain.ts';
import { exactJson } from '../../src/adapters/postgres/admin/exact-json.ts';
import { formatEventKey } from '../../src/domain/events/event-key.ts';
import { parseWalletId } from '../../src/domain/ids.ts';
import type { QuarantinedUsage } from '../../src/domain/ledger/release-usage.ts';
import type { WalletHead } from '../../src/domain/ledger/wallet.ts';
import { AppError } from '../../src/errors.ts';
import type {
  AdminScope,
  AdminStore,
  AdminTransaction,
  ChangeRecord,
  ReleasableReason,
  UsageTotal,
} from '../../src/pipeline/admin/admin-store.ts';
import type { UsagePart } from '../../src/pipeline/admin/quarantine-store.ts';
import { KeyTakenError } from '../../src/pipeline/lane/lane-store.ts';
import { laneOfShard } from '../engine.ts';
import { memoryCorrections, readCorrections } from './corrections.ts';
import { MemoryHolds } from './holds.ts';
import type { MemoryLedger, StoredUsage } from './ledger.ts';
import { isInPart, memoryQuarantine, quarantineIn } from './quarantine.ts';

/** The direct path on the same tables in memory as the lanes. */
export class MemoryAdmin implements AdminStore {
  readonly corrections: AdminStore['corrections'];
  readonly quarantine: AdminStore['quarantine'];
  readonly #ledger: MemoryLedger;

  constructor(ledger: MemoryLedger) {
    this.#ledger = ledger;
    this.corrections = memoryCorrections(ledger);
    this.quarantine = memoryQuarantine(ledger);
  }

  async findWallets({ tenant, name, currency }: Parameters<AdminStore['findWallets']>[0]) {
    const walletId = parseWalletId(name);
    return [...this.#ledger.wallets.values()].flatMap((wallet) => {
      const isMeant = wallet.walletId === walletId || wallet.account === name;
      const isIn = wallet.tenant === tenant && (currency === undefined || wallet.currency === currency);
      return isMeant && isIn ? [{ ...wallet, held: 0n, grants: [] }] : [];
    });
  }

  async transact<T>(scope: AdminScope, work: (transaction: AdminTransaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const transaction = new MemoryChange(this.#ledger, scope);
      try {
        const result = await work(transaction);
        if (!scope.dryRun) transaction.commit();
        return result;
      } catch (error) {
        // Like the real one: a key that another lane posted between the look and the write is found by the next look.
        if (attempt === ATTEMPTS_MAX || !(error instanceof KeyTakenError)) throw error;
      }
    }
  }
}

const ATTEMPTS_MAX = 5;

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
  readonly holds: MemoryHolds;
  readonly corrections: AdminTransaction['corrections'];
  readonly quarantine: AdminTransaction['quarantine'];

  constructor(ledger: MemoryLedger, { walletId, shard, nowMs }: AdminScope) {
    this.#ledger = ledger;
    this.holds = new MemoryHolds(ledger);
    this.#laneNumber = laneOfShard(shard);
    const lane = ledger.lane(this.#laneNumber);
    this.#walletId = walletId;
    this.#head = ledger.head(walletId);
    this.#usage = [...ledger.quarantine.values()].filter((row) => row.walletId === walletId).map((row) => ({ ...row }));
    this.#usage.sort((left, right) => left.batchNo - right.batchNo || left.position - right.position);
    this.corrections = { read: readCorrections(ledger) };
    this.quarantine = quarantineIn(ledger, this.#usage);
    this.#lastBatch = lane.lastBatch;
    this.#chain = lane.chain;
    this.atMs = Math.max(nowMs, lane.clockMs);
  }

  commit(): void {
    for (const commit of this.#commits) commit();
    this.holds.commit();
    if (this.#head !== undefined) this.#ledger.saveHead(this.#head);
    for (const row of this.#usage) this.#ledger.quarantine.set(formatEventKey(row.key), row);
    Object.assign(this.#ledger.lane(this.#laneNumber), { lastBatch: this.#lastBatch, chain: this.#chain });
  }

  readonly wallet = async () => (this.#head === undefined ? undefined : { ...this.#head });

  readonly answered = async (key: string) => this.#ledger.requests.get(key);

  readonly remember: AdminTransaction['remember'] = async ({ key, hash, result }) => {
    if (this.#ledger.requests.has(key)) {
      throw new AppError('IDEMPOTENCY_CONFLICT', 'The key was used for another request at the same moment.');
    }
    const stored: unknown = JSON.parse(exactJson(result));
    this.#commits.push(() => this.#ledger.requests.set(key, { hash, result: stored }));
  };

  readonly confirmAccount = async () => true;

  readonly insertWallet = async (wallet: WalletHead) => {
    if (this.#head !== undefined) throw new Error(`wallet ${wallet.walletId} exists`);
    this.#head = { ...wallet };
  };

  readonly openUsage: AdminTransaction['openUsage'] = async (reason, limit, amountMax, part) =>
    this.#open(reason, part)
      .flatMap(({ key, contentHash, amount, residue }) => {
        const fits = amountMax === undefined || (amount ?? 0n) < amountMax || (amount === amountMax && residue === 0n);
        if (amount === null || !fits) return [];
        return [{ key, contentHash, amount, residue, isPosted: this.#ledger.entries.has(formatEventKey(key)) }];
      })
      .slice(0, limit);

  readonly countUsage = async (reason: ReleasableReason) => total(this.#open(reason));

  readonly closeAsPosted: AdminTransaction['closeAsPosted'] = async (usage, _by, request) =>
    this.#close(usage, 'posted', request);

  readonly closeAsVoid: AdminTransaction['closeAsVoid'] = async (reason, _by, part) => {
    const rows = this.#open(reason, part);
    for (const row of rows)
      Object.assign(row, part === undefined ? { status: 'void' } : { status: 'void', closedRequest: part.request });
    return total(rows);
  };

  readonly closeAsDuplicate: AdminTransaction['closeAsDuplicate'] = async (usage, _by, request) =>
    this.#close(usage, 'duplicate', request);

  readonly moveUsage: AdminTransaction['moveUsage'] = async (from, to, part) => {
    const rows = this.#open(from, part);
    for (const row of rows) row.reason = to;
    return total(rows);
  };

  readonly freezeCause: AdminTransaction['freezeCause'] = async ({ frozenBy }) =>
    frozenBy === null ? null : (this.#ledger.freezeCauses.get(frozenBy) ?? null);

  readonly noteChange = async () => this.#noteChange();

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
    const seal = sealChange(this.#chain, link, change);
    const chained = { ...place, previous: this.#chain.toString('hex'), chain: seal.chain.toString('hex') };
    this.#chain = seal.chain;
    const posted = change.kind === 'release' ? change.events : 0;
    const numbers = [change.events, posted, 0, 0, change.priced];
    const { walletId, frozenBy } = change.wallet;
    this.#head = { ...change.wallet };
    this.#commits.push(() => {
      ledger.links.push(chained);
      const { grant, kind, actor, reason, correction } = change;
      if (correction !== undefined) {
        const event = formatEventKey(correction.event);
        ledger.corrections.set(event, [...(ledger.corrections.get(event) ?? []), { ...correction, ...place }]);
      }
      if (kind === 'freeze' && frozenBy !== null) ledger.freezeCauses.set(frozenBy, { kind: 'person', actor, reason });
      if (grant !== undefined) ledger.grants.set(grant.grantId, { ...grant, walletId, remaining: grant.amount });
      for (const entry of change.entries) {
        ledger.entries.set(formatEventKey(entry.key), { ...entry, walletId, ...place });
      }
      for (const { ledgerAccount, amount } of ledger.flaw === 'forgets_contra' ? [] : change.contra) {
        ledger.contra.push([place.lane, place.batchNo, ledgerAccount, amount].join(' '));
      }
      ledger.burn(place, change.burns);
      ledger.batches.push(
        [place.lane, place.batchNo, change.kind, lane.epoch, ...numbers, seal.root.toString('hex')].join(' '),
      );
      for (const { messageKey, payload } of change.outbox) {
        if (!ledger.messages.has(messageKey)) ledger.messages.set(messageKey, JSON.stringify(payload));
      }
    });
    this.#noteChange();
  };

  #close(usage: readonly Pick<QuarantinedUsage, 'key'>[], status: 'posted' | 'duplicate', request?: string): void {
    const keys = new Set(usage.map(({ key }) => formatEventKey(key)));
    for (const row of this.#usage) {
      if (row.status !== 'open' || !keys.has(formatEventKey(row.key))) continue;
      row.status = status;
      if (request !== undefined) row.closedRequest = request;
    }
  }

  #open(reason: string, part?: UsagePart): StoredUsage[] {
    return this.#usage.filter(
      (row) => row.status === 'open' && row.reason === reason && isInPart(this.#ledger, row, part),
    );
  }

  #noteChange(): void {
    this.#commits.push(() => this.#ledger.noteChange(this.#ledger.lane(this.#laneNumber), this.#walletId));
  }
}

function total(rows: readonly StoredUsage[]): UsageTotal {
  return { events: rows.length, amount: rows.reduce((sum, row) => sum + (row.amount ?? 0n), 0n) };
}
