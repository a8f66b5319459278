import { type Command, Option } from 'commander';
import { cleanText } from '../../domain/text/clean.ts';
import type { Verdict } from '../../pipeline/admin/case-store.ts';
import { type CloseAlertOutcome, closeAlert } from '../../pipeline/admin/close-alert.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { inWords, time } from '../output/words.ts';
import { withBooks } from '../with-books.ts';
import { type ChangeOptions, type ChangeState, changeJson, closing, withChange } from './change-view.ts';

interface CloseOptions extends CommonOptions, ChangeOptions {
  readonly as: Verdict;
  readonly reason: string;
}

const VERDICTS: readonly Verdict[] = ['confirmed_fraud', 'benign', 'duplicate'];

/** `alert close ID` */
export function registerClose(alert: Command, context: CliContext): void {
  const command = alert
    .command('close')
    .description('say what an alert turned out to be; the account’s baseline and the rules’ figures learn from it')
    .argument('<id>', 'an alert id (alt_…)')
    .addOption(new Option('--as <verdict>', 'what was found').choices(VERDICTS).makeOptionMandatory());
  withCommon(withChange(command, 'required'), [
    'tollkeeper alert close alt_8k2m4q6r0t3v5x7z --as benign --reason "load test, announced"',
    'tollkeeper alert close alt_8k2m4q6r0t3v5x7z --as confirmed_fraud --reason "key leaked, case 118" --dry-run',
  ]).action(async (id: string, options: CloseOptions) => {
    const key = options.key ?? context.newKey();
    const dryRun = options.dryRun === true;
    const result = await withBooks(context, ({ admin }) =>
      closeAlert(admin, {
        tenant: options.tenant,
        alertId: id,
        verdict: options.as,
        reason: options.reason,
        key,
        actor: context.actor,
        nowMs: context.now(),
        dryRun,
      }),
    );
    const change = { key, dryRun, isRepeated: result.isRepeated };
    print(context, options.json, { json: closeJson(result, change), text: closeText(result, change) });
  });
}

function closeJson(result: CloseAlertOutcome, change: ChangeState) {
  const { alert, title, verdict, before, duplicates, learns } = result;
  return {
    alert,
    title,
    verdict,
    before,
    duplicates,
    learns: learns === null ? null : { from: timeField(learns.fromMs), to: timeField(learns.toMs) },
    ...changeJson(result, change),
  };
}

function closeText(result: CloseAlertOutcome, change: ChangeState): string {
  const { alert, title, account, verdict, before, duplicates, learns, status } = result;
  const isOnlyTried = change.dryRun && !change.isRepeated;
  const was = before === 'open' ? '' : `, after ${inWords(before)}`;
  const lines = [
    `${alert} ${isOnlyTried ? 'would be' : 'is'} closed as ${inWords(verdict)}${was}: ${cleanText(title)}`,
  ];
  if (duplicates.length > 0) {
    lines.push(`Closed with it, as duplicates of the same incident: ${duplicates.join(', ')}.`);
  }
  if (learns !== null) {
    lines.push(
      `${cleanText(account)}'s baseline learns ${time(learns.fromMs)} to ${time(learns.toMs)} as normal, from its next event on.`,
    );
  }
  if (verdict === 'confirmed_fraud') lines.push('Its hours stay out of the baseline; the next hit raises a new alert.');
  if (verdict === 'benign' && status !== 'active') {
    lines.push(`The wallet is ${status} still: \`tollkeeper wallet thaw ${cleanText(account)}\` ends that.`);
  }
  lines.push(closing(change));
  return lines.join('\n');
}
