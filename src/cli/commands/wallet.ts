import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { registerWalletBalance } from './wallet-balance.ts';
import { registerFreeze } from './wallet-freeze.ts';
import { registerWalletHistory } from './wallet-history.ts';
import { registerWalletList } from './wallet-list.ts';
import { registerWalletShow } from './wallet-show.ts';
import { registerThaw } from './wallet-thaw.ts';
import { registerTopUp } from './wallet-topup.ts';

/** `wallet …`: balances, and everything a person may do to one. */
export function registerWallet(program: Command, context: CliContext): void {
  const wallet = program.command('wallet').description('balances: list, show, history, top up, freeze, thaw');
  const reading = [registerWalletList, registerWalletShow, registerWalletBalance, registerWalletHistory];
  for (const register of [...reading, registerTopUp, registerFreeze, registerThaw]) register(wallet, context);
}
