import { type Command, Option } from 'commander';
import { formatWalletId } from '../../domain/ids.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import type { AwayDay, StatementEntry } from '../../pipeline/statement/statement.ts';
import { entryJson } from '../../pipeline/statement/statement-json.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, wholeNumber, withCommon, withLimit } from '../options.ts';
import { print } from '../output/print.ts';
import { table } from '../output/table.ts';
import { time } from '../output/words.ts';
import { withBooks } from '../with-books.ts';

interface HistoryOptions extends CommonOptions {
  readonly limit: number;
  readonly before?: number;
  readonly currency?: string;
}

/** `wallet history ACCOUNT` */
export function registerWalletHistory(wallet: Command, context: CliContext): void {
  const before = new Option('--before <number>', 'only entries before this number, to read on');
  const command = wallet
    .command('history')
    .description('what was posted, the newest first, with the balance after it; who did it and why')
    .argument('<account>', 'an account, or a wallet id (wal_…)')
    .addOption(before.argParser((text) => wholeNumber(text, 1, 999_999_999)))
    .option('--currency <code>', 'when the account has wallets in several');
  withCommon(withLimit(command), [
    'tollkeeper wallet history acme',
    'tollkeeper wallet history acme --limit 500 --before 1201 --json',
  ]).action(async (name: string, options: HistoryOptions) => {
    const { json, tenant, currency, limit } = options;
    const reference = { tenant, name, ...(currency === undefined ? {} : { currency }) };
    const page = { before: options.before === undefined ? undefined : BigInt(options.before), limit };
    const found = await withBooks(context, ({ history }) => history.entries(reference, page));
    const last = found.entries.at(-1)?.sequence;
    const next = last !== undefined && last > 1n && found.entries.length === limit ? last.toString() : null;
    print(context, json, {
      json: {
        wallet: formatWalletId(found.wallet.walletId),
        tenant: found.wallet.tenant,
        account: found.wallet.account,
        currency: found.wallet.currency,
        entries: found.entries.map((entry) => entryJson(entry)),
        archivedElsewhere: found.away,
        next,
      },
      text: found.entries.length === 0 ? 'No entries.' : entryTable(found.entries, found.wallet.currency),
    });
    if (json !== true) noteAway(context, found.away);
    if (next !== null && json !== true) context.output.note(`Older entries: --before ${next}`);
  });
}

/** Says which entries are in archive files that are not here. */
export function noteAway(context: CliContext, away: readonly AwayDay[]): void {
  const [first] = away;
  if (first === undefined) return;
  const entries = away.reduce((sum, day) => sum + day.entries, 0);
  const noun = entries === 1 ? 'entry' : 'entries';
  const days = away.length === 1 ? first.day : `${away.length} days from ${first.day} on`;
  context.output.note(`Not shown: ${entries.toLocaleString('en-US')} ${noun} of ${days} (archived, file not here).`);
}

/** Entries for people. */
export function entryTable(entries: readonly StatementEntry[], currency: string): string {
  return table(
    [
      { head: 'NUMBER', align: 'right', cell: ({ sequence }) => sequence.toString() },
      { head: 'POSTED', cell: ({ postedAtMs }) => time(postedAtMs) },
      { head: 'KIND', cell: ({ kind }) => kind },
      { head: 'WHAT', cell: whatOf },
      { head: 'AMOUNT', align: 'right', cell: ({ amount }) => formatMoney(amount, currency) },
      { head: 'BALANCE', align: 'right', cell: ({ balanceAfter }) => formatMoney(balanceAfter, currency) },
      { head: 'WHO AND WHY', cell: ({ actor, reason }) => [actor, reason].filter((text) => text !== null).join(': ') },
    ],
    entries,
  );
}

function whatOf({ quantity, meter, eventId }: StatementEntry): string {
  const usage = meter === null ? '' : `${quantity ?? '?'} ${meter} `;
  return cleanText(`${usage}${eventId ?? ''}`.trim());
}
