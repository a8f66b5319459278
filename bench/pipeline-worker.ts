import { Worker } from 'bullmq';
import { readRuleFiles } from '../src/adapters/rule-files.ts';
import { loadRuleset } from '../src/domain/rules/ruleset.ts';
import { DAY_MS } from '../src/domain/time.ts';
import { openEngine } from '../src/wire/engine.ts';
import { startService } from '../src/wire/service.ts';

/** What the parent asks of this process; one worker process per measurement keeps its memory figure clean. */
export interface WorkerOrder {
  readonly mode: 'pipeline' | 'noop';
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly prefix: string;
  readonly concurrency: number;
  readonly lanes: number;
  /** What the no-op worker returns, of the size our results have. */
  readonly noopResult?: unknown;
}

/** Progress after each commit (or, for the no-op worker, now and then). */
export interface WorkerReport {
  /** Sent once with zero events, when the worker begins to take jobs. */
  readonly events: number;
  readonly atMs: number;
  readonly rssMb: number;
  readonly latenciesMs: readonly number[];
}

async function run(order: WorkerOrder): Promise<void> {
  if (order.mode === 'noop') return runNoop(order);
  const loaded = loadRuleset(await readRuleFiles());
  if (!loaded.ok) throw new Error('the shipped rules do not load');
  const settings = {
    databaseUrl: order.databaseUrl,
    redisUrl: order.redisUrl,
    queuePrefix: order.prefix,
    dataDir: '.tollkeeper',
    port: undefined,
    lanes: order.lanes,
    jobLockMs: 60_000,
  };
  const onError = (error: Error) => process.stderr.write(`${error.message}\n`);
  const engine = await openEngine(settings, { mode: 'shared', onError });
  let events = 0;
  report({ events, atMs: Date.now(), rssMb: 0, latenciesMs: [] });
  const service = await startService(engine, {
    ruleset: () => loaded.ruleset,
    lateWindowMs: 35 * DAY_MS,
    batchEventsMax: 10_000,
    gatherMs: 5,
    concurrency: order.concurrency,
    owner: `bench ${process.pid}`,
    now: () => Date.now(),
    onRetry: (what, attempt, error) => process.stderr.write(`${what} attempt ${attempt}: ${String(error)}\n`),
    onCommit: (batch) => {
      const atMs = Date.now();
      events += batch.facts.length;
      const latenciesMs: number[] = [];
      for (const { item } of batch.facts) {
        const sentAt = item.event.properties?.sentAt;
        if (typeof sentAt === 'number') latenciesMs.push(atMs - sentAt);
      }
      report({ events, atMs, rssMb: rssMb(), latenciesMs });
    },
  });
  process.once('message', () => {
    void service
      .close()
      .then(() => engine.close())
      .then(() => process.exit(0));
  });
}

async function runNoop(order: WorkerOrder): Promise<void> {
  let events = 0;
  report({ events, atMs: Date.now(), rssMb: 0, latenciesMs: [] });
  const worker = new Worker(
    'usage',
    async () => {
      events++;
      if (events % 500 === 0) report({ events, atMs: Date.now(), rssMb: 0, latenciesMs: [] });
      return order.noopResult;
    },
    {
      connection: { url: order.redisUrl, maxRetriesPerRequest: null },
      prefix: order.prefix,
      concurrency: order.concurrency,
      removeOnComplete: { age: 86_400, count: 5_000 },
      lockDuration: 60_000,
    },
  );
  await worker.waitUntilReady();
  process.once('message', () => {
    void worker.close().then(() => process.exit(0));
  });
}

let rssAtMs = 0;
let rssLastMb = 0;

/** Resident memory, read a few times a second: asking the kernel at every commit would show in the figures. */
function rssMb(): number {
  const nowMs = Date.now();
  if (nowMs - rssAtMs > 250) {
    rssAtMs = nowMs;
    rssLastMb = process.memoryUsage.rss() / 1_048_576;
  }
  return rssLastMb;
}

function report(message: WorkerReport): void {
  process.send?.(message);
}

process.once('message', (order) => void run(order as WorkerOrder));
