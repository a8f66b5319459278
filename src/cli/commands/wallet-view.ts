import { formatWalletId } from '../../domain/ids.ts';
import { refundableCredit } from '../../domain/ledger/adjust-wallet.ts';
import { availableNanos, OVERDRAFT_UNLIMITED } from '../../domain/ledger/wallet.ts';
import type { WalletView } from '../../pipeline/queries/queries.ts';
import { moneyFields, timeField } from '../output/json.ts';

/** An overdraft limit as people set it. */
export function overdraftWord(limit: bigint | null): 'default' | 'none' | 'unlimited' | 'limit' {
  if (limit === null) return 'default';
  if (limit === 0n) return 'none';
  return limit >= OVERDRAFT_UNLIMITED ? 'unlimited' : 'limit';
}

/** A wallet as every command's JSON has it. */
export function walletJson(wallet: WalletView) {
  return {
    wallet: formatWalletId(wallet.walletId),
    tenant: wallet.tenant,
    account: wallet.account,
    currency: wallet.currency,
    status: wallet.status,
    frozenAt: timeField(wallet.frozenAtMs),
    frozenUntil: timeField(wallet.frozenUntilMs),
    frozenBy: wallet.frozenBy,
    ...moneyFields('posted', wallet.posted),
    ...moneyFields('held', wallet.held),
    ...moneyFields('available', availableNanos(wallet)),
    ...moneyFields('refundable', refundableCredit(wallet)),
    overdraft: overdraftWord(wallet.overdraftLimit),
    ...moneyFields('overdraftLimit', wallet.overdraftLimit),
    spendLimit:
      wallet.throttle === null
        ? null
        : {
            ...moneyFields('limit', wallet.throttle.limit),
            periodMs: wallet.throttle.periodMs,
            periodAt: timeField(wallet.throttle.periodAtMs),
            ...moneyFields('spent', wallet.throttle.spent),
            slowedUntil: timeField(wallet.throttle.slowed?.untilMs ?? null),
            slowedBy: wallet.throttle.slowed?.by ?? null,
          },
    ...moneyFields('quarantined', wallet.quarantined),
    quarantinedEvents: wallet.quarantinedEvents,
    sequence: wallet.seq.toString(),
    lane: wallet.lane,
    openedAt: timeField(wallet.openedAtMs),
  };
}
