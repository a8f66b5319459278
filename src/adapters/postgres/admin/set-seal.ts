import { type ContraTotal, headerHash, linkAfter, recordsHash } from '../../../domain/ledger/chain/batch-link.ts';
import { batchTree } from '../batch-root.ts';
import type { EncodableEntry } from '../copy-entries.ts';
import type { ChangeSeal } from './change-chain.ts';

/** The parts of a set that its seal covers. */
export interface SealedSet {
  readonly tenant: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly contra: readonly ContraTotal[];
  /** Action, subject and detail of its line in the audit log, as they are stored. */
  readonly audit: readonly [action: string, subject: string, detail: string];
  /** In order of wallet and number. */
  readonly entries: readonly EncodableEntry[];
  /** The same as COPY takes them. */
  readonly copyBytes: Buffer;
}

/** The lane's chain after a set: a batch like a change of one wallet, with a leaf of its tree for each wallet. */
export function sealSet(
  previous: Buffer,
  place: { readonly lane: number; readonly batchNo: bigint; readonly epoch: bigint; readonly atMs: number },
  { tenant, actor, reason, contra, audit, entries, copyBytes }: SealedSet,
): ChangeSeal {
  const { lane, batchNo, epoch, atMs } = place;
  const { root, walletIds } = batchTree(entries, copyBytes);
  const wallets = walletIds.length;
  const records = recordsHash([['audit', tenant, actor, ...audit]]);
  const chain = linkAfter(previous, {
    root,
    place: { lane, batchNo, kind: 'set', postedAtMs: atMs, wallets },
    headerHash: headerHash({
      epoch,
      events: 0,
      posted: 0,
      duplicate: 0,
      quarantined: 0,
      priced: 0n,
      rulesetHash: null,
      idempotencyKey: null,
      requestHash: null,
      actor,
      reason,
      contra,
      factsHash: null,
      recordsHash: records,
    }),
  });
  return { chain, root, wallets, recordsHash: records };
}
