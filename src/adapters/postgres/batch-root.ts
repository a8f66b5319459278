import { leafHash, treeRoot } from '../../domain/ledger/chain/merkle.ts';
import { ENTRY_ROW_BYTES, ENTRY_ROWS_AT } from './copy-entries.ts';

/** The tree over a batch's entries. */
export interface BatchTree {
  readonly root: Buffer;
  /** Leaf hashes by ascending wallet id, as `leafHash` gives them. */
  readonly leaves: readonly string[];
  readonly walletIds: BigInt64Array;
}

/**
 * The tree over a batch's entries: a leaf is SHA-256 over all rows of one wallet as COPY takes them, in lane order, which is
 * their sequence. One leaf a wallet instead of one an entry: a busy wallet costs one hash, and a statement needs just that.
 */
export function batchTree(
  entries: readonly { readonly wallet: { readonly walletId: bigint } }[],
  copyBytes: Buffer,
): BatchTree {
  const slots = new Map<bigint, number>();
  const counts = new Int32Array(entries.length);
  const last = new Int32Array(entries.length);
  const before = new Int32Array(entries.length);
  for (let row = 0; row < entries.length; row++) {
    const walletId = entries[row]?.wallet.walletId ?? 0n;
    let slot = slots.get(walletId);
    if (slot === undefined) {
      slot = slots.size;
      slots.set(walletId, slot);
    } else before[row] = last[slot] ?? 0;
    counts[slot] = (counts[slot] ?? 0) + 1;
    last[slot] = row;
  }
  // Sorted as numbers by the engine itself: a comparison function over BigInt would cost more than the hashes.
  const walletIds = BigInt64Array.from([...slots.keys()]).sort();
  const leaves: string[] = [];
  let scratch = Buffer.allocUnsafe(0);
  for (const walletId of walletIds) {
    const slot = slots.get(walletId) ?? 0;
    const count = counts[slot] ?? 0;
    let row = last[slot] ?? 0;
    let at = ENTRY_ROWS_AT + row * ENTRY_ROW_BYTES;
    // Most wallets of a wide batch have one row: no copy.
    if (count === 1) {
      leaves.push(leafHash(copyBytes.subarray(at, at + ENTRY_ROW_BYTES)));
      continue;
    }
    const bytes = count * ENTRY_ROW_BYTES;
    if (scratch.length < bytes) scratch = Buffer.allocUnsafe(bytes);
    for (let to = bytes - ENTRY_ROW_BYTES; to >= 0; to -= ENTRY_ROW_BYTES) {
      copyBytes.copy(scratch, to, at, at + ENTRY_ROW_BYTES);
      row = before[row] ?? 0;
      at = ENTRY_ROWS_AT + row * ENTRY_ROW_BYTES;
    }
    leaves.push(leafHash(scratch.subarray(0, bytes)));
  }
  return { root: treeRoot(leaves), leaves, walletIds };
}
