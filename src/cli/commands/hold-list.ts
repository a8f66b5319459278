import type { Command } from 'commander';
import { formatWalletId } from '../../domain/ids.ts';
import { HOLD_STATES } from '../../domain/ledger/hold.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import type { HoldDetail, HoldListed } from '../../pipeline/queries/queries.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, type ListOptions, oneOf, withCommon, withList } from '../options.ts';
import { moneyFields, timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts, table } from '../output/table.ts';
import { time } from '../output/words.ts';
import { withBooks } from '../with-books.ts';

/** `hold list` */
export function registerHoldList(parent: Command, context: CliContext): void {
  const command = parent.command('list').description('holds, the newest first');
  withCommon(withList(command, HOLD_STATES), [
    'tollkeeper hold list --status open',
    'tollkeeper hold list --account acme --json',
  ]).action(async ({ json, tenant, account, status, limit }: ListOptions) => {
    const filter = { tenant, limit, ...(account === undefined ? {} : { account }) };
    const chosen = oneOf(HOLD_STATES, status);
    const holds = await withBooks(context, ({ queries }) =>
      queries.holds(chosen === undefined ? filter : { ...filter, status: chosen }),
    );
    print(context, json, {
      json: { holds: holds.map(holdJson), limit },
      text: holds.length === 0 ? 'No holds.' : holdTable(holds),
    });
    if (holds.length === limit && json !== true) context.output.note(`Only the first ${limit}; --limit shows more.`);
  });
}

/** `hold show HOLD` */
export function registerHoldShow(parent: Command, context: CliContext): void {
  const command = parent
    .command('show')
    .description('one hold, and what was done with it')
    .argument('<hold>', 'the hold');
  withCommon(command, ['tollkeeper hold show req_01HV']).action(
    async (holdId: string, { json, tenant }: CommonOptions) => {
      const detail = await withBooks(context, ({ queries }) => queries.hold(tenant, holdId));
      if (detail === undefined) throw new AppError('HOLD_NOT_FOUND', `There is no hold ${JSON.stringify(holdId)}.`);
      const operations = detail.operations.map(({ atMs, ...rest }) => ({ ...rest, at: timeField(atMs) }));
      print(context, json, { json: { ...holdJson(detail.hold), operations }, text: detailText(detail) });
    },
  );
}

function holdJson(hold: HoldListed) {
  return {
    hold: hold.holdId,
    tenant: hold.tenant,
    account: hold.account,
    wallet: formatWalletId(hold.walletId),
    currency: hold.currency,
    state: hold.state,
    ...moneyFields('amount', hold.amount),
    ...moneyFields('captureMax', hold.captureMax),
    ...moneyFields('captured', hold.captured),
    placedAt: timeField(hold.placedAtMs),
    expiresAt: timeField(hold.expiresAtMs),
    closedAt: timeField(hold.closedAtMs),
    placedBy: hold.actor,
  };
}

function holdTable(holds: readonly HoldListed[]): string {
  return table(
    [
      { head: 'HOLD', cell: ({ holdId }) => holdId },
      { head: 'ACCOUNT', cell: ({ account }) => account },
      { head: 'STATE', cell: ({ state }) => state },
      { head: 'AMOUNT', align: 'right', cell: ({ amount, currency }) => formatMoney(amount, currency) },
      { head: 'CAPTURED', align: 'right', cell: ({ captured, currency }) => formatMoney(captured, currency) },
      { head: 'PLACED', cell: ({ placedAtMs }) => time(placedAtMs) },
      { head: 'ENDS', cell: ({ expiresAtMs, closedAtMs }) => time(closedAtMs ?? expiresAtMs) },
    ],
    holds,
  );
}

function detailText({ hold, operations }: HoldDetail): string {
  const money = (nanos: bigint) => formatMoney(nanos, hold.currency);
  const about = facts([
    ['Account', `${cleanText(hold.account)} (${formatWalletId(hold.walletId)})`],
    ['Amount', money(hold.amount)],
    ['Captured', hold.state === 'captured' ? money(hold.captured) : undefined],
    ['May be captured', hold.state === 'open' ? `up to ${money(hold.captureMax)}` : undefined],
    ['Placed', `${time(hold.placedAtMs)} by ${cleanText(hold.actor)}`],
    ['Ends', hold.closedAtMs === null ? time(hold.expiresAtMs) : undefined],
    ['Ended', hold.closedAtMs === null ? undefined : time(hold.closedAtMs)],
  ]);
  const done = table(
    [
      { head: 'DONE', cell: ({ operation }) => operation },
      { head: 'WHEN', cell: ({ atMs }) => time(atMs) },
      { head: 'BY', cell: ({ actor }) => actor },
      { head: 'KEY', cell: ({ key }) => key },
      { head: 'REASON', cell: ({ reason }) => reason ?? '–' },
    ],
    operations,
  );
  return [`${cleanText(hold.holdId)} · ${hold.state}`, about, done].join('\n\n');
}
