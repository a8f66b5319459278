import { register } from 'node:module';
import type { SeedReport } from '../run.ts';
import type { Mistake } from './mistakes.ts';

/** What one process is asked to play. */
export interface PlantedRun {
  readonly mistake: Mistake;
  readonly seeds: readonly number[];
  readonly steps: number;
}

/** The first seed that noticed; `undefined` under `found` when none did. */
export interface PlantedResult {
  readonly found:
    | {
        readonly seed: number;
        readonly step: number;
        readonly property: string;
        readonly also: readonly string[];
        readonly detail: string;
      }
    | undefined;
  readonly steps: number;
}

// The entry of a process of its own: the hooks must be in place before anything of the ledger is loaded.
const run = JSON.parse(process.argv[2] ?? '') as PlantedRun;
register('./hooks.js', import.meta.url, { data: run.mistake });
const { runSeed } = await import('../run.ts');
const { openMemoryEngine } = await import('../memory/engine.ts');

async function play(): Promise<PlantedResult> {
  let steps = 0;
  for (const seed of run.seeds) {
    const report: SeedReport = await runSeed(seed, run.steps, openMemoryEngine());
    steps += report.steps;
    const { failure } = report;
    if (failure === undefined) continue;
    const { step, property, also, detail } = failure;
    return { found: { seed, step, property, also, detail }, steps };
  }
  return { found: undefined, steps };
}

process.stdout.write(`${JSON.stringify(await play())}\n`);
