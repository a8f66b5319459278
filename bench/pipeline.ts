import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import { startThrowawayPostgres } from '../src/adapters/postgres/embedded/throwaway-postgres.ts';
import { ensureRedis } from '../test/support/redis.ts';
import { benchEvents } from './bench-events.ts';
import { measureCopy } from './copy-baseline.ts';
import type { WorkerOrder, WorkerReport } from './pipeline-worker.ts';
import { type BenchRow, median, quantile } from './rows.ts';

const LANES = 4;
const ACCOUNTS = 10_000;
const JOB_EVENTS = 500;
const REPETITIONS = 3;
const FULL_EVENTS = 300_000;
const SINGLE_JOBS = 40_000;
const LATENCY_SECONDS = 8;

/** What the `tollkeeper` command runs with; the no-op worker gets the same. */
const WORKER_FLAGS = ['--max-semi-space-size=64'];

type RunningWorker = Awaited<ReturnType<typeof startWorker>>;

/** Where a run finds its engines. */
export interface Bench {
  readonly redisUrl: string;
  readonly databaseUrl: (name: string) => Promise<string>;
  readonly log: (line: string) => void;
}

/**
 * The pipeline end to end on a durable embedded PostgreSQL (fsync and synchronous_commit on) and an own Redis, shipped
 * rules on. Jobs are preloaded; the clock runs from the moment the worker begins to take jobs to its last commit. Peers (raw COPY
 * of the same rows, a no-op worker) run in the same session, interleaved.
 */
export async function benchPipeline(log: (line: string) => void): Promise<BenchRow[]> {
  const redis = await ensureRedis({ own: true });
  const postgres = await startThrowawayPostgres({ durable: true });
  const bench: Bench = { redisUrl: redis.url, databaseUrl: databaseFactory(postgres.connectionString), log };
  try {
    const full = await measureFull(bench);
    const single = await measureSingle(bench);
    const latency = await measureLatency(bench, full.eventsPerS / 2);
    const at100k = await runWorker(bench, 'mem100k', { accounts: 100_000, events: 400_000 });
    return [
      { name: 'pipeline_events_per_s', value: full.eventsPerS, unit: 'events/s, jobs of 500, 10,000 accounts' },
      { name: 'copy_events_per_s', value: full.copyPerS, unit: 'rows/s, raw binary COPY of the same rows' },
      { name: 'pipeline_to_copy', value: full.ratio, unit: 'ratio, median of paired runs' },
      { name: 'single_jobs_per_s', value: single.jobsPerS, unit: 'jobs/s, one event each, concurrency 1,000' },
      { name: 'noop_jobs_per_s', value: single.noopPerS, unit: 'jobs/s, no-op worker, equal-size value' },
      { name: 'single_to_noop', value: single.ratio, unit: 'ratio, median of paired runs' },
      { name: 'commit_p50_ms', value: latency.p50, unit: 'ms enqueue → committed at half load' },
      { name: 'commit_p99_ms', value: latency.p99, unit: 'ms enqueue → committed at half load' },
      { name: 'worker_mb_10k', value: full.rssMb, unit: 'MB resident after 300,000 events, 10,000 accounts' },
      { name: 'worker_mb_100k', value: at100k.rssMb, unit: 'MB resident after 400,000 events, 100,000 accounts' },
    ];
  } finally {
    await postgres.stop();
    await redis.stop();
  }
}

/** Jobs of 500 events through the whole pipeline, beside raw COPY of as many rows. */
export async function measureFull(bench: Bench) {
  const rates: number[] = [];
  const copies: number[] = [];
  const ratios: number[] = [];
  let rssMb = 0;
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const copy = await measureCopy(await bench.databaseUrl(`copy${repetition}`), FULL_EVENTS, LANES);
    const run = await runWorker(bench, `full${repetition}`, { accounts: 10_000, events: FULL_EVENTS });
    bench.log(`pipeline ${Math.round(run.perS)} events/s, COPY ${Math.round(copy)} rows/s`);
    rates.push(run.perS);
    copies.push(copy);
    ratios.push(run.perS / copy);
    rssMb = Math.max(rssMb, run.rssMb);
  }
  return { eventsPerS: median(rates), copyPerS: median(copies), ratio: median(ratios), rssMb };
}

async function measureSingle(bench: Bench) {
  const rates: number[] = [];
  const noops: number[] = [];
  const ratios: number[] = [];
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const noop = await runSingle(bench, `noop${repetition}`, 'noop');
    const ours = await runSingle(bench, `single${repetition}`, 'pipeline');
    bench.log(`single jobs ${Math.round(ours)}/s, no-op ${Math.round(noop)}/s`);
    rates.push(ours);
    noops.push(noop);
    ratios.push(ours / noop);
  }
  return { jobsPerS: median(rates), noopPerS: median(noops), ratio: median(ratios) };
}

async function runSingle(bench: Bench, run: string, mode: WorkerOrder['mode']): Promise<number> {
  const noopResult = { v: 1, results: [{ id: `${run}-${SINGLE_JOBS}`, status: 'posted' }] };
  const worker = await startWorker(bench, run, { mode, concurrency: 1_000, noopResult });
  const opened = mode === 'pipeline' ? await openAccounts(bench, run, worker) : 0;
  const queue = openQueue(bench, run);
  // Preloaded while nobody takes jobs; the clock starts when they may.
  await queue.pause();
  await preload(bench, run, benchEvents(run, 0, SINGLE_JOBS, ACCOUNTS, Date.now()));
  const startedAtMs = Date.now();
  await queue.resume();
  const last = await worker.until(opened + SINGLE_JOBS);
  await worker.stop();
  await queue.close();
  return SINGLE_JOBS / ((last.atMs - startedAtMs) / 1_000);
}

