import { type EventKey, formatEventKey } from '../../src/domain/events/event-key.ts';
import type { QuarantineReason } from '../../src/domain/events/usage-event.ts';
import { compareGrants, type Grant } from '../../src/domain/ledger/grant.ts';
import { type Hold, reservedBy } from '../../src/domain/ledger/hold.ts';
import type { WalletHead } from '../../src/domain/ledger/wallet.ts';
import type { FreezeCause } from '../../src/pipeline/freeze-cause.ts';
import type { HoldOperation } from '../../src/pipeline/holds/hold-rows.ts';
import { KeyTakenError, type StoredFacts } from '../../src/pipeline/lane/lane-store.ts';
import { LANES } from '../engine.ts';
import type { StoredCorrectionRow } from './corrections.ts';

/** A lane as stored: its fence, its head, and what a new writer folds again. */
export interface StoredLane {
  readonly lane: number;
  epoch: bigint;
  changeNo: bigint;
  readonly changes: { readonly changeNo: bigint; readonly walletId: bigint }[];
  lastBatch: number;
  chain: Buffer;
  clockMs: number;
  featuresThrough: number;
  /** Days before are closed. */
  entriesFromMs: number;
  readonly facts: StoredFacts[];
  readonly freezesMs: number[];
}

export interface StoredEntry {
  readonly key: EventKey;
  readonly walletId: bigint;
  readonly seq: bigint;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly contentHash: bigint;
  readonly kind: number;
  readonly lane: number;
  readonly batchNo: number;
}

export interface StoredUsage {
  readonly key: EventKey;
  readonly walletId: bigint;
  readonly contentHash: bigint;
  amount: bigint | null;
  readonly residue: bigint;
  readonly lane: number;
  readonly batchNo: number;
  readonly position: number;
  /** The event as it came. */
  readonly event: {
    readonly id: string;
    readonly source: string;
    readonly account: string;
    readonly meter: string;
    readonly quantity: string;
    readonly occurredAtMs: number;
  };
  reason: QuarantineReason;
  status: 'open' | 'posted' | 'void' | 'duplicate';
  /** Key of the request that closed it, when it was one by filter. */
  closedRequest?: string;
}

export interface StoredGrant extends Grant {
  readonly walletId: bigint;
  readonly amount: bigint;
}

/** One batch in its lane's chain; the values as text. */
export interface ChainLink {
  readonly lane: number;
  readonly batchNo: number;
  readonly previous: string;
  readonly chain: string;
}

/** A wallet row; what is left of grants, and what is held, is in their own rows. */
export type StoredWallet = Omit<WalletHead, 'grants' | 'held'>;

/** Ways in which the store may be broken on purpose: a simulator that does not notice them would prove nothing. */
export type Flaw =
  | 'does_not_fence'
  | 'forgets_residue'
  | 'forgets_holds'
  | 'loses_burns'
  | 'frees_void_keys'
  | 'has_no_index'
  | 'forgets_contra';

/** The tables of the ledger, in memory. Only committed rows are here. */
export class MemoryLedger {
  readonly flaw: Flaw | undefined;
  readonly lanes: readonly StoredLane[] = Array.from({ length: LANES }, (_, lane) => ({
    lane,
    epoch: 0n,
    changeNo: 0n,
    changes: [],
    lastBatch: 0,
    chain: Buffer.alloc(0),
    clockMs: 0,
    featuresThrough: 0,
    entriesFromMs: 0,
    facts: [],
    freezesMs: [],
  }));
  readonly wallets = new Map<bigint, StoredWallet>();
  readonly checkpoints = new Map<bigint, { readonly state: Uint8Array; readonly throughBatch: number }>();
  readonly entries = new Map<string, StoredEntry>();
  readonly quarantine = new Map<string, StoredUsage>();
  readonly grants = new Map<string, StoredGrant>();
  /** Corrections by their event's key, oldest first. */
  readonly corrections = new Map<string, readonly StoredCorrectionRow[]>();
  readonly requests = new Map<string, { readonly hash: string; readonly result: unknown }>();
  readonly holds = new Map<string, Hold>();
  /** When identities of moving sources were last seen. */
  readonly identities = new Map<string, number>();
  /** Answers to requests about holds, by hold and key. */
  readonly holdOperations = new Map<string, HoldOperation>();
  /** What stands behind each `frozenBy`. */
  readonly freezeCauses = new Map<string, FreezeCause>();
  readonly burns: string[] = [];
  readonly batches: string[] = [];
  /** The chain of every lane as it was written: what each batch was linked to, and the value after it. */
  readonly links: ChainLink[] = [];
  readonly contra: string[] = [];
  readonly decisions: string[] = [];
  readonly messages = new Map<string, string>();

  constructor(flaw?: Flaw) {
    this.flaw = flaw;
  }

  lane(lane: number): StoredLane {
    const found = this.lanes[lane];
    if (found === undefined) throw new Error(`there is no lane ${lane}`);
    return found;
  }

  /** A copy of a wallet as a reader would put it together from the tables. */
  head(walletId: bigint): WalletHead | undefined {
    const wallet = this.wallets.get(walletId);
    if (wallet === undefined) return undefined;
    const grants: Grant[] = [];
    for (const { walletId: owner, amount: _, ...grant } of this.grants.values()) {
      if (owner === walletId && grant.remaining > 0n) grants.push(grant);
    }
    const residue = this.flaw === 'forgets_residue' ? 0n : wallet.residue;
    let held = 0n;
    if (this.flaw !== 'forgets_holds') {
      for (const hold of this.holds.values()) if (hold.walletId === walletId) held += reservedBy(hold);
    }
    return { ...wallet, residue, held, grants: grants.sort(compareGrants) };
  }

  saveHead({ grants: _, held: __, ...wallet }: WalletHead): void {
    this.wallets.set(wallet.walletId, wallet);
  }

  /** Refuses a key that a row of the same table has, as a unique index would. */
  refuseTaken(table: ReadonlyMap<string, unknown>, keys: readonly EventKey[]): void {
    if (this.flaw === 'has_no_index') return;
    const seen = new Set<string>();
    for (const key of keys) {
      const text = formatEventKey(key);
      if (table.has(text) || seen.has(text)) throw new KeyTakenError(`duplicate key ${text}`);
      seen.add(text);
    }
  }

  /** Counts a change that the lane's writer has to notice. */
  noteChange(lane: StoredLane, walletId: bigint): void {
    lane.changeNo += 1n;
    lane.changes.push({ changeNo: lane.changeNo, walletId });
  }

  /** Takes burns out of the grants' rows. */
  burn(
    place: { readonly lane: number; readonly batchNo: number },
    burns: readonly { readonly grantId: string; readonly amount: bigint; readonly remaining: bigint }[],
  ): void {
    if (this.flaw === 'loses_burns') return;
    for (const { grantId, amount, remaining } of burns) {
      const grant = this.grants.get(grantId);
      if (grant === undefined) throw new Error(`there is no grant ${grantId}`);
      this.grants.set(grantId, { ...grant, remaining });
      this.burns.push([place.lane, place.batchNo, grantId, amount].join(' '));
    }
  }
}
