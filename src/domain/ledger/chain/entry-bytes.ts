import { hash } from 'node:crypto';
import { type EventKey, writeEventKey } from '../../events/event-key.ts';

/** An entry with everything that its row says. Amounts are nano-units. */
export interface StoredEntry {
  readonly key: EventKey;
  readonly walletId: bigint;
  readonly seq: bigint;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly contentHash: bigint;
  readonly batchNo: bigint;
  readonly lane: number;
  readonly kind: number;
}

/** PostgreSQL counts microseconds from 2000-01-01. */
const EPOCH_2000_MS = 946_684_800_000n;
const ROW_BYTES = 118;

/**
 * The entry's row as binary COPY carries it: the number of columns (10) in two bytes, then each column after its length in
 * four. It begins with 0x00, as leaves do. The lane's writer makes the same bytes a batch at a time.
 */
export function entryBytes(entry: StoredEntry): Buffer {
  const bytes = Buffer.alloc(ROW_BYTES);
  bytes.writeInt16BE(10, 0);
  let at = 2;
  const column = (size: number): number => {
    bytes.writeInt32BE(size, at);
    at += 4 + size;
    return at - size;
  };
  writeEventKey(entry.key, new DataView(bytes.buffer, bytes.byteOffset, ROW_BYTES), column(16));
  bytes.writeBigInt64BE(entry.walletId, column(8));
  bytes.writeBigInt64BE(entry.seq, column(8));
  bytes.writeBigInt64BE(entry.amount, column(8));
  bytes.writeBigInt64BE(entry.balanceAfter, column(8));
  bytes.writeBigInt64BE((BigInt(entry.key.timeMs) - EPOCH_2000_MS) * 1_000n, column(8));
  bytes.writeBigInt64BE(entry.contentHash, column(8));
  bytes.writeBigInt64BE(entry.batchNo, column(8));
  bytes.writeInt16BE(entry.lane, column(2));
  bytes.writeInt16BE(entry.kind, column(2));
  return bytes;
}

/** A wallet's leaf in the tree of a batch: SHA-256 over its rows in the batch, by sequence. */
export function walletLeaf(rows: readonly StoredEntry[]): Buffer {
  return hash('sha256', Buffer.concat(rows.map(entryBytes)), 'buffer');
}
