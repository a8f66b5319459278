import { startThrowawayPostgres } from '../src/adapters/postgres/embedded/throwaway-postgres.ts';
import type { Engine } from './engine.ts';
import { openMemoryEngine } from './memory/engine.ts';
import { type Options, parseOptions, USAGE, UsageError } from './options.ts';
import { postgresEngines } from './postgres-engine.ts';
import { runSeed, type SeedReport } from './run.ts';
import { failureText, summarise, summaryLine } from './summary.ts';

interface Engines {
  readonly open: (name: string) => Promise<Engine>;
  readonly close: () => Promise<void>;
}

async function main(words: readonly string[]): Promise<number> {
  const options = readOptions(words);
  if (typeof options === 'number') return options;
  const engines = await openEngines(options.engine);
  // The clock measures the run; nothing in it sees the time.
  const startedAtMs = performance.now();
  const reports: SeedReport[] = [];
  try {
    for (let index = 0; index < options.seeds; index++) {
      const report = await playAndShrink(options.seed + index, options, engines);
      reports.push(report);
      if (report.failure !== undefined) process.stderr.write(`${failureText(report, options.engine)}\n`);
    }
  } finally {
    await engines.close();
  }
  const summary = summarise(reports, (performance.now() - startedAtMs) / 1_000);
  process.stdout.write(`${options.json ? JSON.stringify(summary) : summaryLine(summary)}\n`);
  return summary.failures.length === 0 ? 0 : 1;
}

function readOptions(words: readonly string[]): Options | number {
  try {
    const options = parseOptions(words);
    if (options !== undefined) return options;
    process.stdout.write(USAGE);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    return 2;
  }
}

async function openEngines(kind: Options['engine']): Promise<Engines> {
  if (kind === 'memory') return { open: async () => openMemoryEngine(), close: async () => undefined };
  const server = await startThrowawayPostgres();
  const engines = await postgresEngines(server.connectionString);
  return { open: engines.open, close: () => server.stop() };
}

/** A failing seed is played with fewer and fewer steps, as long as it fails. */
async function playAndShrink(seed: number, options: Options, engines: Engines): Promise<SeedReport> {
  let best = await play(seed, options.steps, engines);
  if (best.failure === undefined || !options.shrink) return best;
  let failing = Math.min(best.failure.step, options.steps);
  for (let cut = failing >> 1; cut >= 1; ) {
    const shorter = await play(seed, Math.max(1, failing - cut), engines);
    if (shorter.failure === undefined || failing - cut < 1) cut >>= 1;
    else {
      best = shorter;
      failing -= cut;
    }
  }
  return best;
}

async function play(seed: number, steps: number, engines: Engines): Promise<SeedReport> {
  const engine = await engines.open(`s${seed}`);
  try {
    return await runSeed(seed, steps, engine);
  } finally {
    await engine.close();
  }
}

process.exitCode = await main(process.argv.slice(2));
