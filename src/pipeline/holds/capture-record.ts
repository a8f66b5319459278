import type { Hold } from '../../domain/ledger/hold.ts';
import type { WalletChange } from '../../domain/ledger/wallet-change.ts';
import type { ChangeRecord } from '../admin/admin-store.ts';
import { recordOf } from '../admin/change-record.ts';
import type { HoldRequest } from './hold-request.ts';

/** The ledger transaction of a capture, as it is written whoever carries it out. */
export function captureRecord(
  debit: WalletChange,
  hold: Hold,
  request: Pick<HoldRequest, 'key' | 'actor' | 'reason'>,
  atMs: number,
): ChangeRecord {
  const detail = { hold: hold.holdId, key: request.key, amount: hold.captured, held: hold.amount };
  return recordOf(debit, request, { request: undefined, detail, atMs, because: '' });
}
