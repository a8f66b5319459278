import type { Command } from 'commander';
import { formatWalletId } from '../../domain/ids.ts';
import { refundableCredit } from '../../domain/ledger/adjust-wallet.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import type { WalletDetail } from '../../pipeline/queries/queries.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon } from '../options.ts';
import { moneyFields, timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts, table } from '../output/table.ts';
import { inWords, overdraftText, spendLimitText, time, walletStatus } from '../output/words.ts';
import { withBooks } from '../with-books.ts';
import { alertJson, alertTable } from './alert-view.ts';
import { walletJson } from './wallet-view.ts';

/** `wallet show ACCOUNT` */
export function registerWalletShow(wallet: Command, context: CliContext): void {
  const command = wallet
    .command('show')
    .description('one wallet: balance, limits, grants, what waits in quarantine, latest alerts')
    .argument('<account>', 'an account, or a wallet id (wal_…)')
    .option('--currency <code>', 'when the account has wallets in several');
  withCommon(command, ['tollkeeper wallet show acme', 'tollkeeper wallet show wal_0c4qj3vfqk2ha --json']).action(
    async (name: string, { json, tenant, currency }: CommonOptions & { readonly currency?: string }) => {
      const reference = { tenant, name, ...(currency === undefined ? {} : { currency }) };
      const details = await withBooks(context, ({ queries }) => queries.wallet(reference));
      if (details.length === 0) throw new AppError('WALLET_NOT_FOUND', `${name} has no wallet.`);
      print(context, json, {
        json: { wallets: details.map(detailJson) },
        text: details.map(detailText).join('\n\n'),
      });
    },
  );
}

function detailJson({ wallet, grants, quarantine, alerts }: WalletDetail) {
  return {
    ...walletJson(wallet),
    grants: grants.map(({ grantId, source, priority, amount, remaining, expiresAtMs, createdAtMs }) => ({
      grant: grantId,
      source,
      priority,
      ...moneyFields('amount', amount),
      ...moneyFields('remaining', remaining),
      expiresAt: timeField(expiresAtMs),
      createdAt: timeField(createdAtMs),
    })),
    quarantine: quarantine.map(({ reason, events, amount, oldestMs }) => ({
      reason,
      events,
      ...moneyFields('amount', amount),
      oldestAt: timeField(oldestMs),
    })),
    alerts: alerts.map(alertJson),
  };
}

function detailText({ wallet, grants, quarantine, alerts }: WalletDetail): string {
  const { currency, overdraftLimit, throttle } = wallet;
  const money = (nanos: bigint) => formatMoney(nanos, currency);
  const sections = [
    `${cleanText(wallet.account)} (${formatWalletId(wallet.walletId)}) · ${walletStatus(wallet)}`,
    facts([
      ['Balance', money(wallet.posted)],
      ['Held', wallet.held === 0n ? undefined : money(wallet.held)],
      ['Available', money(wallet.posted - wallet.held)],
      ['Refundable', money(refundableCredit(wallet))],
      ['May fall to', overdraftText(overdraftLimit, currency)],
      ['May spend', throttle === null ? undefined : spendLimitText(throttle.limit, throttle.periodMs, currency)],
      ['Spent', throttle === null ? undefined : `${money(throttle.spent)} since ${time(throttle.periodAtMs)}`],
      ['Frozen since', wallet.frozenAtMs === null ? undefined : time(wallet.frozenAtMs)],
      ['Frozen by', wallet.frozenBy === null ? undefined : cleanText(wallet.frozenBy)],
      ['Entries', wallet.seq.toString()],
      ['Opened', time(wallet.openedAtMs)],
      ['Lane', String(wallet.lane)],
    ]),
  ];
  if (grants.length > 0) {
    const rows = table(
      [
        { head: 'GRANT', cell: ({ source }) => source },
        {
          head: 'LEFT',
          align: 'right',
          cell: ({ remaining, amount }) => `${money(remaining)} of ${money(amount)}`,
        },
        { head: 'PRIORITY', align: 'right', cell: ({ priority }) => String(priority) },
        { head: 'ENDS', cell: ({ expiresAtMs }) => (expiresAtMs === null ? 'never' : time(expiresAtMs)) },
      ],
      grants,
    );
    sections.push(rows);
  }
  if (quarantine.length > 0) {
    const rows = table(
      [
        { head: 'IN QUARANTINE', cell: ({ reason }) => inWords(reason) },
        { head: 'EVENTS', align: 'right', cell: ({ events }) => events.toLocaleString('en-US') },
        { head: 'WOULD COST', align: 'right', cell: ({ amount }) => money(amount) },
        { head: 'OLDEST', cell: ({ oldestMs }) => time(oldestMs) },
      ],
      quarantine,
    );
    sections.push(rows);
  }
  if (alerts.length > 0) sections.push(alertTable(alerts));
  return sections.join('\n\n');
}
