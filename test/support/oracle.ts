import { contentHashOf, eventKeyOf, formatEventKey } from '../../src/domain/events/event-key.ts';
import type { UsageEvent } from '../../src/domain/events/usage-event.ts';
import { createFeatures } from '../../src/domain/features/account-features.ts';
import { addressOf } from '../../src/domain/ids.ts';
import { openWallet, type WalletHead } from '../../src/domain/ledger/wallet.ts';
import { parseQuantity } from '../../src/domain/money/quantity.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { rulesetInLanes } from '../../src/domain/rules/ruleset-in-lanes.ts';
import { applyBatch } from '../../src/pipeline/lane/apply-batch.ts';
import type { BatchRecord } from '../../src/pipeline/lane/batch-record.ts';
import type { StoredFact } from '../../src/pipeline/lane/facts-codec.ts';
import type { Identity } from '../../src/pipeline/lane/find-duplicates.ts';
import type { LaneEvent } from '../../src/pipeline/lane/lane-event.ts';
import { createLaneMemory, type LaneMemory } from '../../src/pipeline/lane/lane-memory.ts';
import { TEST_LANES } from './admin-database.ts';

/** What one event became, in a form that compares well. */
export interface OracleStep {
  readonly id: string;
  readonly status: string;
  readonly entries: readonly string[];
  readonly quarantined: readonly string[];
  readonly decisions: readonly string[];
}

/**
 * A second opinion on a lane: applies recorded events one by one, each as a batch of its own, with identity decided by
 * a plain map. It shares the domain with the pipeline but none of its gathering, dedupe, storage or recovery.
 */
export class Oracle {
  readonly memory: LaneMemory;
  readonly #ruleset: Ruleset;
  readonly #lateWindowMs: number;
  readonly #contents = new Map<string, bigint>();
  readonly #altered = new Set<string>();

  constructor(ruleset: Ruleset, lateWindowMs: number) {
    this.#ruleset = rulesetInLanes(ruleset);
    this.#lateWindowMs = lateWindowMs;
    this.memory = createLaneMemory({
      lane: 0,
      epoch: 1n,
      changeNo: 0n,
      lastBatch: 0,
      chain: Buffer.alloc(0),
      clockMs: 0,
      keysCompleteFromMs: 0,
      lanes: TEST_LANES,
    });
  }

  /** Starts an account from a wallet that somebody else opened or topped up. */
  seed(wallet: WalletHead): void {
    this.memory.accounts.set(wallet.walletId, {
      wallet: { ...wallet },
      features: createFeatures(),
      checkpointBatch: 0,
      isNew: false,
      dirtySinceBatch: 0,
      touchedInBatch: 0,
      place: 0,
    });
  }

  apply(fact: StoredFact): OracleStep {
    const item = laneEventOf(fact, this.#ruleset.pricing.currency);
    if (!this.memory.accounts.has(item.address.walletId)) this.#open(item);
    const batch = applyBatch(this.memory, {
      events: [item],
      identities: [this.#identify(item)],
      ruleset: this.#ruleset,
      lateWindowMs: this.#lateWindowMs,
    });
    return stepOf(fact.id, batch);
  }

  #open({ event, address, ingestedAtMs }: LaneEvent): void {
    const openedAtMs = Math.max(this.memory.clockMs, ingestedAtMs);
    const { tenant, account } = event;
    const currency = this.#ruleset.pricing.currency;
    this.seed(openWallet({ ...address, tenant, account, currency, openedAtMs }));
  }

  #identify(item: LaneEvent): Identity {
    const name = `${item.event.tenant}\u0000${item.event.source}\u0000${item.event.id}`;
    const known = this.#contents.get(name);
    if (known === undefined) {
      this.#contents.set(name, item.contentHash);
      return { kind: 'new' };
    }
    const variant = `${name}\u0000${item.contentHash}`;
    if (known === item.contentHash || this.#altered.has(variant)) return { kind: 'duplicate' };
    this.#altered.add(variant);
    return { kind: 'altered', key: eventKeyOf(item.event, item.contentHash) };
  }
}

/** What a batch of one event says, as text that compares well. */
function stepOf(id: string, batch: BatchRecord): OracleStep {
  const fact = batch.facts[0];
  return {
    id,
    status: fact?.status ?? 'rejected',
    entries: batch.entries.map(({ key, wallet, seq, amount, balanceAfter, kind }) =>
      [formatEventKey(key), wallet.walletId, seq, amount, balanceAfter, kind].join(' '),
    ),
    quarantined: batch.quarantined.map(({ key, reason, amount }) => [formatEventKey(key), reason, amount].join(' ')),
    decisions: batch.decisions.map(({ decisionId, outcome, score }) => [decisionId, outcome, score].join(' ')),
  };
}

/** The lane event a stored fact was made from. */
export function laneEventOf(fact: StoredFact, currency: string): LaneEvent {
  const quantity = parseQuantity(fact.quantity);
  if (typeof quantity === 'string') throw new Error(`stored quantity ${fact.quantity}: ${quantity}`);
  const event: UsageEvent = {
    tenant: fact.tenant,
    id: fact.id,
    source: fact.source,
    account: fact.account,
    meter: fact.meter,
    quantity,
    occurredAtMs: fact.occurredAtMs,
    ...(fact.sequence === null ? {} : { sequence: fact.sequence }),
    ...(fact.properties === null ? {} : { properties: fact.properties }),
  };
  return {
    event,
    address: addressOf(fact.tenant, fact.account, currency),
    key: eventKeyOf(event),
    contentHash: contentHashOf(event),
    ingestedAtMs: fact.ingestedAtMs,
  };
}
