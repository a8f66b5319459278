import type { Command } from 'commander';
import { AppError } from '../../errors.ts';
import { explainDecision } from '../../pipeline/explain/explain-decision.ts';
import { REACTION_HOURS } from '../../pipeline/lane/weigh-outcome.ts';
import type { ExplainedWhich } from '../../pipeline/queries/explained-decision.ts';
import type { CliContext } from '../context.ts';
import { explainJson } from '../explain/explain-json.ts';
import { explainText } from '../explain/explain-text.ts';
import { type CommonOptions, withCommon } from '../options.ts';
import { print } from '../output/print.ts';
import { withBooks } from '../with-books.ts';

interface ExplainOptions extends CommonOptions {
  readonly account?: string;
  readonly rule?: string;
}

/** `rules explain ALERT` */
export function registerExplain(rules: Command, context: CliContext): void {
  const command = rules
    .command('explain')
    .description(
      'why a decision came out as it did: what every rule saw and needed, what would have changed it, and the sums behind it',
    )
    .argument('[id]', 'an alert (alt_…) or a decision (dec_…), which every hit has, in shadow too')
    .option('--account <name>', 'instead of an id: the newest decision about this account')
    .option('--rule <id>', 'with --account: the newest in which this rule fired');
  withCommon(command, [
    'tollkeeper rules explain alt_8k2m4q6r0t3v5x7z',
    'tollkeeper rules explain --account acme --rule request-flood --json',
  ]).action(async (id: string | undefined, options: ExplainOptions) => {
    const which = whichOf(id, options);
    const { decision, ruleset } = await withBooks(context, async ({ queries, replay }) => {
      const found = await queries.explained(options.tenant, which);
      if (found === undefined) throw notFound(which);
      return { decision: found, ruleset: await replay.ruleset(found.rulesetHash) };
    });
    const explained = { decision, explanation: explainDecision(decision, ruleset, REACTION_HOURS) };
    const hasRules = ruleset !== undefined;
    print(context, options.json, { json: explainJson(explained), text: explainText({ ...explained, hasRules }) });
  });
}

function whichOf(id: string | undefined, { account, rule }: ExplainOptions): ExplainedWhich {
  if ((id === undefined) === (account === undefined))
    throw new AppError('CLI_USAGE', 'Give one id, or --account with a name.');
  if (account === undefined && rule !== undefined)
    throw new AppError('CLI_USAGE', '--rule chooses among the decisions about an --account.');
  if (account !== undefined) return { by: 'account', account, ...(rule === undefined ? {} : { rule }) };
  return { by: id?.startsWith('dec_') === true ? 'decision' : 'alert', id: id ?? '' };
}

function notFound(which: ExplainedWhich): AppError {
  if (which.by !== 'account') {
    const code = which.by === 'alert' ? 'ALERT_NOT_FOUND' : 'DECISION_NOT_FOUND';
    return new AppError(code, `There is no ${which.by} ${JSON.stringify(which.id)}.`);
  }
  const fired = which.rule === undefined ? '' : ` in which ${JSON.stringify(which.rule)} fired`;
  const message = `There is no decision about ${JSON.stringify(which.account)}${fired}: no rule had anything to say.`;
  return new AppError('DECISION_NOT_FOUND', message);
}
