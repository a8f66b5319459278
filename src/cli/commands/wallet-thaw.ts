import { type Command, Option } from 'commander';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import type { UsageTotal } from '../../pipeline/admin/admin-store.ts';
import type { ThawOutcome } from '../../pipeline/admin/results.ts';
import type { ThawRequest } from '../../pipeline/admin/thaw.ts';
import { thawOrAsk } from '../../pipeline/approvals/four-eyes.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon } from '../options.ts';
import { timeField } from '../output/json.ts';
import { count } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { carryOut } from './carry-out.ts';
import { type ChangeOptions, changeJson, totalJson, withChange } from './change-view.ts';
import { type FilterOptions, withUsageFilter } from './quarantine-filter.ts';

const USAGE = ['keep', 'post', 'void'] as const;
type Usage = (typeof USAGE)[number];

interface ThawOptions extends CommonOptions, ChangeOptions, Omit<FilterOptions, 'tenant' | 'account' | 'for'> {
  readonly usage: Usage;
  readonly rest?: Usage;
  readonly currency?: string;
}

/** `wallet thaw ACCOUNT` */
export function registerThaw(wallet: Command, context: CliContext): void {
  const command = wallet
    .command('thaw')
    .description('let a frozen wallet pay again; refused usage is charged only when you say so')
    .argument('<account>', 'an account, or a wallet id (wal_…)')
    .addOption(
      new Option('--usage <what>', 'usage refused during the freeze: keep it in quarantine, post it, or void it')
        .choices(USAGE)
        .default('keep'),
    )
    .addOption(
      new Option(
        '--rest <what>',
        'with a filter: usage refused during the freeze that it does not fit (default: "keep")',
      ).choices(USAGE),
    )
    .option('--currency <code>', 'when the account has wallets in several');
  withCommon(withUsageFilter(withChange(command)), [
    'tollkeeper wallet thaw acme',
    'tollkeeper wallet thaw acme --usage post --reason "customer confirmed"',
    'tollkeeper wallet thaw acme --usage void --reason "fraud, case 118" --dry-run',
    'tollkeeper wallet thaw acme --usage void --source gw-1 --from 2026-03-01T14:00:00Z --rest post --dry-run',
  ]).action(async (name: string, options: ThawOptions) => {
    const only = onlyOf(options);
    const { overdraftNanos } = await rulesInForce(context);
    const { tenant, currency, usage } = options;
    const wallet = { tenant, name, ...(currency === undefined ? {} : { currency }) };
    await carryOut(context, options, {
      work: ({ admin, approvals }, request) => {
        const eyes = { approvals, aboveNanos: context.config().fourEyesAboveNanos };
        const asked = { ...request, wallet, usage, overdraftNanos, ...(only === undefined ? {} : { only }) };
        return thawOrAsk(admin, eyes, asked);
      },
      answer: (result, change) => ({
        json: {
          ...changeJson(result, change),
          usage,
          ...onlyJson(only),
          posted: totalJson(result.posted),
          voided: totalJson(result.voided),
          overLimit: totalJson(result.overLimit),
          throttled: totalJson(result.throttled),
          kept: totalJson(result.kept),
        },
        text: thawText(result, { isOnlyTried: change.dryRun && !result.isRepeated, only }),
      }),
    });
  });
}

/** The part of the refused usage that `--usage` is about; undefined when it is about all of it. */
function onlyOf({ usage, rest, meter, source, from, to }: ThawOptions): ThawRequest['only'] {
  const filter = {
    ...(meter === undefined ? {} : { meter }),
    ...(source === undefined ? {} : { source }),
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
  };
  const isNarrowed = Object.keys(filter).length > 0;
  const told = rest ?? 'keep';
  if (!isNarrowed && rest === undefined) return undefined;
  if (!isNarrowed) throw new AppError('CLI_USAGE', '--rest needs a filter: --meter, --source, --from or --to.');
  if (usage === told) {
    throw new AppError('CLI_USAGE', `What the filter fits and the rest would both be ${DONE[usage]}.`, {
      fix:
        usage === 'keep'
          ? 'Say with --usage post or --usage void what becomes of the usage that the filter fits.'
          : `For all of it, give --usage ${usage} without a filter.`,
    });
  }
  return { filter, rest: told };
}

const DONE = { keep: 'kept', post: 'posted', void: 'voided' } as const;

function onlyJson(only: ThawRequest['only']) {
  if (only === undefined) return {};
  const { meter = null, source = null, fromMs, toMs } = only.filter;
  return { filter: { meter, source, from: timeField(fromMs ?? null), to: timeField(toMs ?? null) }, rest: only.rest };
}

/** What was done; of a dry run, with the same figures, what would be. */
function thawText(
  result: ThawOutcome,
  { isOnlyTried, only }: { readonly isOnlyTried: boolean; readonly only: ThawRequest['only'] },
): string {
  const worth = ({ events, amount }: UsageTotal) =>
    `${count(events, 'event')} worth ${formatMoney(amount, result.currency)}`;
  const say = (done: string, tried: string) => (isOnlyTried ? tried : done);
  const balance = formatMoney(result.balance, result.currency);
  const { posted, voided, overLimit, throttled, kept } = result;
  const lines = [
    `${cleanText(result.account)} (${result.wallet}) ${say('is active. Balance', 'would be active, with a balance of')} ${balance}.`,
  ];
  if (posted.events > 0) lines.push(`${say('Posted', 'Would post')} ${worth(posted)}.`);
  if (voided.events > 0) {
    lines.push(`${say('Voided', 'Would void')} ${worth(voided)}: never charged.`);
  }
  if (overLimit.events > 0) {
    lines.push(`${worth(overLimit)} ${say('did', 'would')} not fit the balance: the next top-up pays for it first.`);
  }
  if (throttled.events > 0) {
    lines.push(
      `${worth(throttled)} ${say('exceed', 'would exceed')} the spending limit: posted in the periods that follow.`,
    );
  }
  if (only !== undefined && settled(result).every(({ events }) => events === 0)) {
    lines.push('No usage refused during the freeze fits.');
  }
  if (kept.events > 0) {
    const stay = say(kept.events === 1 ? 'stays' : 'stay', 'would stay');
    lines.push(
      `${worth(kept)} ${stay} in quarantine. Settle ${kept.events === 1 ? 'it' : 'them'} with --usage post or --usage void.`,
    );
  }
  return lines.join('\n');
}

function settled({ posted, voided, overLimit, throttled }: ThawOutcome): readonly UsageTotal[] {
  return [posted, voided, overLimit, throttled];
}
