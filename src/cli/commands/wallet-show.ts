import type { Command } from 'commander';
import { formatWalletId } from '../../domain/ids.ts';
import { refundableCredit } from '../../domain/ledger/adjust-wallet.ts';
import { availableNanos, OVERDRAFT_UNLIMITED } from '../../domain/ledger/wallet.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import type { FreezeCause } from '../../pipeline/freeze-cause.ts';
import type { WalletDetail, WalletView } from '../../pipeline/queries/queries.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon } from '../options.ts';
import { freezeCauseWords } from '../output/freeze-words.ts';
import { moneyFields, timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts, table } from '../output/table.ts';
import { inWords, spendLimitText, time, walletStatus } from '../output/words.ts';
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
      const rulesLimit = await overdraftOfRules(context);
      const details = await withBooks(context, ({ queries }) => queries.wallet(reference));
      if (details.length === 0) throw new AppError('WALLET_NOT_FOUND', `${name} has no wallet.`);
      print(context, json, {
        json: { wallets: details.map((detail) => detailJson(detail, rulesLimit)) },
        text: details.map((detail) => detailText(detail, rulesLimit)).join('\n\n'),
      });
    },
  );
}

/** Looking at a wallet must work with rules that do not load: then the limit is unknown. */
async function overdraftOfRules(context: CliContext): Promise<bigint | undefined> {
  const { result } = await context.readRules();
  return result.ok ? result.ruleset.overdraftNanos : undefined;
}

function floorOf({ overdraftLimit }: WalletView, rulesLimit: bigint | undefined): bigint | undefined {
  const limit = overdraftLimit ?? rulesLimit;
  return limit === undefined ? undefined : -limit;
}

function detailJson({ wallet, grants, freezeCause, quarantine, alerts }: WalletDetail, rulesLimit: bigint | undefined) {
  return {
    ...walletJson(wallet),
    ...moneyFields('mayFallTo', floorOf(wallet, rulesLimit) ?? null),
    freezeCause,
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

function detailText(
  { wallet, grants, freezeCause, quarantine, alerts }: WalletDetail,
  rulesLimit: bigint | undefined,
): string {
  const { currency, throttle } = wallet;
  const money = (nanos: bigint) => formatMoney(nanos, currency);
  const sections = [
    `${cleanText(wallet.account)} (${formatWalletId(wallet.walletId)}) · ${walletStatus(wallet)}`,
    facts([
      ['Balance', money(wallet.posted)],
      ['Held', wallet.held === 0n ? undefined : money(wallet.held)],
      ['Available', wallet.status === 'active' ? money(availableNanos(wallet)) : `nothing while ${wallet.status}`],
      ['Refundable', money(refundableCredit(wallet))],
      ['May fall to', floorText(wallet, rulesLimit)],
      ['May spend', throttle === null ? undefined : spendLimitText(throttle.limit, throttle.periodMs, currency)],
      ['Spent', throttle === null ? undefined : `${money(throttle.spent)} since ${time(throttle.periodAtMs)}`],
      [
        'Slowed until',
        throttle?.slowed === undefined ? undefined : `${time(throttle.slowed.untilMs)} by ${throttle.slowed.by}`,
      ],
      ['Frozen since', wallet.frozenAtMs === null ? undefined : time(wallet.frozenAtMs)],
      ['Frozen by', frozenByText(wallet.frozenBy, freezeCause)],
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

function floorText(wallet: WalletView, rulesLimit: bigint | undefined): string {
  const floor = floorOf(wallet, rulesLimit);
  if (floor === -OVERDRAFT_UNLIMITED) return 'any balance';
  if (floor === undefined) return "the ruleset's limit, which is not known: the rules do not load";
  const whose = wallet.overdraftLimit === null ? "the ruleset's limit" : 'a limit of its own';
  return `${formatMoney(floor, wallet.currency)} (${whose})`;
}

function frozenByText(frozenBy: string | null, cause: FreezeCause | null): string | undefined {
  if (frozenBy === null) return undefined;
  return cause === null ? cleanText(frozenBy) : freezeCauseWords(cause);
}
