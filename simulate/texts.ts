import type { WalletHead } from '../src/domain/ledger/wallet.ts';
import type { ModelEntry, ModelWallet } from './model/wallet.ts';

/** An entry as text, the same words for the model's and the ledger's. */
export function entryText(entry: Pick<ModelEntry, 'key' | 'kind' | 'amount' | 'seq' | 'balance'>): string {
  return [entry.key, entry.kind, entry.amount, entry.seq, entry.balance].join(' ');
}

/** A wallet of the ledger as text. */
export function headText(wallet: WalletHead): string {
  const { throttle } = wallet;
  return [
    wallet.status,
    wallet.statusSequence,
    wallet.frozenUntilMs,
    wallet.posted,
    wallet.seq,
    wallet.quarantined,
    wallet.quarantinedEvents,
    wallet.overdraftLimit,
    throttle === null ? null : [throttle.limit, throttle.periodAtMs, throttle.spent, throttle.told?.sequence].join('/'),
    ...wallet.grants.map(({ grantId, remaining }) => `${grantId}:${remaining}`).sort(),
  ].join(' ');
}

/** The same words for a wallet of the model. */
export function modelWalletText(wallet: ModelWallet): string {
  const { throttle } = wallet;
  return [
    wallet.status,
    wallet.statusSequence,
    wallet.frozenUntilMs,
    wallet.posted,
    wallet.seq,
    wallet.quarantined,
    wallet.usage.filter(({ status }) => status === 'open').length,
    wallet.overdraft,
    throttle === null
      ? null
      : [throttle.limit, throttle.period * throttle.periodMs, throttle.spent, throttle.told?.sequence].join('/'),
    ...wallet.grants.map(({ grantId, remaining }) => `${grantId}:${remaining}`).sort(),
  ].join(' ');
}
