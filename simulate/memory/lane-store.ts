import { exactJson } from '../../src/adapters/postgres/admin/exact-json.ts';
import { batchTree } from '../../src/adapters/postgres/batch-root.ts';
import { encodeEntries } from '../../src/adapters/postgres/copy-entries.ts';
import { sealBatch } from '../../src/adapters/postgres/write-batch.ts';
import { formatEventKey } from '../../src/domain/events/event-key.ts';
import { encodeFeatures } from '../../src/domain/features/account-features.ts';
import { sumBurns } from '../../src/domain/ledger/grant.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { AppError } from '../../src/errors.ts';
import type { FreezeCause } from '../../src/pipeline/freeze-cause.ts';
import type { BatchRecord } from '../../src/pipeline/lane/batch-record.ts';
import { encodeFacts } from '../../src/pipeline/lane/facts-codec.ts';
import type { LaneEvent } from '../../src/pipeline/lane/lane-event.ts';
import {
  KeyTakenError,
  type LaneClaim,
  type LaneStore,
  type LaneTransaction,
  type StoredAccount,
  type StoredFacts,
} from '../../src/pipeline/lane/lane-store.ts';
import { decisionEvidenceSchema } from '../../src/pipeline/queries/decision-evidence.ts';
import { LANES } from '../engine.ts';
import { MemoryHolds } from './holds.ts';
import type { MemoryLedger, StoredUsage } from './ledger.ts';

/** The lane store on tables in memory, with the guarantees of the one on PostgreSQL. Who waits for whom the stage knows. */
export class MemoryLanes implements LaneStore {
  readonly #ledger: MemoryLedger;

  constructor(ledger: MemoryLedger) {
    this.#ledger = ledger;
  }

  async claim(laneNumber: number): Promise<LaneClaim> {
    const lane = this.#ledger.lane(laneNumber);
    lane.epoch += 1n;
    const recentKeys = [this.#ledger.entries, this.#ledger.quarantine].flatMap((table) =>
      [...table.keys()].sort().reverse(),
    );
    return {
      lane: laneNumber,
      epoch: lane.epoch,
      changeNo: lane.changeNo,
      lastBatch: lane.lastBatch,
      chain: lane.chain,
      clockMs: lane.clockMs,
      featuresThrough: lane.featuresThrough,
      recentKeys,
      keysCompleteFromMs: 0,
      acts: lane.freezesMs
        .filter((atMs) => atMs > lane.clockMs - DAY_MS)
        .sort((left, right) => left - right)
        .map((atMs) => ({ kind: 'freeze', atMs, frictionNanos: 0 })),
      accountsTotal: 0,
      lanes: LANES,
    };
  }

  async release(): Promise<void> {}

