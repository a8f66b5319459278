import { spawn } from 'node:child_process';
import { type RunUser, spawnRights } from './run-user.ts';

/** Ends the engine when this Node process ends without having done so itself, even by SIGKILL. */
export interface Watchdog {
  /** The server to stop from now on; undefined while there is none. */
  guard(pid: number | undefined): void;
  /** Everything was put away properly. */
  dismiss(): void;
}

// It reads lines from us until the pipe closes, which the kernel does however we die. Each line is the pid to stop then;
// `-` means none and `done` that nothing is left to do. SIGINT is PostgreSQL's fast shutdown, so no data is at risk.
// The server removes its pid file last; its pid alone would not do, as it stays visible where no init collects the dead.
const SCRIPT = `
pid=-
while IFS= read -r line; do pid=$line; done
[ "$pid" != done ] || exit 0
if [ "$pid" != - ]; then
  kill -INT "$pid" 2>/dev/null
  tenths=0
  while [ -e "$1" ] && kill -0 "$pid" 2>/dev/null && [ $tenths -lt 600 ]; do sleep 0.1; tenths=$((tenths + 1)); done
fi
[ -z "$2" ] || rm -rf -- "$2"
`;

/**
 * Starts the watchdog: a small shell that outlives us by moments. Signal handlers in this process would be the usual
 * way, but they cannot see a SIGKILL, and a library that installs them changes what Ctrl-C means for its host.
 * It has the run user's rights only, and removes `throwawayDir` at the end when there is one.
 */
export function startWatchdog(options: {
  readonly user: RunUser | undefined;
  /** The file that the server removes when it ends. */
  readonly pidFile: string;
  readonly throwawayDir: string | undefined;
}): Watchdog {
  const shell = spawn('sh', ['-c', SCRIPT, 'tollkeeper-watchdog', options.pidFile, options.throwawayDir ?? ''], {
    ...spawnRights(options.user),
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without it an engine only lives on until the next start finds it, so its failure must not end ours.
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  shell.unref();
  const tell = (line: string) => void shell.stdin.write(`${line}\n`);
  return {
    guard: (pid) => tell(pid === undefined ? '-' : `${pid}`),
    dismiss: () => void shell.stdin.end('done\n'),
  };
}
