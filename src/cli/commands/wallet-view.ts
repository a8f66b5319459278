import { formatWalletId } from '../../domain/ids.ts';
import { availableNanos } from '../../domain/ledger/wallet.ts';
import type { WalletView } from '../../pipeline/queries/queries.ts';
import { moneyFields, timeField } from '../output/json.ts';

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
    ...moneyFields('overdraftLimit', wallet.overdraftLimit),
    ...moneyFields('quarantined', wallet.quarantined),
    quarantinedEvents: wallet.quarantinedEvents,
    sequence: wallet.seq.toString(),
    lane: wallet.lane,
    openedAt: timeField(wallet.openedAtMs),
  };
}
