import { correctionKeys } from '../../domain/events/correction-key.ts';
import { formatEventKey } from '../../domain/events/event-key.ts';
import { correctCharge } from '../../domain/ledger/correct-charge.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { formatMoney, NANOS_MAX } from '../../domain/money/nanos.ts';
import { chargeFor } from '../../domain/money/price.ts';
import type { Quantity } from '../../domain/money/quantity.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore, AdminTransaction } from './admin-store.ts';
import { recordOf, walletOutcome } from './change-record.ts';
import { type CorrectionOutcome, correctionResultSchema } from './correction-results.ts';
import type { PostedUsage, StoredCorrection } from './correction-store.ts';
import { settleBreakage } from './expire-credit.ts';
import { type ReleaseRound, releaseRound } from './release-round.ts';
import { type AdminRequest, answeredBefore, requestHash } from './request.ts';

/** What the event should have been: nothing at all, another quantity, or another charge in nano-units. */
export type CorrectTo =
  | { readonly kind: 'void' }
  | { readonly kind: 'quantity'; readonly quantity: Quantity }
  | { readonly kind: 'amount'; readonly amount: bigint };

export interface CorrectEventRequest extends AdminRequest {
  /** Found by `findPostedEvent`. */
  readonly event: PostedUsage;
  readonly to: CorrectTo;
  readonly ruleset: Pick<Ruleset, 'hash' | 'pricing' | 'overdraftNanos'>;
  readonly reason: string;
}

type Answer = CorrectionOutcome & { readonly isRepeated: boolean };

/** A quarter of the range, as for charges of usage: a sum of a few can never overflow. */
const CHARGE_MAX = NANOS_MAX / 4n;

/**
 * Voids a posted event or amends it, as often as needed until it is void: one ledger transaction credits exactly what its
 * entries charge so far and, for an amendment, charges anew. Entries are never changed. A credit posts usage that waited
 * for one. `AppError`: EVENT_VOIDED,
 * PRICE_UNKNOWN, AMOUNT_INVALID, OVER_LIMIT, WALLET_STATE, IDEMPOTENCY_CONFLICT.
 */
export function correctEvent(store: AdminStore, request: CorrectEventRequest): Promise<Answer> {
  const { event, to, key, reason, nowMs, dryRun } = request;
  const { walletId, shard } = event;
  const hash = requestHash({
    do: 'correct',
    event: formatEventKey(event.key),
    kind: to.kind,
    to: to.kind === 'void' ? null : to.kind === 'quantity' ? to.quantity.text : to.amount.toString(),
    reason,
  });
  return store.transact({ walletId, shard, nowMs, dryRun }, async (transaction) => {
    const known = await answeredBefore(transaction, { key, hash }, correctionResultSchema);
    if (known !== undefined) return { ...known, isRepeated: true };
    const stored = await transaction.wallet();
    if (stored === undefined) throw new AppError('WALLET_NOT_FOUND', `${event.account} has no wallet.`);
    const wallet = await settleBreakage(transaction, stored);
    const result = await correct(transaction, request, { wallet, hash });
    await transaction.remember({ key, hash, result });
    return { ...result, isRepeated: false };
  });
}

async function correct(
  transaction: AdminTransaction,
  request: CorrectEventRequest,
  { wallet, hash }: { readonly wallet: WalletHead; readonly hash: string },
): Promise<CorrectionOutcome> {
  const { event, to, key, actor, reason, ruleset } = request;
  const { charged, corrections } = await transaction.corrections.read(event.key);
  requireInForce(event, corrections);
  const charge = to.kind === 'void' ? undefined : chargeOf(event, to, ruleset);
  const correctionNo = corrections.length + 1;
  const keys = correctionKeys(event.tenant, event.key, correctionNo);
  const amended = charge === undefined ? undefined : { key: keys.amended, charge };
  const corrected = correctCharge(wallet, { charged, reversalKey: keys.reversal, amended }, ruleset.overdraftNanos);
  if (!corrected.ok) throw refusal(corrected.reason, event, (charge ?? 0n) - charged);

  const { atMs } = transaction;
  const eventKey = formatEventKey(event.key);
  const detail = { key, event: eventKey, correction: correctionNo, reversed: charged, charged: charge ?? 0n };
  const because = 'a correction ended the negative balance';
  const record = recordOf(corrected.change, request, { request: { key, hash }, detail, atMs, because });
  const kind = to.kind === 'void' ? 'void' : 'amend';
  const quantity = to.kind === 'quantity' ? to.quantity.text : null;
  const correction = {
    event: event.key,
    correctionNo,
    kind,
    reversed: charged,
    charged: charge ?? 0n,
    reversalKey: keys.reversal,
    amendedKey: amended?.key ?? null,
    meter: event.event?.meter ?? null,
    quantity,
    rulesetHash: quantity === null ? null : ruleset.hash,
    actor,
    reason,
  } as const;
  // The facts of the event are priced differently from now on; the proofs hold the batch to it.
  await transaction.write({ ...record, events: 1, priced: (charge ?? 0n) - charged, correction });
  const credited = await releaseWaiting(transaction, request, corrected.change.wallet, charged - (charge ?? 0n));
  return {
    ...walletOutcome(credited.wallet, atMs),
    event: eventKey,
    kind,
    correction: correctionNo,
    balanceBefore: wallet.posted,
    reversed: charged,
    charged: charge ?? 0n,
    quantity,
    released: credited.posted,
  };
}

