import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PlantedResult, PlantedRun } from './play.ts';

/** A mistake may make the code wait or turn for ever; that is noticed by nobody but this. */
const MS_MAX = 120_000;

/** Plays a mistake in a process of its own, until a seed notices it. `Error` when the simulator itself broke. */
export async function playMistake(
  run: PlantedRun,
  entry = new URL('./play.js', import.meta.url),
): Promise<PlantedResult> {
  const child = spawn(process.execPath, [fileURLToPath(entry), JSON.stringify(run)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: MS_MAX,
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString('utf8');
  });
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString('utf8');
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${run.mistake.name}: exit ${code}: ${err.slice(0, 2_000)}`);
  return JSON.parse(out) as PlantedResult;
}