/** Posts so many events from the queue; the rate runs from the first job taken to the last commit. */
export async function runWorker(
  bench: Bench,
  run: string,
  size: { readonly accounts: number; readonly events: number },
) {
  const nowMs = Date.now();
  const jobs: unknown[] = [];
  for (let from = 0; from < size.events; from += JOB_EVENTS) {
    jobs.push({ v: 1, events: benchEvents(run, from, JOB_EVENTS, size.accounts, nowMs) });
  }
  await preload(bench, run, jobs);
  const worker = await startWorker(bench, run, { mode: 'pipeline', concurrency: 64 });
  const last = await worker.until(size.events);
  await worker.stop();
  return { perS: rateOf(worker.startedAtMs(), last), rssMb: last.rssMb };
}

/** Posts one event for every account, as a running service has them open; returns how many events that took. */
async function openAccounts(bench: Bench, run: string, worker: RunningWorker): Promise<number> {
  const events = benchEvents(`open-${run}`, 0, ACCOUNTS, ACCOUNTS, Date.now());
  const jobs: unknown[] = [];
  for (let from = 0; from < events.length; from += JOB_EVENTS) {
    const slice = events.slice(from, from + JOB_EVENTS);
    jobs.push({ v: 1, events: slice.map((event, index) => ({ ...event, account: `acct_${from + index}` })) });
  }
  await preload(bench, run, jobs);
  await worker.until(events.length);
  return events.length;
}

/** Jobs of 500 sent at a steady half of full load; every event carries when its job was enqueued. */
async function measureLatency(bench: Bench, eventsPerS: number) {
  const run = 'latency';
  const queue = openQueue(bench, run);
  const worker = await startWorker(bench, run, { mode: 'pipeline', concurrency: 64 });
  const opened = await openAccounts(bench, run, worker);
  const gapMs = (JOB_EVENTS / eventsPerS) * 1_000;
  const jobs = Math.floor((LATENCY_SECONDS * 1_000) / gapMs);
  const startMs = Date.now();
  for (let job = 0; job < jobs; job++) {
    const waitMs = startMs + job * gapMs - Date.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const sentAt = Date.now();
    const events = benchEvents(run, job * JOB_EVENTS, JOB_EVENTS, 10_000, sentAt);
    await queue.add('usage', {
      v: 1,
      events: events.map((event) => ({ ...event, properties: { ...event.properties, sentAt } })),
    });
  }
  await worker.until(opened + jobs * JOB_EVENTS);
  await worker.stop();
  await queue.close();
  return { p50: quantile(worker.latenciesMs, 0.5), p99: quantile(worker.latenciesMs, 0.99) };
}

function openQueue(bench: Bench, prefix: string): Queue {
  return new Queue('usage', { connection: { url: bench.redisUrl }, prefix });
}

async function preload(bench: Bench, prefix: string, jobs: readonly unknown[]): Promise<void> {
  const queue = openQueue(bench, prefix);
  for (let from = 0; from < jobs.length; from += 200) {
    await queue.addBulk(jobs.slice(from, from + 200).map((data) => ({ name: 'usage', data })));
  }
  await queue.close();
}

async function startWorker(
  bench: Bench,
  prefix: string,
  settings: Pick<WorkerOrder, 'mode' | 'concurrency'> & { readonly noopResult?: unknown },
) {
  const child = fork(fileURLToPath(new URL('./pipeline-worker.js', import.meta.url)), {
    execArgv: WORKER_FLAGS,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const latenciesMs: number[] = [];
  let startedAtMs = 0;
  let latest: WorkerReport = { events: 0, atMs: 0, rssMb: 0, latenciesMs: [] };
  let wake = () => {};
  child.on('message', (message) => {
    latest = message as WorkerReport;
    if (startedAtMs === 0) startedAtMs = latest.atMs;
    latenciesMs.push(...latest.latenciesMs);
    wake();
  });
  const order: WorkerOrder = {
    ...settings,
    databaseUrl: await bench.databaseUrl(prefix),
    redisUrl: bench.redisUrl,
    prefix,
    lanes: LANES,
  };
  child.send(order);
  return {
    latenciesMs,
    startedAtMs: () => startedAtMs,
    async until(events: number): Promise<WorkerReport> {
      while (latest.events < events) await new Promise<void>((resolve) => (wake = resolve));
      return latest;
    },
    stop: () =>
      new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
        child.send('stop');
      }),
  };
}

/** Events a second from taking the first job to the last commit. */
function rateOf(startedAtMs: number, last: WorkerReport): number {
  return last.events / ((last.atMs - startedAtMs) / 1_000);
}

/** Makes (or finds) a database by name. */
export function databaseFactory(connectionString: string): Bench['databaseUrl'] {
  return async (name) => {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString });
    await client.connect();
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [`bench_${name}`]);
    if (rowCount === 0) await client.query(`create database bench_${name}`);
    await client.end();
    const url = new URL(connectionString);
    url.pathname = `/bench_${name}`;
    return url.toString();
  };
}
