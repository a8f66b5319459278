import type { CliContext } from '../../src/cli/context.ts';
import { run } from '../../src/cli/run.ts';
import { parseConfig } from '../../src/config.ts';
import { createLogger } from '../../src/log.ts';

/** What a command printed, and how it ended. */
export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as the one JSON object it must be. */
  readonly json: () => unknown;
}

type Context = Omit<CliContext, 'setExitCode' | 'output'>;

/** A context in which everything that is not given throws: a test says what its command may touch. */
export function cliContext(given: Partial<Context>): Context {
  const refuse = (what: string) => () => {
    throw new Error(`the test gives no ${what}`);
  };
  return {
    config: () => parseConfig({}),
    log: () => createLogger({ level: 'silent', format: 'json' }, { write: () => undefined }),
    now: () => Date.UTC(2026, 2, 2, 9),
    newKey: () => 'cli-key',
    randomBytes: (count) => new Uint8Array(count).fill(7),
    actor: 'cli:test',
    version: '1.2.3',
    readRules: refuse('rules'),
    runningRules: async () => undefined,
    readRuleTexts: refuse('rules'),
    openBooks: refuse('books'),
    archive: { open: refuse('archive'), files: refuse('archive') },
    migrations: { status: refuse('migrations'), apply: refuse('migrations') },
    startService: refuse('service'),
    openIntake: refuse('intake'),
    openDemoStage: refuse('demo stage'),
    readUsageProfile: refuse('usage profile'),
    reviewModel: () => undefined,
    diagnose: refuse('diagnosis'),
    // Nobody stops a command unless a test does.
    stopRequested: () => new Promise(() => undefined),
    ...given,
  };
}

/** Runs one command line in this process. */
export async function runCli(args: readonly string[], given: Partial<Context> = {}): Promise<CliRun> {
  let [stdout, stderr] = ['', ''];
  const line = (text: string) => (text.endsWith('\n') ? text : `${text}\n`);
  const output = {
    data: (text: string) => {
      stdout += line(text);
    },
    note: (text: string) => {
      stderr += line(text);
    },
    columns: undefined,
  };
  const exitCode = await run(args, { ...cliContext(given), output }, () => false);
  return { exitCode, stdout, stderr, json: () => JSON.parse(stdout) };
}
