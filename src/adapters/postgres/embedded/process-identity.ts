import { readFile } from 'node:fs/promises';
import { runProgram } from './run-user.ts';

/**
 * A mark of the process that has this pid now, or undefined when none runs. A pid alone is not enough: after a crash or
 * a reboot another program can have it, so callers store this mark with the pid and compare both.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return process.platform === 'linux' ? startOnLinux(pid) : startFromPs(pid);
}

/** The command line of a running process, words joined by blanks, or undefined when it cannot be told. */
export async function commandLine(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return psColumn(pid, 'command=');
  const raw = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  return raw === undefined || raw === '' ? undefined : raw.replaceAll('\0', ' ').trim();
}

async function startOnLinux(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // proc(5): the name in brackets may itself hold blanks and brackets; state is field 3 and start time field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  // A zombie is dead, its parent just has not noticed.
  if (startTicks === undefined || state === 'Z' || state === 'X') return undefined;
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${bootId.trim()}/${startTicks}`;
}

async function startFromPs(pid: number): Promise<string | undefined> {
  const state = await psColumn(pid, 'state=');
  return state === undefined || state.startsWith('Z') ? undefined : psColumn(pid, 'lstart=');
}

async function psColumn(pid: number, column: string): Promise<string | undefined> {
  const { exitCode, output } = await runProgram({
    command: 'ps',
    args: ['-o', column, '-p', `${pid}`],
    user: undefined,
  });
  const value = output.trim();
  return exitCode === 0 && value !== '' ? value : undefined;
}
