import type { Command } from 'commander';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import { ACCOUNT_STATUSES, type AccountView } from '../../pipeline/queries/queries.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, type ListOptions, oneOf, withCommon, withList } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts, table } from '../output/table.ts';
import { time, walletStatus } from '../output/words.ts';
import { withBooks } from '../with-books.ts';
import { registerContact } from './account-contact.ts';
import { registerErase } from './account-erase.ts';
import { registerLowBalance } from './account-low-balance.ts';
import { nothingListed, walletTable } from './wallet-list.ts';
import { walletJson } from './wallet-view.ts';

/** `account …` */
export function registerAccount(program: Command, context: CliContext): void {
  const account = program.command('account').description('the billed parties and their wallets');
  registerList(account, context);
  registerShow(account, context);
  registerContact(account, context);
  registerLowBalance(account, context);
  registerErase(account, context);
}

function registerList(parent: Command, context: CliContext): void {
  const command = parent.command('list').description('accounts, the newest first');
  withCommon(withList(command, ACCOUNT_STATUSES), [
    'tollkeeper account list --status unconfirmed',
    'tollkeeper account list --json',
  ]).action(async ({ json, tenant, account, status, limit }: ListOptions) => {
    const filter = { tenant, limit, ...(account === undefined ? {} : { account }) };
    const chosen = oneOf(ACCOUNT_STATUSES, status);
    const accounts = await withBooks(context, ({ queries }) =>
      queries.accounts(chosen === undefined ? filter : { ...filter, status: chosen }),
    );
    print(context, json, {
      json: { accounts: accounts.map(accountJson), limit },
      text: accounts.length === 0 ? nothingListed('account', account ?? status) : accountTable(accounts),
    });
    if (accounts.length === limit && json !== true) context.output.note(`Only the first ${limit}; --limit shows more.`);
  });
}

function registerShow(parent: Command, context: CliContext): void {
  const command = parent.command('show').description('one account').argument('<account>', 'the account');
  withCommon(command, ['tollkeeper account show acme']).action(
    async (name: string, { json, tenant }: CommonOptions) => {
      const [account] = await withBooks(context, ({ queries }) =>
        queries.accounts({ tenant, account: name, limit: 1 }),
      );
      if (account === undefined)
        throw new AppError('ACCOUNT_NOT_FOUND', `There is no account ${JSON.stringify(name)}.`);
      print(context, json, { json: accountJson(account), text: accountText(account) });
    },
  );
}

function accountJson(account: AccountView) {
  return {
    tenant: account.tenant,
    account: account.account,
    status: account.status,
    openedAt: timeField(account.openedAtMs),
    openAlerts: account.openAlerts,
    wallets: account.wallets.map(walletJson),
  };
}

function accountTable(accounts: readonly AccountView[]): string {
  return table(
    [
      { head: 'ACCOUNT', cell: ({ account }) => account },
      { head: 'STATUS', cell: ({ status }) => status },
      {
        head: 'BALANCE',
        align: 'right',
        cell: ({ wallets }) => wallets.map(({ posted, currency }) => formatMoney(posted, currency)).join(', '),
      },
      { head: 'WALLET', cell: ({ wallets }) => wallets.map(walletStatus).join(', ') },
      { head: 'OPEN ALERTS', align: 'right', cell: ({ openAlerts }) => String(openAlerts) },
      { head: 'OPENED', cell: ({ openedAtMs }) => time(openedAtMs) },
    ],
    accounts,
  );
}

function accountText(account: AccountView): string {
  const about = facts([
    ['Status', account.status === 'unconfirmed' ? 'unconfirmed: opened by usage, never declared' : account.status],
    ['Opened', time(account.openedAtMs)],
    ['Open alerts', String(account.openAlerts)],
  ]);
  const wallets = account.wallets.length === 0 ? 'No wallet yet.' : walletTable(account.wallets);
  return [cleanText(account.account), about, wallets].join('\n\n');
}
