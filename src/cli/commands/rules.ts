import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatRuleLoadError, type RuleLoadError } from '../../domain/rules/ruleset.ts';
import { type RuleTestResult, runRuleTests } from '../../domain/rules/run-rule-tests.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { type RunningRules, runningWords } from '../../wire/rules-state.ts';
import type { CliContext, RulesOnDisk } from '../context.ts';
import { withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { count } from '../output/words.ts';
import { registerBacktest } from './rules-backtest.ts';
import { registerDiff } from './rules-diff.ts';
import { registerExplain } from './rules-explain.ts';
import { registerMutate } from './rules-mutate.ts';
import { registerReplay } from './rules-replay.ts';
import { registerScorecard } from './rules-scorecard.ts';
import { registerTune } from './rules-tune.ts';

interface RulesOptions {
  readonly json?: boolean;
}

/** `rules …` */
export function registerRules(program: Command, context: CliContext): void {
  const rules = program.command('rules').description('the rule files: check them, run their tests');
  registerCheck(rules, context);
  registerTest(rules, context);
  registerBacktest(rules, context);
  registerDiff(rules, context);
  registerExplain(rules, context);
  registerReplay(rules, context);
  registerMutate(rules, context);
  registerScorecard(rules, context);
  registerTune(rules, context);
}

function registerCheck(rules: Command, context: CliContext): void {
  const command = rules
    .command('check')
    .description(
      'load all rule files and list everything that is wrong; exit 1 when something is, exit 2 when there is no such directory',
    )
    .argument('[directory]', 'default: the rules in force');
  withJson(command, ['tollkeeper rules check', 'tollkeeper rules check ./rules --json']).action(
    async (directory: string | undefined, { json }: RulesOptions) => {
      const read = await context.readRules(directory);
      const { result } = read;
      const running = await context.runningRules();
      const errors = result.ok ? [] : result.errors;
      print(context, json, {
        json: {
          ok: result.ok,
          directory: read.directory,
          ruleset: result.ok ? result.ruleset.hash : null,
          rules: result.ok ? result.ruleset.rules.map(({ id, mode }) => ({ id, mode })) : [],
          errors,
          warnings: result.warnings,
          running: running === undefined ? null : runningJson(running),
        },
        text: [
          ...findingLines(errors, result.warnings),
          checkSummary(read.directory, result),
          ...(running === undefined ? [] : [runningLine(running, read)]),
        ].join('\n'),
      });
      if (!result.ok) context.setExitCode(1);
    },
  );
}

function findingLines(errors: readonly RuleLoadError[], warnings: readonly RuleLoadError[]): readonly string[] {
  const lines = (finding: RuleLoadError) => formatRuleLoadError(finding).split('\n').map(cleanText).join('\n');
  return [...errors.map(lines), ...warnings.map((warning) => `warning: ${lines(warning)}`)];
}

function checkSummary(directory: string, result: Awaited<ReturnType<CliContext['readRules']>>['result']): string {
  const warnings = result.warnings.length === 0 ? '' : `, ${count(result.warnings.length, 'warning')}`;
  if (!result.ok) return `${count(result.errors.length, 'error')}${warnings}. ${cleanText(directory)} is not in force.`;
  const { rules, hash } = result.ruleset;
  const byMode = ['live', 'shadow', 'draft', 'retired']
    .map((mode) => ({ mode, number: rules.filter((rule) => rule.mode === mode).length }))
    .filter(({ number }) => number > 0)
    .map(({ mode, number }) => `${number} ${mode}`);
  return `${count(rules.length, 'rule')} (${byMode.join(', ')})${warnings}. Ruleset ${hash.slice(0, 12)}.`;
}

function runningJson({ hash, loadedAtMs, directory, onDisk }: RunningRules) {
  const refused = onDisk === undefined ? null : { ...onDisk, since: new Date(onDisk.sinceMs).toISOString() };
  return { ruleset: hash, loadedAt: new Date(loadedAtMs).toISOString(), directory, refused };
}

/** What the service does meanwhile: nobody should have to guess whether a file is in force. */
function runningLine(running: RunningRules, { result, directory }: RulesOnDisk): string {
  const runs = runningWords(running);
  if (resolve(running.directory) !== resolve(directory))
    return `The service runs ${runs} from ${cleanText(running.directory)}.`;
  if (!result.ok) return `Still running ${runs}.`;
  return result.ruleset.hash === running.hash
    ? `In force: ${runs}.`
    : `Still running ${runs}; this one follows in a moment.`;
}

function registerTest(rules: Command, context: CliContext): void {
  const command = rules
    .command('test')
    .description('run the tests inside the rule files; exit 1 when one fails')
    .argument('[directory]', 'default: the rules in force');
  withJson(command, ['tollkeeper rules test', 'tollkeeper rules test ./rules']).action(
    async (directory: string | undefined, { json }: RulesOptions) => {
      const { directory: place, result } = await context.readRules(directory, { runTests: false });
      if (!result.ok) {
        print(context, json, {
          json: { ok: false, directory: place, errors: result.errors, tests: [] },
          text: [...findingLines(result.errors, []), `No test was run: ${cleanText(place)} does not load.`].join('\n'),
        });
        context.setExitCode(1);
        return;
      }
      const tests = runRuleTests(result.ruleset);
      const failed = tests.filter(({ ok }) => !ok);
      print(context, json, {
        json: { ok: failed.length === 0, directory: place, errors: [], tests },
        text: [...tests.map(testLine), testSummary(tests.length, failed.length)].join('\n'),
      });
      if (failed.length > 0) context.setExitCode(1);
    },
  );
}

function testLine({ ok, ruleId, name, expect, actual, path, line, detail }: RuleTestResult): string {
  const head = `${ok ? '✓' : '✗'} ${ruleId}: ${cleanText(name)}`;
  if (ok) return head;
  return `${head}\n  ${cleanText(path)}:${line} expects ${expect}, but the result is ${actual}: ${cleanText(detail)}`;
}

function testSummary(all: number, failed: number): string {
  return failed === 0 ? `${count(all, 'test')}, all as expected.` : `${failed} of ${count(all, 'test')} failed.`;
}
