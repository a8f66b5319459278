import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** Runs a program to its end and returns what it printed; rejects, with its stderr, when it fails. */
export async function runCommand(command: string, args: readonly string[], cwd?: string): Promise<string> {
  const env = { ...process.env, LC_ALL: 'C' };
  const options = { maxBuffer: OUTPUT_BYTES_MAX, env, ...(cwd === undefined ? {} : { cwd }) };
  const { stdout } = await execFileAsync(command, [...args], options);
  return stdout;
}
