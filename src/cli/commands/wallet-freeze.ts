import { type Command, Option } from 'commander';
import { cleanText } from '../../domain/text/clean.ts';
import type { FreezeOutcome } from '../../pipeline/admin/results.ts';
import { freezeOrAsk } from '../../pipeline/approvals/four-eyes.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, wholeNumber, withCommon } from '../options.ts';
import { freezeCauseWords } from '../output/freeze-words.ts';
import { timeField } from '../output/json.ts';
import { time } from '../output/words.ts';
import { carryOut } from './carry-out.ts';
import { type ChangeOptions, type ChangeState, changeJson, withChange } from './change-view.ts';

/** A year: a longer stop is a closed account, not a freeze. */
const HOURS_MAX = 8_760;

interface FreezeOptions extends CommonOptions, ChangeOptions {
  readonly hours: number;
  readonly currency?: string;
  readonly reason: string;
}

/** `wallet freeze ACCOUNT` */
export function registerFreeze(wallet: Command, context: CliContext): void {
  const hours = new Option('--hours <count>', 'how long, from now').makeOptionMandatory();
  const command = wallet
    .command('freeze')
    .description('refuse debits for some hours; usage goes to quarantine, money does not move')
    .argument('<account>', 'an account, or a wallet id (wal_…)')
    .addOption(hours.argParser((text) => wholeNumber(text, 1, HOURS_MAX)))
    .option('--currency <code>', 'when the account has wallets in several');
  withCommon(withChange(command, 'required'), [
    'tollkeeper wallet freeze acme --hours 2 --reason "leaked key, case 118"',
    'tollkeeper wallet freeze acme --hours 24 --reason "payment disputed" --dry-run',
  ]).action(async (name: string, options: FreezeOptions) => {
    const { tenant, currency, hours: forHours, reason } = options;
    const reference = { tenant, name, ...(currency === undefined ? {} : { currency }) };
    await carryOut(context, options, {
      work: ({ admin, approvals }, request) => {
        const eyes = { approvals, aboveNanos: context.config().fourEyesAboveNanos };
        return freezeOrAsk(admin, eyes, { ...request, wallet: reference, hours: forHours, reason });
      },
      answer: (result, change) => ({
        json: {
          ...changeJson(result, change),
          until: timeField(result.untilMs),
          changed: result.isChanged,
          frozenBefore: beforeJson(result),
        },
        text: freezeText(result, change),
        // Without a change there is nothing that sending it again could do twice.
        isUnchanged: !result.isChanged && !change.isRepeated,
      }),
    });
  });
}

function beforeJson({ before }: FreezeOutcome) {
  if (before === null) return null;
  return { since: timeField(before.sinceMs), until: timeField(before.untilMs), cause: before.cause };
}

function freezeText(result: FreezeOutcome, change: ChangeState): string {
  const { before, isChanged } = result;
  const wallet = `${cleanText(result.account)} (${result.wallet})`;
  const isOnlyTried = change.dryRun && !change.isRepeated;
  const lines: string[] = [];
  if (before === null) {
    lines.push(`${wallet} ${isOnlyTried ? 'would be' : 'is'} frozen until ${time(result.untilMs)}.`);
  } else {
    const by = before.cause === null ? '' : ` by ${freezeCauseWords(before.cause)}`;
    lines.push(`${wallet} was frozen already, since ${time(before.sinceMs)}${by}.`);
    const until = isOnlyTried ? 'It would end' : 'It now ends';
    lines.push(
      isChanged
        ? `${until} ${time(result.untilMs)} instead of ${time(before.untilMs)}.`
        : `Nothing was changed: it ends ${time(result.untilMs)}. More --hours extend it, \`tollkeeper wallet thaw\` ends it.`,
    );
  }
  if (isChanged) lines.push('Usage is kept in quarantine and not charged; it thaws by itself then.');
  return lines.join('\n');
}
