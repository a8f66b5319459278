import type { Hold } from '../../domain/ledger/hold.ts';

/** A hold, and one of the keys its requests may carry. */
export interface HoldReference {
  readonly tenant: string;
  readonly holdId: string;
  readonly key: string;
}

/** What is stored under a reference. */
export interface StoredHold {
  readonly hold: Hold;
  /** The answer that was given under the key of the reference. */
  readonly answered: { readonly key: string; readonly hash: string; readonly result: unknown } | undefined;
}

/** A hold as a database transaction leaves it. */
export interface HoldWrite {
  readonly hold: Hold;
  readonly isNew: boolean;
}

/** One answered request, kept so that the same key is answered the same way. */
export interface HoldOperation extends HoldReference {
  readonly hash: string;
  readonly operation: 'place' | 'extend' | 'capture' | 'release';
  readonly result: unknown;
  readonly actor: string;
  readonly reason: string | null;
  readonly atMs: number;
  /** The request placed the hold in this very transaction, so it counts only if the hold could be inserted. */
  readonly isOfNewHold: boolean;
}

/** The holds inside one database transaction that has the fence of their lane. */
export interface HoldRows {
  readonly find: (references: readonly HoldReference[]) => Promise<readonly StoredHold[]>;
  /** Writes holds and answers; returns the ids of new holds whose id a wallet of another lane has taken. */
  readonly write: (holds: readonly HoldWrite[], operations: readonly HoldOperation[]) => Promise<ReadonlySet<string>>;
}

/** One name for a hold among those of all tenants. */
export function holdName({ tenant, holdId }: Pick<HoldReference, 'tenant' | 'holdId'>): string {
  return `${tenant}\u0000${holdId}`;
}
