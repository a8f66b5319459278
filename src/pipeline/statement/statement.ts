import type { JsonValue } from '../../domain/events/usage-event.ts';
import type { ProofNodes } from '../../domain/ledger/chain/merkle.ts';
import type { WalletReference } from '../admin/admin-store.ts';

/** One entry as a customer reads it. Amounts are nano-units. */
export interface StatementEntry {
  readonly sequence: bigint;
  readonly postedAtMs: number;
  readonly occurredAtMs: number;
  readonly kind: string;
  readonly kindCode: number;
  /** The event's id, or the key of the request that made the entry. */
  readonly eventId: string | null;
  readonly source: string | null;
  readonly meter: string | null;
  readonly quantity: string | null;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  /** Who made an administrative change, and why; null for usage. */
  readonly actor: string | null;
  readonly reason: string | null;
  readonly lane: number;
  readonly batchNo: bigint;
  readonly eventKey: string;
  readonly contentHash: bigint;
  /** The rest of what the content hash covers, when the event is stored. */
  readonly event: {
    readonly sequence: number | null;
    readonly properties: { readonly [key: string]: JsonValue } | null;
  } | null;
}

/** Where a wallet stood. */
export interface StatementPoint {
  /** Number of its last entry by then; 0 before the first. */
  readonly sequence: bigint;
  readonly balance: bigint;
}

/** Whose entries, and between which times of posting: from inclusive, to exclusive. */
export interface StatementRequest {
  readonly wallet: WalletReference;
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
}

export interface StatementWallet {
  readonly walletId: bigint;
  readonly tenant: string;
  readonly account: string;
  readonly currency: string;
}

/** A statement without its entries, which are handed over a page at a time. */
export interface StatementSummary {
  readonly wallet: StatementWallet;
  readonly opening: StatementPoint;
  readonly closing: StatementPoint;
  /** Entries that belong to it and are in archive files that are not here. */
  readonly away: readonly AwayDay[];
}

/** Entries of an archived day whose file is not here. */
export interface AwayDay {
  /** `2026-03-02` */
  readonly day: string;
  readonly entries: number;
}

/** One kind's share of a statement. */
export interface KindTotal {
  readonly kind: string;
  readonly entries: number;
  readonly amount: bigint;
}

/** Adds entries up by kind, in the order the kinds appear. */
export class KindTotals {
  readonly #totals = new Map<string, { entries: number; amount: bigint }>();

  add({ kind, amount }: Pick<StatementEntry, 'kind' | 'amount'>): void {
    const total = this.#totals.get(kind) ?? { entries: 0, amount: 0n };
    total.entries++;
    total.amount += amount;
    this.#totals.set(kind, total);
  }

  list(): readonly KindTotal[] {
    return [...this.#totals].map(([kind, total]) => ({ kind, ...total }));
  }
}

/** What shows that a batch with entries of the wallet is part of its lane. */
export interface BatchProof {
  readonly lane: number;
  readonly batchNo: bigint;
  readonly kind: string;
  readonly postedAtMs: number;
  /** Leaves of the batch's tree, and the wallet's place among them. */
  readonly wallets: number;
  readonly index: number;
  readonly nodes: ProofNodes;
  readonly headerHash: Buffer;
  /** The lane's link before the batch. */
  readonly previous: Buffer;
}

/** Shows that entries are part of the ledger whose head was published, and tells nothing of other accounts. */
export interface StatementProof {
  /** Heads of all lanes as `lane:batches:root`. */
  readonly heads: readonly string[];
  readonly batches: readonly BatchProof[];
  /** Per lane, the nodes of its tree that the batches do not lead to themselves. */
  readonly lanes: ReadonlyMap<number, ProofNodes>;
}

/** The balance of a wallet at a time of posting. */
export interface BalanceAt {
  readonly wallet: StatementWallet;
  readonly point: StatementPoint;
  /** When the entry that made it was posted; null before the first. */
  readonly postedAtMs: number | null;
}

/** A line of the audit log. */
export interface AuditLine {
  readonly auditId: bigint;
  readonly atMs: number;
  readonly tenant: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly account: string | null;
  readonly reason: string | null;
  readonly key: string | null;
  readonly lane: number | null;
  readonly batchNo: bigint | null;
  /** As it was stored. */
  readonly detail: unknown;
}

/** What is read of one account's past. */
export interface History {
  /** Hands the entries over in order and returns where the wallet stood before and after them. */
  readonly statement: (
    request: StatementRequest,
    onEntries: (entries: readonly StatementEntry[]) => void,
  ) => Promise<StatementSummary>;
  /** Proves entries of one wallet against heads that were published, or against the ledger as it is now. */
  readonly prove: (
    walletId: bigint,
    batches: readonly { readonly lane: number; readonly batchNo: bigint }[],
    heads: readonly string[] | undefined,
  ) => Promise<StatementProof>;
  /** Heads of all lanes as they are now. */
  readonly heads: () => Promise<readonly string[]>;
  readonly balanceAt: (wallet: WalletReference, atMs: number | undefined) => Promise<BalanceAt>;
  /** A wallet's entries, the newest first, before the given number. */
  readonly entries: (
    wallet: WalletReference,
    page: { readonly before: bigint | undefined; readonly limit: number },
  ) => Promise<{
    readonly wallet: StatementWallet;
    readonly entries: readonly StatementEntry[];
    /** Among these and older ones: entries in archive files that are not here. */
    readonly away: readonly AwayDay[];
  }>;
  readonly audit: (filter: {
    readonly tenant: string;
    readonly account: string | undefined;
    readonly actor: string | undefined;
    readonly sinceMs: number | undefined;
    readonly before: bigint | undefined;
    readonly limit: number;
  }) => Promise<readonly AuditLine[]>;
}
