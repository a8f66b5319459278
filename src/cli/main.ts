import { randomBytes, randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { type Config, loadConfig } from '../config.ts';
import { createLogger, type Logger } from '../log.ts';
import { archiveFiles, openArchive } from '../wire/archive.ts';
import { applyMigrations, openBooks, readMigrations } from '../wire/books.ts';
import { openDemoStage, readUsageProfileJson } from '../wire/demo-stage.ts';
import { diagnose } from '../wire/doctor.ts';
import { openIntake } from '../wire/intake.ts';
import { packageVersions } from '../wire/package-versions.ts';
import { openReviewModel } from '../wire/review.ts';
import { readConfiguredRules, readRules, readRuleTexts } from '../wire/rules.ts';
import { readRunningRules } from '../wire/rules-state.ts';
import { startPipeline } from '../wire/start-pipeline.ts';
import type { CliContext } from './context.ts';
import { createOutput } from './output/output.ts';
import { createProblemLog } from './output/problem-log.ts';
import { run } from './run.ts';

/** Enough to overlap one lane's arithmetic with the others' commits on two cores. */
const DEMO_LANES = 4;

/** Exit codes from here on say that a signal ended the command. */
const INTERRUPTED = 128;

/** Runs the command line of this process and returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const config = once(() => loadConfig());
  const log = once(() => createLogger({ level: config().logLevel, format: config().logFormat, color: config().color }));
  const exitCode = await run(args, processContext(config, log), () => isDebugging(config));
  // What a signal cut short still tries to go on; waiting for it would keep the process alive.
  if (exitCode >= INTERRUPTED) process.exit(exitCode);
  return exitCode;
}

function processContext(config: () => Config, log: () => Logger): Omit<CliContext, 'setExitCode'> {
  const onProblem = createProblemLog(log);
  const onError = (error: Error) => onProblem('database connection', error);
  return {
    config,
    log,
    output: createOutput(process.stdout, process.stderr),
    now: () => Date.now(),
    newKey: () => `cli-${randomUUID()}`,
    randomBytes: (count) => randomBytes(count),
    actor: `cli:${userName()}@${hostname()}`,
    version: packageVersions().tollkeeper,
    readRules: (directory, options) => {
      const loading = { ...options, nowMs: Date.now() };
      return directory === undefined ? readConfiguredRules(config().rulesDir, loading) : readRules(directory, loading);
    },
    runningRules: () => readRunningRules(config().dataDir),
    readRuleTexts: (directory) => readRuleTexts(directory ?? config().rulesDir),
    openBooks: () => openBooks(config(), onError),
    archive: { open: (directory) => openArchive(config(), directory, onError), files: archiveFiles },
    migrations: {
      status: () => readMigrations(config(), onError),
      apply: () => applyMigrations(config(), onError),
    },
    startService: (options) =>
      startPipeline({
        ...options,
        config: config(),
        onProblem,
        onRules: ({ level, message, details }) => log()[level](details, message),
      }),
    openIntake: ({ ruleset }) => openIntake({ config: config(), ruleset, onProblem }),
    openDemoStage: ({ ruleset }) =>
      openDemoStage({ ruleset, lanes: DEMO_LANES, lateWindowMs: config().lateWindowMs, onProblem }),
    readUsageProfile: readUsageProfileJson,
    reviewModel: () => openReviewModel(config()),
    diagnose: () => diagnose(config(), () => Date.now()),
    stopRequested,
  };
}

/** Computed at the first call, and then kept. */
function once<T>(compute: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => {
    known ??= { value: compute() };
    return known.value;
  };
}

function isDebugging(config: () => Config): boolean {
  try {
    return config().logLevel === 'debug' || config().logLevel === 'trace';
  } catch {
    // A broken configuration is what is being reported.
    return false;
  }
}

/** Containers run under numbers that no user has; that must not stop a command. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}

function stopRequested(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
}
