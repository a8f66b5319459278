import { writeEventKey } from '../../domain/events/event-key.ts';
import type { EntryRow } from '../../pipeline/lane/batch-record.ts';
import { viewOf, writeInt64, writeSafeInt64, writeTimestamp } from './binary-array.ts';

/** Columns of the entry table in the order the binary rows carry them. */
export const ENTRY_COLUMNS =
  'event_key, wallet_id, seq, amount, balance_after, event_time, content_hash, batch_no, lane, kind';

/** The statement that takes what `encodeEntries` makes. */
export const COPY_ENTRIES = `copy entry (${ENTRY_COLUMNS}) from stdin (format binary)`;

// PostgreSQL's binary COPY format: a signature, flags and extension length, then tuples, then −1.
// https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
const SIGNATURE = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex');
const FIELD_SIZES = [16, 8, 8, 8, 8, 8, 8, 8, 2, 2] as const;
const ROW_BYTES = 2 + FIELD_SIZES.reduce((sum, size) => sum + 4 + size, 0);

/** Where the rows begin in what `encodeEntries` makes, and how long each is: the batch's tree is made of them. */
export const ENTRY_ROWS_AT = SIGNATURE.length;
export const ENTRY_ROW_BYTES = ROW_BYTES;

/** A row with every length prefix in place, so that encoding a batch is one fill and ten writes a row. */
const TEMPLATE = makeTemplate();
const OFFSETS = FIELD_SIZES.map((_, index) => FIELD_SIZES.slice(0, index).reduce((sum, size) => sum + 4 + size, 6));

function makeTemplate(): Buffer {
  const row = Buffer.alloc(ROW_BYTES);
  row.writeInt16BE(FIELD_SIZES.length, 0);
  let offset = 2;
  for (const size of FIELD_SIZES) {
    row.writeInt32BE(size, offset);
    offset += 4 + size;
  }
  return row;
}

/** What of an entry is stored. */
export type EncodableEntry = Omit<EntryRow, 'wallet'> & { readonly wallet: Pick<EntryRow['wallet'], 'walletId'> };

/** The exact bytes sent to `COPY entry FROM STDIN (FORMAT binary)`; the lane's hash chain covers the rows. */
export function encodeEntries(entries: readonly EncodableEntry[], batchNo: number, lane: number): Buffer {
  const bytes = Buffer.allocUnsafe(SIGNATURE.length + entries.length * ROW_BYTES + 2);
  SIGNATURE.copy(bytes);
  const [
    oKey = 0,
    oWallet = 0,
    oSeq = 0,
    oAmount = 0,
    oBalance = 0,
    oTime = 0,
    oHash = 0,
    oBatch = 0,
    oLane = 0,
    oKind = 0,
  ] = OFFSETS;
  const view = viewOf(bytes);
  bytes.fill(TEMPLATE, SIGNATURE.length, bytes.length - 2);
  let row = SIGNATURE.length;
  for (const entry of entries) {
    writeEventKey(entry.key, view, row + oKey);
    writeInt64(entry.wallet.walletId, view, row + oWallet);
    writeInt64(entry.seq, view, row + oSeq);
    writeInt64(entry.amount, view, row + oAmount);
    writeInt64(entry.balanceAfter, view, row + oBalance);
    writeTimestamp(entry.key.timeMs, view, row + oTime);
    writeInt64(entry.contentHash, view, row + oHash);
    writeSafeInt64(batchNo, view, row + oBatch);
    view.setInt16(row + oLane, lane);
    view.setInt16(row + oKind, entry.kind);
    row += ROW_BYTES;
  }
  view.setInt16(row, -1);
  return bytes;
}
