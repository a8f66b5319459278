import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { registerAdjust } from './wallet-adjust.ts';
import { registerWalletBalance } from './wallet-balance.ts';
import { registerFreeze } from './wallet-freeze.ts';
import { registerWalletHistory } from './wallet-history.ts';
import { registerLimit } from './wallet-limit.ts';
import { registerWalletList } from './wallet-list.ts';
import { registerPost } from './wallet-post.ts';
import { registerWalletShow } from './wallet-show.ts';
import { registerThaw } from './wallet-thaw.ts';
import { registerTopUp } from './wallet-topup.ts';

const REGISTERED = [
  registerWalletList,
  registerWalletShow,
  registerWalletBalance,
  registerWalletHistory,
  registerTopUp,
  registerAdjust,
  registerPost,
  registerLimit,
  registerFreeze,
  registerThaw,
];

/** `wallet …`: balances, and everything a person may do to one. */
export function registerWallet(program: Command, context: CliContext): void {
  const wallet = program
    .command('wallet')
    .description('balances: list, show, history, top up, refund, correct, post a file, limit, freeze, thaw');
  for (const register of REGISTERED) register(wallet, context);
}
