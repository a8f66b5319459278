import { createHash } from 'node:crypto';
import { batchTree } from '../../src/adapters/postgres/batch-root.ts';
import { encodeEntries } from '../../src/adapters/postgres/copy-entries.ts';
import { formatEventKey } from '../../src/domain/events/event-key.ts';
import type { SetWallet } from '../../src/domain/ledger/judge-set.ts';
import type { SetRecord, SetStore, SetTransaction } from '../../src/pipeline/admin/post-set.ts';
import { walletStatusMessage } from '../../src/pipeline/wallet-status-message.ts';
import { laneOfShard } from '../engine.ts';
import type { MemoryLedger, StoredLane } from './ledger.ts';

/** Sets of charges and credits on the same tables in memory as the lanes. */
export class MemorySets implements SetStore {
  readonly #ledger: MemoryLedger;

  constructor(ledger: MemoryLedger) {
    this.#ledger = ledger;
  }

  async lanes(): Promise<(shard: number) => number> {
    return laneOfShard;
  }

  async transact<T>(
    laneNumber: number,
    { nowMs }: { readonly nowMs: number },
    work: (transaction: SetTransaction) => Promise<T>,
  ): Promise<T> {
    const ledger = this.#ledger;
    const lane = ledger.lane(laneNumber);
    const atMs = Math.max(nowMs, lane.clockMs);
    const commits: (() => void)[] = [];
    const result = await work({
      entriesFromMs: lane.entriesFromMs,
      wallets: async (walletIds) => new Map(walletIds.flatMap((id) => this.#wallet(id))),
      findKeys: async (rows) =>
        new Map(
          rows.flatMap(({ key }) => {
            const entry = ledger.entries.get(formatEventKey(key));
            return entry === undefined ? [] : [[formatEventKey(key), entry.contentHash] as const];
          }),
        ),
      write: async (set) => {
        commits.push(this.#stage(lane, atMs, set));
      },
    });
    for (const commit of commits) commit();
    return result;
  }

  #wallet(walletId: bigint): readonly (readonly [bigint, SetWallet])[] {
    const head = this.#ledger.head(walletId);
    if (head === undefined) return [];
    const { tenant, account, status, statusSequence, posted, held, overdraftLimit, seq, grants, throttle } = head;
    const known = { walletId, tenant, account, status, statusSequence, posted, held, overdraftLimit, seq };
    return [[walletId, { ...known, hasGrants: grants.length > 0, hasThrottle: throttle !== null }]];
  }

  /** Refuses what an index would refuse, and returns what puts the set in force. */
  #stage(lane: StoredLane, atMs: number, { postings, source }: SetRecord): () => void {
    const ledger = this.#ledger;
    const legs = postings.flatMap(({ wallet, entries }) => entries.map((entry) => ({ ...entry, wallet })));
    ledger.refuseTaken(
      ledger.entries,
      legs.map(({ key }) => key),
    );
    const place = { lane: lane.lane, batchNo: lane.lastBatch + 1 };
    const { root } = batchTree(legs, encodeEntries(legs, place.batchNo, place.lane));
    const previous = lane.chain.toString('hex');
    const chain = createHash('sha256').update(lane.chain).update(root).digest();
    const charged = legs.reduce((sum, { amount }) => (amount < 0n ? sum - amount : sum), 0n);
    const credited = legs.reduce((sum, { amount }) => (amount > 0n ? sum + amount : sum), 0n);
    const news = { status: 'funded', reason: 'a credit ended the negative balance', nowMs: atMs } as const;
    const funded = postings.filter(({ isFunded }) => isFunded);
    const messages = funded.map(({ wallet }) =>
      walletStatusMessage({ ...wallet, frozenUntilMs: null, frozenBy: null }, news),
    );
    const heads = postings.map(({ wallet }) => ({ ...wallet }));
    return () => {
      for (const { wallet, ...entry } of legs) {
        ledger.entries.set(formatEventKey(entry.key), { ...entry, walletId: wallet.walletId, ...place });
      }
      for (const { walletId, posted, seq, statusSequence } of heads) {
        const wallet = ledger.wallets.get(walletId);
        if (wallet !== undefined) ledger.wallets.set(walletId, { ...wallet, posted, seq, statusSequence });
      }
      const line = [place.lane, place.batchNo];
      if (charged !== 0n) ledger.contra.push([...line, 'revenue', charged].join(' '));
      const payer = source === 'paid' ? 'cash' : 'promotion';
      if (credited !== 0n) ledger.contra.push([...line, payer, -credited].join(' '));
      ledger.batches.push([...line, 'set', lane.epoch, 0, 0, 0, 0, 0, root.toString('hex')].join(' '));
      ledger.links.push({ ...place, previous, chain: chain.toString('hex') });
      for (const { messageKey, payload } of messages) {
        if (!ledger.messages.has(messageKey)) ledger.messages.set(messageKey, JSON.stringify(payload));
      }
      lane.changeNo += 1n;
      for (const { walletId } of heads) lane.changes.push({ changeNo: lane.changeNo, walletId });
      Object.assign(lane, { lastBatch: place.batchNo, chain });
    };
  }
}