  async *factsAfter(lane: number, batchNo: number): AsyncIterable<StoredFacts> {
    for (const facts of [...this.#ledger.lane(lane).facts]) if (facts.batchNo > batchNo) yield facts;
  }

  async loadAccounts(walletIds: readonly bigint[]): Promise<readonly StoredAccount[]> {
    return walletIds.flatMap((walletId) => {
      const wallet = this.#ledger.head(walletId);
      if (wallet === undefined) return [];
      const checkpoint = this.#ledger.checkpoints.get(walletId);
      const features = checkpoint === undefined ? null : checkpoint.state.slice();
      return [{ wallet, features, checkpointBatch: checkpoint?.throughBatch ?? 0 }];
    });
  }

  async preparePartitions(): Promise<void> {}

  async transact<T>(laneNumber: number, epoch: bigint, work: (transaction: LaneTransaction) => Promise<T>): Promise<T> {
    const lane = this.#ledger.lane(laneNumber);
    const isFenced = this.#ledger.flaw !== 'does_not_fence';
    if (isFenced && lane.epoch !== epoch) {
      throw new AppError('LANE_FENCED', `lane ${laneNumber} was taken over (epoch ${lane.epoch}, ours ${epoch})`);
    }
    const holds = new MemoryHolds(this.#ledger);
    const staged: (() => void)[] = [() => holds.commit()];
    const result = await work({
      changeNo: lane.changeNo,
      entriesFromMs: lane.entriesFromMs,
      changedWallets: async (since) => [
        ...new Set(lane.changes.filter(({ changeNo }) => changeNo > since).map(({ walletId }) => walletId)),
      ],
      head: async () => ({ lastBatch: lane.lastBatch, chain: lane.chain }),
      loadAccounts: (walletIds) => this.loadAccounts(walletIds),
      findKeys: async (keys) => {
        const { entries, quarantine } = this.#ledger;
        return new Map(
          keys.flatMap((key) => {
            const waits = quarantine.get(key);
            const isFree = this.#ledger.flaw === 'frees_void_keys' && waits?.status === 'void';
            const row = (isFree ? undefined : waits) ?? entries.get(key);
            return row === undefined ? [] : [[key, { key, contentHash: row.contentHash }] as const];
          }),
        );
      },
      holds,
      findIdentities: async (identities, sinceMs) => {
        const { identities: known } = this.#ledger;
        return new Set(identities.filter((identity) => (known.get(identity) ?? -1) >= Math.max(0, sinceMs)));
      },
      keepIdentities: async ({ clockMs }, identities, sinceMs) => {
        const { identities: known } = this.#ledger;
        const taken = identities.find((identity) => (known.get(identity) ?? -1) >= Math.max(0, sinceMs));
        if (taken !== undefined || new Set(identities).size < identities.length) {
          throw new KeyTakenError(`duplicate identity ${taken}`);
        }
        staged.push(() => {
          const old = [...known]
            .filter(([, seenAtMs]) => seenAtMs < sinceMs)
            .sort(([, left], [, right]) => left - right);
          for (const [identity] of old.slice(0, 2 * identities.length)) known.delete(identity);
          for (const identity of identities) known.set(identity, clockMs);
        });
      },
      write: async (batch) => {
        const { chain, commit } = await this.#stage(batch);
        staged.push(commit);
        return chain;
      },
    });
    for (const commit of staged) commit();
    return result;
  }

  /** Copies everything the batch says now, refuses what an index would refuse, and returns what puts it in force. */
  async #stage(batch: BatchRecord): Promise<{ readonly chain: Buffer; readonly commit: () => void }> {
    const ledger = this.#ledger;
    const lane = ledger.lane(batch.lane);
    ledger.refuseTaken(
      ledger.entries,
      batch.entries.map(({ key }) => key),
    );
    if (ledger.flaw !== 'does_not_fence' && lane.lastBatch !== batch.batchNo - 1) {
      throw new AppError('LANE_FENCED', `lane ${batch.lane} is no longer at batch ${batch.batchNo - 1}`);
    }
    ledger.refuseTaken(
      ledger.quarantine,
      batch.quarantined.map(({ key }) => key),
    );
    for (const { key } of batch.quarantined) {
      if (ledger.flaw !== 'has_no_index' && ledger.entries.has(formatEventKey(key)))
        throw new KeyTakenError(`event ${formatEventKey(key)} is posted already`);
    }
    const facts = await encodeFacts(batch.facts);
    const tree = batchTree(batch.entries, encodeEntries(batch.entries, batch.batchNo, batch.lane));
    const { chain, root } = sealBatch(batch, { tree, facts, postedAtMs: batch.clockMs });
    const heads = batch.touched.map(({ wallet }) => ({ ...wallet }));
    const checkpoints = [...batch.checkpoints].map(({ wallet, features }) => ({
      walletId: wallet.walletId,
      state: encodeFeatures(features).slice(),
    }));
    const entries = batch.entries.map(({ wallet, ...entry }) => ({ ...entry, walletId: wallet.walletId }));
    const quarantined = batch.quarantined.map(({ item, ...row }) => ({
      ...row,
      walletId: item.address.walletId,
      contentHash: item.contentHash,
      event: eventIn(item),
    }));
    const burns = sumBurns(batch.burns);
    const place = { lane: batch.lane, batchNo: batch.batchNo };
    const { clockMs, featuresThrough, counts } = batch;
    const numbers = [batch.facts.length, counts.posted, counts.duplicate, counts.quarantined, batch.priced];
    const line = [batch.lane, batch.batchNo, 'usage', batch.epoch, ...numbers, root.toString('hex')].join(' ');
    const revenue = -batch.entries.reduce((sum, entry) => sum + entry.amount, 0n) - batch.breakage;
    const decisions = batch.decisions.map(({ decisionId, outcome, score }) => [decisionId, outcome, score].join(' '));
    const causes = batch.decisions.map((decision) => [decision.decisionId, causeOf(batch, decision)] as const);
    const freezesMs = batch.decisions.filter(isFreeze).map(({ decidedAtMs }) => decidedAtMs);
    const messages = batch.outbox.map(({ messageKey, payload }) => [messageKey, JSON.stringify(payload)] as const);
    const commit = () => {
      for (const entry of entries) ledger.entries.set(formatEventKey(entry.key), { ...entry, ...place });
      for (const row of quarantined) {
        ledger.quarantine.set(formatEventKey(row.key), { ...row, ...place, status: 'open' });
      }
      for (const head of heads) ledger.saveHead(head);
      for (const { walletId, state } of checkpoints) {
        ledger.checkpoints.set(walletId, { state, throughBatch: batch.batchNo });
      }
      ledger.burn(place, burns);
      ledger.batches.push(line);
      const previous = batch.previousChain.toString('hex');
      ledger.links.push({ ...place, previous, chain: chain.toString('hex') });
      if (revenue !== 0n) ledger.contra.push([batch.lane, batch.batchNo, 'revenue', revenue].join(' '));
      if (batch.breakage > 0n) ledger.contra.push([batch.lane, batch.batchNo, 'breakage', batch.breakage].join(' '));
      ledger.decisions.push(...decisions);
      for (const [decisionId, cause] of causes) ledger.freezeCauses.set(decisionId, cause);
      for (const [key, text] of messages) if (!ledger.messages.has(key)) ledger.messages.set(key, text);
      lane.freezesMs.push(...freezesMs);
      lane.facts.push({ batchNo: batch.batchNo, facts });
      Object.assign(lane, { lastBatch: batch.batchNo, chain, clockMs, featuresThrough });
    };
    return { chain, commit };
  }
}

function eventIn({ event }: LaneEvent): StoredUsage['event'] {
  const { id, source, account, meter, quantity, occurredAtMs } = event;
  return { id, source, account, meter, quantity: quantity.text, occurredAtMs };
}

function isFreeze({ outcome, evidence }: BatchRecord['decisions'][number]): boolean {
  const isObject = typeof evidence === 'object' && evidence !== null && 'notFrozenBecause' in evidence;
  return outcome === 'freeze' && isObject && evidence.notFrozenBecause === null;
}

function causeOf(batch: BatchRecord, { decisionId, evidence }: BatchRecord['decisions'][number]): FreezeCause {
  const { results } = decisionEvidenceSchema.parse(JSON.parse(exactJson(evidence)));
  const rules = results.filter(({ score }) => score > 0).map(({ ruleId }) => ruleId);
  const alert = batch.alerts.find((raised) => raised.decisionId === decisionId)?.alertId ?? null;
  return { kind: 'rules', rules, alert };
}
