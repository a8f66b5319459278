import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { registerFreeze } from './wallet-freeze.ts';
import { registerWalletList } from './wallet-list.ts';
import { registerWalletShow } from './wallet-show.ts';
import { registerThaw } from './wallet-thaw.ts';
import { registerTopUp } from './wallet-topup.ts';

/** `wallet …`: balances, and everything a person may do to one. */
export function registerWallet(program: Command, context: CliContext): void {
  const wallet = program.command('wallet').description('balances: list, show, top up, freeze, thaw');
  for (const register of [registerWalletList, registerWalletShow, registerTopUp, registerFreeze, registerThaw]) {
    register(wallet, context);
  }
}
