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
  const counts: number[] = [];
  const last: number[] = [];
  const before = new Int32Array(entries.length);
  for (let row = 0; row < entries.length; row++) {
    const walletId = entries[row]?.wallet.walletId ?? 0n;
    const slot = slots.get(walletId);
    if (slot === undefined) {
      slots.set(walletId, counts.length);
      counts.push(1);
      last.push(row);
    } else {
      before[row] = last[slot] ?? 0;
      counts[slot] = (counts[slot] ?? 0) + 1;
      last[slot] = row;
    }
  }
  // Sorted as numbers by the engine itself: a comparison function over BigInt would cost more than the hashes.
  const walletIds = BigInt64Array.from(slots.keys()).sort();
  const leaves: string[] = [];
  for (let leaf = 0; leaf < walletIds.length; leaf++) {
    const slot = slots.get(walletIds[leaf] ?? 0n) ?? 0;
    leaves.push(leafHash(rowsOf(copyBytes, last[slot] ?? 0, counts[slot] ?? 0, before)));
  }
  return { root: treeRoot(leaves), leaves, walletIds };
}

function rowsOf(copyBytes: Buffer, lastRow: number, count: number, before: Int32Array): Buffer {
  const at = (row: number) => ENTRY_ROWS_AT + row * ENTRY_ROW_BYTES;
  // Most wallets of a wide batch have one row: no copy.
  if (count === 1) return copyBytes.subarray(at(lastRow), at(lastRow + 1));
  const rows = Buffer.allocUnsafe(count * ENTRY_ROW_BYTES);
  let row = lastRow;
  for (let index = count - 1; index >= 0; index--) {
    copyBytes.copy(rows, index * ENTRY_ROW_BYTES, at(row), at(row + 1));
    row = before[row] ?? 0;
  }
  return rows;
}
