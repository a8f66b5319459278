import { parseWholeNumber } from './whole-number.ts';

/** Columns of an archive file, in order: those of the table `entry`, then the wallet's currency. */
export const ARCHIVE_COLUMNS = [
  'event_key',
  'wallet_id',
  'seq',
  'amount',
  'balance_after',
  'event_time',
  'content_hash',
  'batch_no',
  'lane',
  'kind',
  'currency',
] as const;

/** One entry as a line of an archive file gives it. Amounts are nano-units of `currency`. */
export interface ArchivedEntry {
  readonly eventKey: string;
  readonly walletId: bigint;
  readonly seq: bigint;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly contentHash: bigint;
  readonly batchNo: bigint;
  readonly lane: number;
  readonly kind: number;
  readonly currency: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The entry on a line of text COPY; undefined when the line is not one. No value of an entry needs escaping. */
export function parseEntryLine(line: string): ArchivedEntry | undefined {
  const cells = line.split('\t');
  if (cells.length !== ARCHIVE_COLUMNS.length) return undefined;
  const [eventKey = '', wallet, seq, amount, balance, time = '', hash, batch, lane, kind, currency = ''] = cells;
  const numbers = [wallet, seq, amount, balance, hash, batch, lane, kind].map(parseWholeNumber);
  const [walletId, seqNo, amountNanos, balanceAfter, contentHash, batchNo, laneNo, kindNo] = numbers;
  if (
    walletId === undefined ||
    seqNo === undefined ||
    amountNanos === undefined ||
    balanceAfter === undefined ||
    contentHash === undefined ||
    batchNo === undefined ||
    laneNo === undefined ||
    kindNo === undefined ||
    !UUID.test(eventKey) ||
    !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.test(time) ||
    !/^[A-Z]{3}$/.test(currency)
  ) {
    return undefined;
  }
  return {
    eventKey,
    walletId,
    seq: seqNo,
    amount: amountNanos,
    balanceAfter,
    contentHash,
    batchNo,
    lane: Number(laneNo),
    kind: Number(kindNo),
    currency,
  };
}
