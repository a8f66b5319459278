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
  const encoder = new EntryEncoder(entries.length, batchNo, lane);
  encoder.append(entries, 0);
  return encoder.finish();
}

/** What follows the last row. */
export const COPY_TRAILER_BYTES = 2;
const OVERHEAD_BYTES = SIGNATURE.length + COPY_TRAILER_BYTES;

/** Encodes a batch's entries as they are made. What was given out stays as it is while more are appended. */
export class EntryEncoder {
  readonly #batchNo: number;
  readonly #lane: number;
  #bytes: Buffer;
  #view: DataView;
  #end = SIGNATURE.length;
  #given = 0;

  /** @param rows how many to make room for; more find theirs. */
  constructor(rows: number, batchNo: number, lane: number) {
    this.#batchNo = batchNo;
    this.#lane = lane;
    this.#bytes = Buffer.allocUnsafe(OVERHEAD_BYTES + rows * ROW_BYTES);
    this.#view = viewOf(this.#bytes);
    SIGNATURE.copy(this.#bytes);
  }

  /** Appends the entries from an index on and returns their bytes, after the signature when they are the first. */
  append(entries: readonly EncodableEntry[], from: number): Buffer {
    const start = this.#given;
    const end = this.#end + (entries.length - from) * ROW_BYTES;
    const bytesMin = end + COPY_TRAILER_BYTES;
    if (bytesMin > this.#bytes.length) this.#grow(bytesMin);
    this.#bytes.fill(TEMPLATE, this.#end, end);
    const view = this.#view;
    for (let index = from, row = this.#end; row < end; index++, row += ROW_BYTES) {
      const entry = entries[index];
      if (entry !== undefined) writeRow(entry, this.#batchNo, this.#lane, view, row);
    }
    this.#end = end;
    this.#given = end;
    return this.#bytes.subarray(start, end);
  }

  /** Everything: signature, rows and the end. */
  finish(): Buffer {
    this.#view.setInt16(this.#end, -1);
    return this.#bytes.subarray(0, this.#end + COPY_TRAILER_BYTES);
  }

  #grow(bytesMin: number): void {
    const larger = Buffer.allocUnsafe(Math.max(bytesMin, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}

const [
  KEY_AT = 0,
  WALLET_AT = 0,
  SEQ_AT = 0,
  AMOUNT_AT = 0,
  BALANCE_AT = 0,
  TIME_AT = 0,
  HASH_AT = 0,
  BATCH_AT = 0,
  LANE_AT = 0,
  KIND_AT = 0,
] = OFFSETS;

function writeRow(entry: EncodableEntry, batchNo: number, lane: number, view: DataView, row: number): void {
  writeEventKey(entry.key, view, row + KEY_AT);
  writeInt64(entry.wallet.walletId, view, row + WALLET_AT);
  writeInt64(entry.seq, view, row + SEQ_AT);
  writeInt64(entry.amount, view, row + AMOUNT_AT);
  writeInt64(entry.balanceAfter, view, row + BALANCE_AT);
  writeTimestamp(entry.key.timeMs, view, row + TIME_AT);
  writeInt64(entry.contentHash, view, row + HASH_AT);
  writeSafeInt64(batchNo, view, row + BATCH_AT);
  view.setInt16(row + LANE_AT, lane);
  view.setInt16(row + KIND_AT, entry.kind);
}
