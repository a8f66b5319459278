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
  const places = new Map<bigint, number>();
  const placed = entries.map(({ wallet: { walletId } }) => {
    const known = places.get(walletId);
    const place = known ?? places.size;
    if (known === undefined) places.set(walletId, place);
    return { place };
  });
  const wallets = [...places.keys()].map((walletId) => ({ walletId }));
  return placedTree(placed, wallets, walletOrder(wallets), copyBytes);
}

/**
 * The same tree of a batch that knows which wallet each entry is of.
 *
 * @param wallets what the places of the entries are in; those without an entry have no leaf.
 * @param order their places by ascending wallet id.
 */
export function placedTree(
  entries: readonly { readonly place: number }[],
  wallets: readonly { readonly walletId: bigint }[],
  order: Uint32Array,
  copyBytes: Buffer,
): BatchTree {
  const counts = new Int32Array(wallets.length);
  const last = new Int32Array(wallets.length);
  const before = new Int32Array(entries.length);
  for (let row = 0; row < entries.length; row++) {
    const place = entries[row]?.place ?? 0;
    before[row] = last[place] ?? 0;
    last[place] = row;
    counts[place] = (counts[place] ?? 0) + 1;
  }
  const walletIds = new BigInt64Array(wallets.length);
  const leaves: string[] = [];
  let scratch = Buffer.allocUnsafe(0);
  for (const place of order) {
    const count = counts[place] ?? 0;
    if (count === 0) continue;
    walletIds[leaves.length] = wallets[place]?.walletId ?? 0n;
    let row = last[place] ?? 0;
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
  return { root: treeRoot(leaves), leaves, walletIds: walletIds.subarray(0, leaves.length) };
}

/** Places that one number holds beside the upper half of an id. */
const PLACES_MAX = 0x10_0000;

/**
 * Places of wallets by ascending id. The upper halves of the ids are sorted as numbers, each with its place, by the engine
 * itself: a comparison function over BigInt would cost more than all hashes of the batch.
 */
export function walletOrder(wallets: readonly { readonly walletId: bigint }[]): Uint32Array {
  const idAt = (place: number) => wallets[place]?.walletId ?? 0n;
  const order = new Uint32Array(wallets.length);
  if (wallets.length > PLACES_MAX) {
    const places = Array.from(order, (_, place) => place);
    return Uint32Array.from(places.sort((left, right) => (idAt(left) < idAt(right) ? -1 : 1)));
  }
  const ids = new DataView(new ArrayBuffer(8));
  const keys = new Float64Array(wallets.length);
  for (let place = 0; place < wallets.length; place++) {
    ids.setBigInt64(0, idAt(place));
    keys[place] = ids.getInt32(0) * PLACES_MAX + place;
  }
  keys.sort();
  for (let rank = 0; rank < keys.length; rank++) {
    const key = keys[rank] ?? 0;
    const place = key - Math.floor(key / PLACES_MAX) * PLACES_MAX;
    // Ids that begin alike stand by their places so far; each moves to where the whole of it belongs.
    let to = rank;
    for (; to > 0 && idAt(order[to - 1] ?? 0) > idAt(place); to--) order[to] = order[to - 1] ?? 0;
    order[to] = place;
  }
  return order;
}
