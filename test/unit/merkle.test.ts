import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batchTree } from '../../src/adapters/postgres/batch-root.ts';
import { ENTRY_ROW_BYTES, ENTRY_ROWS_AT, encodeEntries } from '../../src/adapters/postgres/copy-entries.ts';
import { eventKeyOf } from '../../src/domain/events/event-key.ts';
import { entryBytes, walletLeaf } from '../../src/domain/ledger/chain/entry-bytes.ts';
import { leafHash, rootFrom, TreeReader, treeRoot } from '../../src/domain/ledger/chain/merkle.ts';
import { formatLaneHead, headHash, parseLaneHead } from '../../src/domain/ledger/chain/published-head.ts';
import { ENTRY_KIND } from '../../src/domain/ledger/wallet.ts';

const leavesOf = (size: number) => Array.from({ length: size }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
const bytesOf = (leaf: string | undefined) => Buffer.from(leaf ?? '', 'latin1');

function read(leaves: readonly string[], wanted: readonly number[]) {
  const reader = new TreeReader(wanted);
  for (const leaf of leaves) reader.push(bytesOf(leaf));
  return reader.finish();
}

describe('a tree of hashes', () => {
  test('has one root, whether it is read leaf by leaf or made at once', () => {
    for (let size = 0; size < 300; size++) {
      const leaves = leavesOf(size);
      expect(read(leaves, []).root.equals(treeRoot(leaves)), String(size)).toBe(true);
    }
  });

  test('has another root when one leaf differs, is missing, is added, or two change places', () => {
    const leaves = leavesOf(23);
    const others = [
      leaves.with(7, leafHash(Buffer.of(1))),
      leaves.slice(1),
      leaves.slice(0, -1),
      [...leaves, leaves[0] ?? ''],
    ];
    const swapped = leaves.with(3, leaves[4] ?? '').with(4, leaves[3] ?? '');
    for (const other of [...others, swapped]) expect(treeRoot(other).equals(treeRoot(leaves))).toBe(false);
  });

  test('proves any of its leaves with few nodes, and nothing with one leaf changed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), fc.infiniteStream(fc.nat()), (size, picks) => {
        const wanted = [...new Set([...picks.take(1 + (size % 9))].map((pick) => pick % size))];
        const leaves = leavesOf(size);
        const { root, nodes } = read(leaves, wanted);
        const proven = new Map(wanted.map((index) => [index, bytesOf(leaves[index])]));
        expect(rootFrom({ size, leaves: proven, nodes })?.equals(root)).toBe(true);
        expect(nodes.size).toBeLessThanOrEqual(wanted.length * 3 * Math.ceil(Math.log(size + 1) / Math.log(4) + 1));
        const [first = 0] = wanted;
        proven.set(first, bytesOf(leafHash(Buffer.of(9))));
        expect(rootFrom({ size, leaves: proven, nodes })?.equals(root)).toBe(false);
      }),
      { seed: 20_261_123, numRuns: 150 },
    );
  });

  test('proves no leaf that its root does not need', () => {
    const leaves = leavesOf(40);
    const { root } = read(leaves, [5]);
    const given = new Map([[5, bytesOf(leaves[5])]]);
    expect(rootFrom({ size: 40, leaves: given, nodes: new Map([['3.0', root]]) })).toBeUndefined();
    expect(rootFrom({ size: 40, leaves: given, nodes: new Map() })).toBeUndefined();
  });
});

test('a wallet leaf is the hash of its rows as COPY takes them, and leaves stand in the order of wallet ids', () => {
  const ids = [9n, 2n, 9n, 2n ** 62n, 9n];
  const entries = ids.map((walletId, index) => ({
    key: eventKeyOf({ tenant: 't', source: 's', id: String(index), occurredAtMs: 1_700_000_000_000 + index }),
    wallet: { walletId },
    seq: BigInt(index + 1),
    amount: -5n * BigInt(index),
    balanceAfter: -(2n ** 60n),
    contentHash: -7n,
    kind: ENTRY_KIND.usage,
  }));
  const bytes = encodeEntries(entries, 12, 3);
  const stored = entries.map(({ wallet, ...entry }) => ({ ...entry, ...wallet, batchNo: 12n, lane: 3 }));
  for (const [index, entry] of stored.entries()) {
    const at = ENTRY_ROWS_AT + index * ENTRY_ROW_BYTES;
    expect(entryBytes(entry).equals(bytes.subarray(at, at + ENTRY_ROW_BYTES))).toBe(true);
    // A leaf begins with 0x00 and an inner node with 0x01, so neither passes for the other.
    expect(bytes[at]).toBe(0);
  }
  const tree = batchTree(entries, bytes);
  expect([...tree.walletIds]).toEqual([2n, 9n, 2n ** 62n]);
  const leaves = [2n, 9n, 2n ** 62n].map((id) => walletLeaf(stored.filter(({ walletId }) => walletId === id)));
  expect(tree.leaves.map(bytesOf)).toEqual(leaves);
});

test('a published head is read as it was written, and one hash stands for all lanes in their order', () => {
  const heads = [0, 1].map((lane) => formatLaneHead({ lane, batches: 5 + lane, root: treeRoot(leavesOf(5 + lane)) }));
  expect(heads.map((text) => parseLaneHead(text)?.batches)).toEqual([5, 6]);
  expect(headHash(heads)).not.toBe(headHash(heads.toReversed()));
  for (const text of ['', '0:1:ab', '-1:1:'.padEnd(69, '0'), `0:1:${'g'.repeat(64)}`])
    expect(parseLaneHead(text)).toBeUndefined();
});
