import type { Command } from 'commander';
import { formatRuleLoadError, loadRuleset } from '../../domain/rules/ruleset.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import { type MutantResult, mutateRules, ruleIdsOf } from '../../pipeline/rule-lab/mutate.ts';
import type { CliContext } from '../context.ts';
import { withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { count } from '../output/words.ts';

interface MutateOptions {
  readonly json?: boolean;
  readonly rule?: readonly string[];
}

/** `rules mutate` */
export function registerMutate(rules: Command, context: CliContext): void {
  const command = rules
    .command('mutate')
    .description(
      'move every threshold, operator and window a step, and list what no test notices; exit 1 when something survives',
    )
    .argument('[directory]', 'default: the rules in force')
    .option('--rule <id...>', 'only these rules');
  withJson(command, ['tollkeeper rules mutate', 'tollkeeper rules mutate ./rules --rule spend-burst --json']).action(
    async (directory: string | undefined, options: MutateOptions) => {
      const { directory: place, files } = await context.readRuleTexts(directory);
      const loaded = loadRuleset(files);
      if (!loaded.ok) {
        const lines = [`The rules in ${place} do not load.`, ...loaded.errors.map(formatRuleLoadError)];
        throw new AppError('RULES_INVALID', lines.join('\n'));
      }
      const only = options.rule ?? [];
      const known = ruleIdsOf(files);
      const unknown = only.find((id) => !known.includes(id));
      if (unknown !== undefined) {
        throw new AppError('CLI_USAGE', `There is no rule ${cleanText(unknown)} in ${place}.`, {
          fix: `Its rules are ${known.join(', ')}.`,
        });
      }
      const results = [...mutateRules(files, only)];
      const survivors = results.filter(({ fate }) => fate === 'survived');
      print(context, options.json, {
        json: { ok: survivors.length === 0, directory: place, mutants: results.length, survivors, results },
        text: [...survivors.map(survivorLine), summary(results, survivors.length)].join('\n'),
      });
      if (survivors.length > 0) context.setExitCode(1);
    },
  );
}

function survivorLine({ path, place, from, to }: MutantResult): string {
  return `✗ ${cleanText(path)}: ${place}: ${cleanText(from)} → ${cleanText(to)} passes every test`;
}

function summary(results: readonly MutantResult[], survived: number): string {
  const of = (fate: MutantResult['fate']) => results.filter((result) => result.fate === fate).length;
  const noticed = `${of('noticed')} noticed by tests, ${of('refused')} refused at load`;
  return `${count(results.length, 'mutant')}: ${noticed}, ${survived} survived.`;
}
