import type { Command } from 'commander';
import { formatWalletId } from '../../domain/ids.ts';
import { availableNanos } from '../../domain/ledger/wallet.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import type { WalletView } from '../../pipeline/queries/queries.ts';
import type { CliContext } from '../context.ts';
import { type ListOptions, oneOf, withCommon, withList } from '../options.ts';
import { print } from '../output/print.ts';
import { type Column, table } from '../output/table.ts';
import { usageTotal, walletStatus } from '../output/words.ts';
import { withBooks } from '../with-books.ts';
import { walletJson } from './wallet-view.ts';

const STATUSES = ['active', 'frozen', 'thawing'] as const;

/** `wallet list` */
export function registerWalletList(wallet: Command, context: CliContext): void {
  const command = wallet.command('list').description('wallets, those that cannot pay first');
  withCommon(withList(command, STATUSES), [
    'tollkeeper wallet list --status frozen',
    'tollkeeper wallet list --limit 10 --json',
  ]).action(async ({ json, tenant, account, status, limit }: ListOptions) => {
    const filter = { tenant, limit, ...(account === undefined ? {} : { account }) };
    const chosen = oneOf(STATUSES, status);
    const wallets = await withBooks(context, ({ queries }) =>
      queries.wallets(chosen === undefined ? filter : { ...filter, status: chosen }),
    );
    print(context, json, {
      json: { wallets: wallets.map(walletJson), limit },
      text: wallets.length === 0 ? nothingListed('wallet', account ?? status) : walletTable(wallets),
    });
    if (wallets.length === limit && json !== true) context.output.note(`Only the first ${limit}; --limit shows more.`);
  });
}

const COLUMNS: readonly Column<WalletView>[] = [
  { head: 'ACCOUNT', cell: ({ account }) => account },
  { head: 'WALLET', cell: ({ walletId }) => formatWalletId(walletId) },
  { head: 'STATUS', cell: walletStatus },
  { head: 'BALANCE', align: 'right', cell: ({ posted, currency }) => formatMoney(posted, currency) },
  {
    head: 'AVAILABLE',
    align: 'right',
    cell: (wallet) => (wallet.status === 'active' ? formatMoney(availableNanos(wallet), wallet.currency) : 'nothing'),
  },
  {
    head: 'IN QUARANTINE',
    align: 'right',
    cell: ({ quarantined, quarantinedEvents, currency }) => usageTotal(quarantinedEvents, quarantined, currency),
  },
];

/** An empty list: only one that nothing narrowed says that there are none at all. */
export function nothingListed(noun: 'account' | 'wallet', filter: string | undefined): string {
  if (filter !== undefined) return `No ${noun} fits. Without --account and --status all are listed.`;
  return `No ${noun}s. The first usage or top-up ${noun === 'wallet' ? 'of an account ' : ''}opens one.`;
}

/** Wallets as a table. */
export function walletTable(wallets: readonly WalletView[]): string {
  return table(COLUMNS, wallets);
}
