import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore, WalletReference } from './admin-store.ts';

/** The one wallet a reference means. */
export async function walletOf(
  store: Pick<AdminStore, 'findWallets'>,
  reference: WalletReference,
): Promise<WalletHead> {
  const found = await store.findWallets(reference);
  const [wallet, ...others] = found;
  if (wallet === undefined) {
    const currency = reference.currency === undefined ? '' : ` in ${reference.currency}`;
    throw new AppError('WALLET_NOT_FOUND', `${reference.name} has no wallet${currency}.`);
  }
  if (others.length > 0) {
    const currencies = found.map(({ currency }) => currency).join(', ');
    throw new AppError('CLI_USAGE', `${reference.name} has wallets in ${currencies}.`, {
      fix: 'Name one with --currency.',
    });
  }
  return wallet;
}