/** Usage over the limit is posted on the next credit, which a correction that lowers a charge is; at most one round. */
async function releaseWaiting(
  transaction: AdminTransaction,
  request: CorrectEventRequest,
  wallet: WalletHead,
  credit: bigint,
): Promise<Pick<ReleaseRound, 'wallet' | 'posted'>> {
  if (credit <= 0n || wallet.status !== 'active') return { wallet, posted: { events: 0, amount: 0n } };
  const { overdraftNanos } = request.ruleset;
  return releaseRound(transaction, request, { wallet, reason: 'over_limit', overdraftNanos });
}

function requireInForce(event: PostedUsage, corrections: readonly StoredCorrection[]): void {
  if (corrections.at(-1)?.kind !== 'void') return;
  throw new AppError('EVENT_VOIDED', `The event ${nameOf(event)} is void already.`);
}

function chargeOf(
  event: PostedUsage,
  to: Exclude<CorrectTo, { readonly kind: 'void' }>,
  ruleset: CorrectEventRequest['ruleset'],
): bigint {
  if (to.kind === 'amount') {
    if (to.amount <= CHARGE_MAX) return to.amount;
    throw tooLarge(event);
  }
  const { pricing } = ruleset;
  const meter = event.event?.meter;
  if (meter === undefined || pricing.currency !== event.currency) {
    throw new AppError('PRICE_UNKNOWN', `The meter of ${nameOf(event)} is not known any more.`, {
      fix: 'Give the new charge itself with --amount.',
    });
  }
  const usage = { account: event.account, meter, quantity: to.quantity, occurredAtMs: event.key.timeMs };
  const charge = chargeFor(pricing, usage);
  if (charge === 'unknown_meter') {
    throw new AppError('PRICE_UNKNOWN', `The meter ${JSON.stringify(meter)} has no price at the time of the event.`);
  }
  if (charge === 'too_large') throw tooLarge(event);
  // A correction is rounded by itself: the residue of the wallet belongs to the charges that made it.
  return charge.nanos;
}

function tooLarge(event: PostedUsage): AppError {
  return new AppError('AMOUNT_INVALID', `The new charge of ${nameOf(event)} is more than a wallet can hold.`, {
    fix: 'Check the unit of the quantity or amount.',
  });
}

function refusal(
  reason: 'refuses_debits' | 'over_limit' | 'balance_too_large',
  event: PostedUsage,
  debit: bigint,
): AppError {
  const { account, currency } = event;
  if (reason === 'refuses_debits') {
    return new AppError(
      'WALLET_STATE',
      `The wallet of ${account} is frozen, and the correction would charge it more.`,
      {
        fix: 'Thaw it first with `tollkeeper wallet thaw`; a correction that lowers the charge is always possible.',
      },
    );
  }
  if (reason === 'over_limit') {
    return new AppError(
      'OVER_LIMIT',
      `${formatMoney(debit, currency)} more does not fit the balance and the overdraft limit of ${account}.`,
    );
  }
  return new AppError('AMOUNT_INVALID', 'The balance would be larger than a wallet can hold.', {
    fix: 'Report this wallet: its balance is near the end of the range.',
  });
}

function nameOf({ event, key }: PostedUsage): string {
  return JSON.stringify(event?.id ?? formatEventKey(key));
}
