import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../src/adapters/postgres/embedded/free-port.ts';
import { startWatchdog, type Watchdog } from '../../src/adapters/postgres/embedded/watchdog.ts';
import { findRedisBinary, type RedisBinary } from './redis-binary.ts';

/** A Redis for tests and benchmarks. */
export interface RedisServer {
  readonly url: string;
  /** Ends the server and removes its data; does nothing to a server that `REDIS_URL` named. */
  stop(): Promise<void>;
  /** Ends the server with `signal` (default SIGTERM) and starts it on the same port with the same data. */
  restart(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Kills the server; its data stays. `resume` starts it again on the same port. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

export interface RedisOptions {
  /** `always` acknowledges nothing before it is on disk: what the no-loss promise is made for. */
  readonly appendfsync?: 'everysec' | 'always';
  /** Ignores `REDIS_URL`, for tests that restart their server. */
  readonly own?: boolean;
}

const PORT_TRIES_MAX = 5;

/**
 * A Redis that BullMQ can rely on: the one `REDIS_URL` names, else one started here with `noeviction` and `appendonly`
 * from a program on the PATH or from Debian's packages unpacked into the checkout.
 */
export async function ensureRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const given = process.env.REDIS_URL;
  if (given !== undefined && given !== '' && options.own !== true) return foreignRedis(given);
  const binary = await findRedisBinary();
  const dir = await mkdtemp(join(tmpdir(), 'tollkeeper-redis-'));
  const watchdog = startWatchdog({ user: undefined, pidFile: join(dir, 'redis.pid'), throwawayDir: dir });
  const start = { binary, dir, watchdog, appendfsync: options.appendfsync ?? 'everysec' };
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    try {
      const first = await launch({ ...start, port });
      return ownRedis({ ...start, port, first });
    } catch (error) {
      if (tries < PORT_TRIES_MAX) continue;
      watchdog.dismiss();
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }
}

interface LaunchOptions {
  readonly binary: RedisBinary;
  readonly dir: string;
  readonly watchdog: Watchdog;
  readonly appendfsync: 'everysec' | 'always';
  readonly port: number;
}

interface RunningRedis {
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

async function launch(options: LaunchOptions): Promise<RunningRedis> {
  const { binary, dir, port } = options;
  const settings = {
    port: `${port}`,
    bind: '127.0.0.1',
    dir,
    pidfile: join(dir, 'redis.pid'),
    save: '',
    appendonly: 'yes',
    appendfsync: options.appendfsync,
    'maxmemory-policy': 'noeviction',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(binary.path, args, {
    cwd: dir,
    env: { ...process.env, ...binary.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  options.watchdog.guard(child.pid);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (said.length < 10_000) said += `${line}\n`;
      if (line.includes('Ready to accept connections')) resolve();
    });
    void closed.then(() => reject(new Error(`redis-server did not start:\n${said}`)));
  });
  return {
    async end(signal) {
      child.kill(signal);
      await closed;
    },
  };
}

function ownRedis(options: LaunchOptions & { readonly first: RunningRedis }): RedisServer {
  let running = options.first;
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    await running.end('SIGTERM');
    options.watchdog.dismiss();
    await rm(options.dir, { recursive: true, force: true });
  };
  return {
    url: `redis://127.0.0.1:${options.port}`,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
    pause: () => running.end('SIGKILL'),
    async resume() {
      running = await launch(options);
    },
    async restart(signal = 'SIGTERM') {
      await running.end(signal);
      running = await launch(options);
    },
  };
}

function foreignRedis(url: string): RedisServer {
  const refuse = () =>
    Promise.reject(new Error('a Redis named by REDIS_URL is not ours to restart; ask for { own: true }'));
  return {
    url,
    stop: () => Promise.resolve(),
    restart: refuse,
    pause: refuse,
    resume: refuse,
  };
}
