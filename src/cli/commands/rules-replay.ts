import { type Command, Option } from 'commander';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import { type ReplayResult, replayDecisions } from '../../pipeline/replay/replay-decision.ts';
import type { ReplayStore, StoredDecision } from '../../pipeline/replay/replay-store.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, wholeNumber, withCommon } from '../options.ts';
import { print } from '../output/print.ts';
import { count } from '../output/words.ts';
import { withBooks } from '../with-books.ts';

interface ReplayOptions extends CommonOptions {
  readonly sample?: number;
  readonly rules?: string;
}

interface Replayed {
  readonly decisionId: string;
  readonly result: ReplayResult;
}

const SAMPLE_MAX = 1_000;

/** `rules replay DECISION` */
export function registerReplay(rules: Command, context: CliContext): void {
  const sample = new Option('--sample <count>', 'instead of one decision, so many of the newest');
  const command = rules
    .command('replay')
    .description(
      'decide again from the stored events; exit 1 when something comes out otherwise, and name the first field',
    )
    .argument('[decision]', 'a decision id (dec_…); `alert show` has it')
    .addOption(sample.argParser((text) => wholeNumber(text, 1, SAMPLE_MAX)))
    .option(
      '--rules <directory>',
      'rule files to look for the ruleset in first (default: those in force); others are kept with the books',
    );
  withCommon(command, [
    'tollkeeper rules replay dec_8k2m4q6r0t3v5x7z',
    'tollkeeper rules replay --sample 20 --json',
  ]).action(async (decision: string | undefined, options: ReplayOptions) => {
    if ((decision === undefined) === (options.sample === undefined)) {
      throw new AppError('CLI_USAGE', 'Give one decision, or --sample with a number.');
    }
    const { result } = await context.readRules(options.rules, { runTests: false });
    const replayed = await withBooks(context, async ({ replay }) => {
      const wanted = await wantedOf(replay, options, decision);
      const rulesetOf = (hash: string) =>
        result.ok && result.ruleset.hash === hash ? Promise.resolve(result.ruleset) : replay.ruleset(hash);
      const decisions: StoredDecision[] = [];
      for (const { tenant, decisionId } of wanted) {
        const stored = await replay.decision(tenant, decisionId);
        if (stored === undefined) {
          throw new AppError('DECISION_NOT_FOUND', `There is no decision ${JSON.stringify(decisionId)}.`);
        }
        decisions.push(stored);
      }
      const done = await replayDecisions(replay, rulesetOf, decisions);
      return done.map((one): Replayed => ({ decisionId: one.decision.decisionId, result: one.result }));
    });
    const differing = replayed.filter((one) => one.result.status === 'differs');
    print(context, options.json, {
      json: {
        ok: differing.length === 0,
        decisions: replayed.map(({ decisionId, result: found }) => ({ decision: decisionId, ...found })),
      },
      text: [...replayed.map(lineOf), summaryOf(replayed)].join('\n'),
    });
    if (differing.length > 0) context.setExitCode(1);
  });
}

function wantedOf(store: ReplayStore, { sample, tenant }: ReplayOptions, decisionId: string | undefined) {
  return decisionId === undefined ? store.sample(sample ?? 1) : Promise.resolve([{ tenant, decisionId }]);
}

function lineOf({ decisionId, result }: Replayed): string {
  const id = cleanText(decisionId);
  if (result.status === 'same') return `✓ ${id}: the same, from ${count(result.events, 'event')}`;
  if (result.status === 'impossible') return `– ${id}: cannot be decided again: ${cleanText(result.reason)}`;
  const value = (what: unknown) => cleanText(JSON.stringify(what) ?? 'nothing');
  return `✗ ${id}: ${cleanText(result.field)} was ${value(result.stored)} and comes out as ${value(result.replayed)}`;
}

function summaryOf(replayed: readonly Replayed[]): string {
  const number = (status: ReplayResult['status']) => replayed.filter(({ result }) => result.status === status).length;
  if (replayed.length === 0) return 'There are no decisions yet.';
  return `${count(replayed.length, 'decision')}: ${number('same')} the same, ${number('differs')} different, ${number('impossible')} that cannot be decided again.`;
}
