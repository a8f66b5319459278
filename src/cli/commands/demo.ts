import type { Command } from 'commander';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import type { DemoStage } from '../../wire/demo-stage.ts';
import type { CliContext } from '../context.ts';
import { type DemoSource, runDemo } from '../demo/demo.ts';
import type { DemoReport } from '../demo/demo-report.ts';
import { readDemoFile } from '../demo/file-source.ts';
import { renderDemoReport } from '../demo/report.ts';
import { DEMO_DEFAULTS, demoTraffic } from '../demo/traffic.ts';
import { parseUsageProfile } from '../demo/usage-profile.ts';
import { positiveAmount, wholeNumber, withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { createProgress, type Progress } from '../output/progress.ts';
import { rulesInForce } from '../rules-in-force.ts';

interface DemoOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly seed: number;
  readonly accounts: number;
  readonly target: number;
  readonly events?: string;
  readonly openingBalance: string;
}

const COLUMNS_PIPED = 100;

/** `demo` */
export function registerDemo(program: Command, context: CliContext): void {
  const command = program
    .command('demo')
    .description('replay two weeks of real usage with abuse in it, in a throwaway database, and report what happened')
    .option(
      '--seed <number>',
      'draws accounts, amounts and times; the same number always draws the same ones',
      (text) => wholeNumber(text, 0, 999_999_999),
      DEMO_DEFAULTS.seed,
    )
    .option(
      '--accounts <count>',
      'how many accounts send usage',
      (text) => wholeNumber(text, 20, 5_000),
      DEMO_DEFAULTS.accounts,
    )
    .option(
      '--target <events>',
      'how many events, about',
      (text) => wholeNumber(text, 1_000, 5_000_000),
      DEMO_DEFAULTS.eventsTarget,
    )
    .option('--events <file>', 'replay this file instead (NDJSON or CSV, also .gz)')
    .option('--opening-balance <amount>', 'with --events: what every wallet starts with', '1000.00 USD')
    .option('--quiet', 'no progress');
  withJson(command, [
    'tollkeeper demo',
    'tollkeeper demo --seed 8 --json > report.json',
    'tollkeeper demo --events usage.ndjson.gz --opening-balance 250.00',
  ]).action((options: DemoOptions) => demo(context, options));
}

/** A run as far as it has come: what has to be put away when it is stopped. */
interface Run {
  opening?: Promise<DemoStage>;
  progress?: Progress;
  isStopped: boolean;
}

async function demo(context: CliContext, options: DemoOptions): Promise<void> {
  const run: Run = { isStopped: false };
  // Listened for from the start: a server that is just being set up has to be removed as well.
  const stopped = context.stopRequested();
  const finished = play(context, options, run);
  const signal = await Promise.race([stopped, finished.then(() => undefined)]);
  if (signal === undefined) return;
  run.isStopped = true;
  // The run now fails because it was stopped, which is no news.
  finished.catch(() => undefined);
  run.progress?.abandon();
  await remove(run);
  const isBarShown = run.progress !== undefined && !isSilent(options);
  // A terminal has echoed ^C where the next line would begin.
  const start = process.stderr.isTTY === true && !isBarShown ? '\n' : '';
  context.output.note(`${start}Stopped by ${signal}. The demo's database is removed.`);
  context.setExitCode(signal === 'SIGTERM' ? 143 : 130);
}

/** Ends what was opened, or is being opened, without waiting for work in hand. What fails here the watchdog removes. */
async function remove({ opening }: Run): Promise<void> {
  await opening?.then((stage) => stage.abandon()).catch(() => undefined);
}

function isSilent(options: DemoOptions): boolean {
  return options.json === true || options.quiet === true;
}

async function play(context: CliContext, options: DemoOptions, run: Run): Promise<void> {
  const ruleset = await rulesInForce(context);
  const plan = await sourceOf(context, options, ruleset);
  if (run.isStopped) return;
  run.opening = context.openDemoStage({ ruleset });
  const stage = await run.opening;
  try {
    const report = await runDemo(stage, plan.source, {
      seed: options.events === undefined ? options.seed : null,
      ruleset,
      startMs: plan.startMs,
      eventsExpected: plan.eventsExpected,
      progress: (total) => {
        run.progress = createProgress({
          label: 'replaying',
          total,
          isAbout: options.events === undefined,
          stream: process.stderr,
          silent: isSilent(options),
        });
        return run.progress;
      },
    });
    const { columns } = context.output;
    const text = renderDemoReport(report, {
      color: columns !== undefined && context.config().color,
      columns: columns ?? COLUMNS_PIPED,
    });
    print(context, options.json, { json: { ...report }, text });
    if (!proves(report)) context.setExitCode(1);
  } finally {
    // A stage that was abandoned has nothing left to close.
    if (!run.isStopped) await stage.close();
  }
}

function proves(report: DemoReport): boolean {
  return report.proof.length > 0 && report.proof.every(({ holds }) => holds);
}

async function sourceOf(
  context: CliContext,
  options: DemoOptions,
  ruleset: Ruleset,
): Promise<{ readonly source: DemoSource; readonly startMs: number; readonly eventsExpected: number }> {
  if (options.events !== undefined) {
    return readDemoFile(options.events, positiveAmount(options.openingBalance, ruleset.pricing.currency));
  }
  const { seed, accounts, target } = options;
  const profile = parseUsageProfile(await context.readUsageProfile());
  const plan = demoTraffic(profile, { ...DEMO_DEFAULTS, seed, accounts, eventsTarget: target });
  const source = {
    ...plan,
    *events() {
      for (const { event } of plan.events()) yield event;
    },
  };
  return { source, startMs: DEMO_DEFAULTS.startMs, eventsExpected: target };
}
