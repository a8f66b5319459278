import { fork } from 'node:child_process';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { startThrowawayPostgres } from '../src/adapters/postgres/embedded/throwaway-postgres.ts';
import { ensureRedis } from '../test/support/redis.ts';
import { benchEvents, seededRandom } from './bench-events.ts';
import type { HttpOrder, HttpReport } from './http-worker.ts';
import { type Bench, databaseFactory, runWorker } from './pipeline.ts';
import { type BenchRow, median, quantile } from './rows.ts';

const LANES = 4;
const ACCOUNTS = 10_000;
const BATCH = 1_000;
const EVENTS = 200_000;
const CONNECTIONS = 8;
const REPETITIONS = 3;
const CLIENTS = 16;
const HOLD_ACCOUNTS = 500;
const HOLD_SECONDS = 10;

/**
 * The HTTP edge on a durable embedded PostgreSQL and an own Redis, shipped rules on, client and server on the same machine:
 * usage in requests of 1,000 events that wait for their commit, beside the same number of events preloaded into the queue;
 * and holds that are placed and captured by clients that wait for each answer.
 */
export async function benchHttp(log: (line: string) => void): Promise<BenchRow[]> {
  const redis = await ensureRedis({ own: true });
  const postgres = await startThrowawayPostgres({ durable: true });
  const bench: Bench = { redisUrl: redis.url, databaseUrl: databaseFactory(postgres.connectionString), log };
  try {
    const [http, queue, ratios]: [number[], number[], number[]] = [[], [], []];
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      const queued = await runWorker(bench, `queue${repetition}`, { accounts: ACCOUNTS, events: EVENTS });
      const sent = await sendUsage(bench, `http${repetition}`);
      log(`http ${Math.round(sent)} events/s, queue ${Math.round(queued.perS)} events/s`);
      http.push(sent);
      queue.push(queued.perS);
      ratios.push(sent / queued.perS);
    }
    const pairs = await holdPairs(bench);
    const how = `${CLIENTS} clients that wait for each answer, ${LANES} lanes, ${HOLD_ACCOUNTS} wallets`;
    return [
      {
        name: 'http_events_per_s',
        value: median(http),
        unit: `events/s, requests of ${BATCH} that wait for the commit`,
      },
      { name: 'http_queue_events_per_s', value: median(queue), unit: 'events/s, jobs of 500 preloaded, same run' },
      { name: 'http_to_queue', value: median(ratios), unit: 'ratio, median of paired runs' },
      { name: 'http_hold_pairs_per_s', value: pairs.perS, unit: `holds placed and captured/s over HTTP, ${how}` },
      {
        name: 'http_hold_pair_p99_ms',
        value: pairs.p99Ms,
        unit: `ms asked to place → durably captured over HTTP, ${how}`,
      },
    ];
  } finally {
    await postgres.stop();
    await redis.stop();
  }
}

/** Events a second from the first request to the last commit. */
async function sendUsage(bench: Bench, run: string): Promise<number> {
  const bodies: string[] = [];
  const nowMs = Date.now();
  for (let from = 0; from < EVENTS; from += BATCH)
    bodies.push(JSON.stringify({ events: benchEvents(run, from, BATCH, ACCOUNTS, nowMs) }));
  const server = await startServer(bench, run, 0);
  let next = 0;
  const startedAtMs = Date.now();
  const result = await autocannon({
    url: `${server.url}/v1/events?wait=true`,
    method: 'POST',
    headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
    connections: CONNECTIONS,
    amount: bodies.length,
    timeout: 60,
    requests: [{ setupRequest: (sent) => ({ ...sent, body: bodies[next++ % bodies.length] ?? '' }) }],
  });
  if (result['2xx'] !== bodies.length)
    throw new Error(`${result['2xx']} of ${bodies.length} requests were answered 2xx`);
  const last = await server.until(EVENTS);
  await server.stop();
  return EVENTS / ((last.atMs - startedAtMs) / 1_000);
}

/** Places and captures holds over HTTP, each client one pair after the other. */
async function holdPairs(bench: Bench): Promise<{ readonly perS: number; readonly p99Ms: number }> {
  const server = await startServer(bench, 'holds', HOLD_ACCOUNTS);
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const random = seededRandom(1);
  const times: number[] = [];
  const startedAtMs = performance.now();
  const endMs = startedAtMs + HOLD_SECONDS * 1_000;
  const post = (path: string, body: unknown) => ask(agent, `${server.url}${path}`, server.key, JSON.stringify(body));
  const client = async (_: unknown, number: number) => {
    for (let pair = 0; performance.now() < endMs; pair++) {
      const fromMs = performance.now();
      const [hold, account] = [`${number}-${pair}`, `acct_${Math.floor(random() * HOLD_ACCOUNTS)}`];
      await post('/v1/holds', { hold, account, amount: '0.01' });
      await post(`/v1/holds/${hold}/capture`, { account, amount: '0.01' });
      times.push(performance.now() - fromMs);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const perS = times.length / ((performance.now() - startedAtMs) / 1_000);
  agent.destroy();
  await server.stop();
  const p99Ms = quantile(times, 0.99);
  bench.log(`hold pairs over HTTP: ${Math.round(perS)}/s, p99 ${p99Ms.toFixed(1)} ms`);
  return { perS, p99Ms };
}

function ask(agent: Agent, url: string, key: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume();
      answer.once('end', () => {
        if (answer.statusCode === 200 || answer.statusCode === 201) resolve();
        else reject(new Error(`${url} answered ${answer.statusCode}`));
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** A server in a process of its own. */
async function startServer(bench: Bench, prefix: string, credited: number) {
  const child = fork(fileURLToPath(new URL('./http-worker.js', import.meta.url)), {
    execArgv: ['--max-semi-space-size=64'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let latest: HttpReport = { url: '', key: '', events: 0, atMs: 0 };
  let wake = () => {};
  child.on('message', (message) => {
    latest = message as HttpReport;
    wake();
  });
  const { redisUrl } = bench;
  const order: HttpOrder = { databaseUrl: await bench.databaseUrl(prefix), redisUrl, prefix, lanes: LANES, credited };
  child.send(order);
  const wait = () => new Promise<void>((resolve) => (wake = resolve));
  while (latest.url === '') await wait();
  const { url, key } = latest;
  return {
    url,
    key,
    async until(events: number): Promise<HttpReport> {
      while (latest.events < events) await wait();
      return latest;
    },
    stop: () =>
      new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
        child.send('stop');
      }),
  };
}
