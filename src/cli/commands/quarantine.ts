import type { Command } from 'commander';
import { formatMoney } from '../../domain/money/nanos.ts';
import { AppError } from '../../errors.ts';
import { settleQuarantine } from '../../pipeline/admin/settle-quarantine.ts';
import {
  QUARANTINE_STATUSES,
  type QuarantinedEvent,
  type QuarantineView,
  type ReasonTotal,
} from '../../pipeline/queries/quarantine-view.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, type ListOptions, oneOf, withCommon, withList } from '../options.ts';
import { moneyFields, timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { table } from '../output/table.ts';
import { count, inWords, time } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';
import { carryOut } from './carry-out.ts';
import { type ChangeOptions, withChange } from './change-view.ts';
import { type FilterOptions, filterOf, withFilter } from './quarantine-filter.ts';
import { settleJson, settleText } from './settle-view.ts';

/** `quarantine …`: usage that was recorded and not charged. */
export function registerQuarantine(program: Command, context: CliContext): void {
  const quarantine = program
    .command('quarantine')
    .description('usage that was recorded and not charged: list, post, void');
  registerList(quarantine, context);
  registerSettle(quarantine, context, 'post');
  registerSettle(quarantine, context, 'void');
}

function registerList(parent: Command, context: CliContext): void {
  const command = parent.command('list').description('money at risk by reason, and the usage itself, oldest first');
  withCommon(withFilter(withList(command, QUARANTINE_STATUSES)), [
    'tollkeeper quarantine list --for over_limit',
    'tollkeeper quarantine list --account acme --from 2026-03-01 --json',
    'tollkeeper quarantine list --status void --limit 200',
  ]).action(async (options: ListOptions & Omit<FilterOptions, 'tenant' | 'account'>) => {
    const { limit, json } = options;
    const status = oneOf(QUARANTINE_STATUSES, options.status) ?? 'open';
    const found = await withBooks(context, ({ queries }) =>
      queries.quarantine({ ...filterOf(options), status, limit }),
    );
    print(context, json, {
      json: { status, totals: found.totals.map(totalJson), events: found.events.map(eventJson), limit },
      text: listText(found),
    });
    if (found.events.length === limit && json !== true)
      context.output.note(`Only the first ${limit}; --limit shows more.`);
  });
}

interface SettleOptions extends CommonOptions, ChangeOptions, FilterOptions {
  readonly all?: boolean;
}

const ABOUT = {
  post: 'charge open usage, oldest first, as far as each balance and limit allow',
  void: 'close open usage without charging it, for good; its keys stay claimed',
} as const;

function registerSettle(parent: Command, context: CliContext, what: 'post' | 'void'): void {
  const command = withFilter(parent.command(what).description(ABOUT[what]))
    .option('--account <name>', 'only this account')
    .option('--all', 'everything that is open; needed when nothing narrows it');
  withCommon(withChange(command, 'required'), [
    `tollkeeper quarantine ${what} --for unknown_meter --meter gpu_seconds --reason "priced since" --dry-run`,
    `tollkeeper quarantine ${what} --account acme --to 2026-03-01 --reason "case 118"`,
  ]).action(async (options: SettleOptions) => {
    const filter = filterOf(options);
    const isNarrowed = Object.keys(filter).length > 1;
    if (isNarrowed === (options.all === true)) {
      throw new AppError(
        'CLI_USAGE',
        isNarrowed ? '--all and a filter contradict each other.' : `Say what to ${what}: a filter, or --all.`,
      );
    }
    const { pricing, overdraftNanos } = await rulesInForce(context);
    await carryOut(context, options, {
      work: ({ admin }, request) => settleQuarantine(admin, { ...request, what, filter, pricing, overdraftNanos }),
      answer: (result, change) => ({ json: settleJson(result, change), text: settleText(result) }),
    });
  });
}

function totalJson(total: ReasonTotal) {
  const { reason, currency, events, withoutPrice } = total;
  return {
    reason,
    currency,
    events,
    withoutPrice,
    ...moneyFields('amount', total.amount),
    oldest: timeField(total.oldestMs),
  };
}

function eventJson(event: QuarantinedEvent) {
  const { key, id, source, account, wallet, meter, quantity, reason, status, currency, closedBy } = event;
  return {
    key,
    id,
    source,
    account,
    wallet,
    meter,
    quantity,
    reason,
    status,
    currency,
    ...moneyFields('amount', event.amount),
    occurredAt: timeField(event.occurredAtMs),
    ingestedAt: timeField(event.ingestedAtMs),
    closedAt: timeField(event.closedAtMs),
    closedBy,
  };
}

function listText({ totals, events }: QuarantineView): string {
  if (totals.length === 0) return 'Nothing is in quarantine that fits.';
  const reasons = table(
    [
      { head: 'REASON', cell: ({ reason }) => inWords(reason) },
      { head: 'EVENTS', align: 'right', cell: ({ events: number }) => number.toLocaleString('en-US') },
      { head: 'WORTH', align: 'right', cell: ({ amount, currency }) => formatMoney(amount, currency) },
      {
        head: 'WITHOUT PRICE',
        align: 'right',
        cell: ({ withoutPrice }) => (withoutPrice === 0 ? '–' : count(withoutPrice, 'event')),
      },
      { head: 'SINCE', cell: ({ oldestMs }) => time(oldestMs) },
    ],
    totals,
  );
  const rows = table(
    [
      { head: 'EVENT', cell: ({ id }) => id },
      { head: 'SOURCE', cell: ({ source }) => source },
      { head: 'ACCOUNT', cell: ({ account }) => account },
      { head: 'USAGE', cell: ({ quantity, meter }) => `${quantity ?? '?'} ${meter}` },
      {
        head: 'WORTH',
        align: 'right',
        cell: ({ amount, currency }) => (amount === null ? 'no price' : formatMoney(amount, currency)),
      },
      { head: 'REASON', cell: ({ reason }) => inWords(reason) },
      { head: 'OCCURRED', cell: ({ occurredAtMs }) => time(occurredAtMs) },
    ],
    events,
  );
  return `${reasons}\n\n${rows}`;
}
