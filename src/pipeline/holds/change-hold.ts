import { AppError } from '../../errors.ts';
import type { AdminStore, AdminTransaction } from '../admin/admin-store.ts';
import { settleBreakage } from '../admin/expire-credit.ts';
import { captureRecord } from './capture-record.ts';
import { type HoldAnswer, refuse } from './hold-answer.ts';
import type { HoldRequest } from './hold-request.ts';
import { judgeHold } from './judge-hold.ts';
import { operationOf } from './operation-of.ts';

/**
 * Carries a request out on the direct path, under the lane's fence, for whoever has no lane: commands, processes that do
 * not own the lane, and every capture. A capture posts money: here it becomes a ledger transaction of its own in the
 * lane's chain, which the lane's writer learns of like of any change by a person.
 */
export async function changeHold(
  store: Pick<AdminStore, 'transact'>,
  request: HoldRequest,
  options: { readonly overdraftNanos: bigint; readonly dryRun?: boolean },
): Promise<HoldAnswer> {
  const { walletId, shard, nowMs } = request;
  try {
    return await store.transact({ walletId, shard, nowMs, dryRun: options.dryRun === true }, (transaction) =>
      change(transaction, { ...request, nowMs: transaction.atMs }, options.overdraftNanos),
    );
  } catch (error) {
    if (error instanceof AppError && error.code === 'IDEMPOTENCY_CONFLICT') return refuse(error.code, error.message);
    throw error;
  }
}

async function change(transaction: AdminTransaction, request: HoldRequest, overdraft: bigint): Promise<HoldAnswer> {
  const found = await transaction.wallet();
  const wallet = found === undefined ? undefined : await settleBreakage(transaction, found);
  const [stored] = await transaction.holds.find([request]);
  const verdict = judgeHold(request, wallet, stored, overdraft);
  const { answer, hold, isNew = false, change: debit } = verdict;
  if (hold === undefined) return answer;
  if (debit !== undefined) {
    await transaction.write(captureRecord(debit, hold, request, transaction.atMs));
  } else {
    await transaction.noteChange();
  }
  const operation = operationOf(request, answer, isNew);
  const taken = await transaction.holds.write([{ hold, isNew }], operation === undefined ? [] : [operation]);
  if (taken.size === 0) return answer;
  throw new AppError('IDEMPOTENCY_CONFLICT', `The hold id ${JSON.stringify(hold.holdId)} is taken by another wallet.`);
}
