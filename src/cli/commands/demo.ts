import type { Command } from 'commander';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { formatIso } from '../../domain/time.ts';
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
import { createProgress } from '../output/progress.ts';
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
      'another story with the same figures',
      (text) => wholeNumber(text, 0, 999_999_999),
      DEMO_DEFAULTS.seed,
    )
    .option(
      '--accounts <count>',
      'how many accounts play',
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

async function demo(context: CliContext, options: DemoOptions): Promise<void> {
  const ruleset = await rulesInForce(context);
  const silent = options.json === true || options.quiet === true;
  const plan = await sourceOf(context, options, ruleset);
  const stage = await context.openDemoStage({ ruleset });
  try {
    const report = await interruptible(context, stage, () =>
      runDemo(stage, plan.source, {
        seed: options.events === undefined ? options.seed : 0,
        ruleset,
        startMs: plan.startMs,
        eventsExpected: plan.eventsExpected,
        progress: (total) => createProgress({ label: 'replaying', total, stream: process.stderr, silent }),
      }),
    );
    const { columns } = context.output;
    const text = renderDemoReport(report, {
      color: columns !== undefined && context.config().color,
      columns: columns ?? COLUMNS_PIPED,
    });
    print(context, options.json, { json: { ...report }, text });
    if (!proves(report)) context.setExitCode(1);
  } finally {
    await stage.close();
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

/** Ctrl-C ends the demo at once and leaves nothing behind. */
async function interruptible<T>(context: CliContext, stage: DemoStage, work: () => Promise<T>): Promise<T> {
  let isDone = false;
  void context.stopRequested().then(async (signal) => {
    if (isDone) return;
    context.output.note(`\n${signal} at ${formatIso(context.now())}: stopping the demo.`);
    await stage.abandon();
    process.exit(130);
  });
  try {
    return await work();
  } finally {
    isDone = true;
  }
}
