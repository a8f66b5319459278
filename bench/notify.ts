import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startThrowawayPostgres } from '../src/adapters/postgres/embedded/throwaway-postgres.ts';
import { parseConfig } from '../src/config.ts';
import { loadRuleset, type Ruleset } from '../src/domain/rules/ruleset.ts';
import { DAY_MS, HOUR_MS } from '../src/domain/time.ts';
import { INGEST_QUEUE, USAGE_QUEUE } from '../src/queues.ts';
import { createDelivery, startDelivery } from '../src/wire/delivery.ts';
import { type Engine, openEngine } from '../src/wire/engine.ts';
import { createReviewing, startReviewing } from '../src/wire/review.ts';
import { startService } from '../src/wire/service.ts';
import { ensureRedis } from '../test/support/redis.ts';
import { type BenchRow, quantile } from './rows.ts';

const BAD_ACCOUNTS = 300;
const GOOD_ACCOUNTS = 2_000;
const HISTORY_HOURS = 30;
const EVENTS_PER_S = 1_000;
const SECONDS = 60;
const TICK_MS = 50;
/** What a model takes that nobody would wait for. */
const MODEL_MS = 10_000;
const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

/**
 * From a usage event to the delivered message about the alert it raised: 1,000 events a second through the queue, every fifth of a
 * second an account bursts, half of them so that the wallet is frozen (severe) and half so that a slow language model is asked.
 */
export async function benchNotify(log: (line: string) => void): Promise<BenchRow[]> {
  const redis = await ensureRedis({ own: true });
  const postgres = await startThrowawayPostgres({ durable: true });
  const deliveredAtMs = new Map<string, number>();
  const receiver = await listen((body, answer) => {
    const { data } = JSON.parse(body) as { data: { account?: string } };
    if (data.account !== undefined && !deliveredAtMs.has(data.account)) deliveredAtMs.set(data.account, Date.now());
    answer('ok');
  });
  let asked = 0;
  const model = await listen((_body, answer) => {
    asked += 1;
    setTimeout(() => answer('{}'), MODEL_MS);
  });
  const config = parseConfig({
    DATABASE_URL: postgres.connectionString,
    TOLLKEEPER_WEBHOOK_URL: receiver.url,
    TOLLKEEPER_WEBHOOK_SECRET: SECRET,
    TOLLKEEPER_NOTIFY_PRIVATE: 'allow',
    OPENAI_BASE_URL: `${model.url}/v1`,
  });
  const rules = ruleset();
  const problems = new Set<string>();
  const onRetry = (what: string, _attempt: number, error: unknown) => void problems.add(`${what}: ${String(error)}`);
  const engine = await openEngine(
    {
      databaseUrl: postgres.connectionString,
      redisUrl: redis.url,
      queuePrefix: 'notify',
      dataDir: '.tollkeeper',
      port: undefined,
      lanes: 4,
      jobLockMs: 60_000,
    },
    { mode: 'shared', onError: (error) => onRetry('engine', 1, error) },
  );
  const now = () => Date.now();
  const service = await startService(engine, {
    ruleset: () => rules,
    lateWindowMs: 35 * DAY_MS,
    batchEventsMax: 10_000,
    gatherMs: 5,
    concurrency: 64,
    owner: 'bench',
    now,
    onRetry,
  });
  const running = [
    startDelivery(createDelivery(engine.pool, { config, ruleset: () => rules, now }), onRetry),
    startReviewing(engine, createReviewing(engine.pool, { config, ruleset: () => rules, now }), onRetry),
  ];
  try {
    await history(engine, log);
    const sentAtMs = await load(engine, log);
    await settle(() => [...sentAtMs.keys()].every((account) => deliveredAtMs.has(account)), 30_000);
    const tookMs = [...sentAtMs].flatMap(([account, at]) => {
      const delivered = deliveredAtMs.get(account);
      return delivered === undefined ? [] : [delivered - at];
    });
    for (const problem of problems) log(problem);
    return [
      { name: 'notify_p50_ms', value: quantile(tookMs, 0.5), unit: 'ms, event sent → severe alert delivered' },
      {
        name: 'notify_p99_ms',
        value: quantile(tookMs, 0.99),
        unit: `ms, at ${EVENTS_PER_S} events/s, a model that takes ${MODEL_MS / 1_000} s`,
      },
      { name: 'notify_max_ms', value: Math.max(...tookMs), unit: 'ms' },
      { name: 'notify_delivered', value: tookMs.length, unit: `of ${sentAtMs.size} severe alerts` },
      { name: 'notify_model_asked', value: asked, unit: 'times meanwhile' },
    ];
  } finally {
    for (const one of running) await one.close();
    await service.close({ graceMs: 5_000 });
    await engine.close();
    await postgres.stop();
    await redis.stop();
    receiver.close();
    model.close();
  }
}

/** Every bad account spends ten dollars an hour for a day and more. */
async function history(engine: Engine, log: (line: string) => void): Promise<void> {
  const queue = engine.queues.openQueue(INGEST_QUEUE.name);
  const startMs = Date.now() - (HISTORY_HOURS + 1) * HOUR_MS;
  for (let hour = 0; hour < HISTORY_HOURS; hour++) {
    const at = new Date(startMs + hour * HOUR_MS).toISOString();
    const events = Array.from({ length: BAD_ACCOUNTS }, (_, account) =>
      usage(`h-${hour}-${account}`, `bad-${account}`, '10', at),
    );
    const id = `history-${hour}`;
    await queue.addJobs([{ id, data: { v: 1, clock: 'file', events } }]);
    await settle(async () => (await queue.find(id))?.isDone === true, 60_000);
  }
  await queue.close();
  const { rows } = await engine.pool.query<{ entries: bigint }>('select count(*) as entries from entry');
  log(`history of ${rows[0]?.entries} events`);
}

/** Sends the load; when each severe burst was sent. */
async function load(engine: Engine, log: (line: string) => void): Promise<ReadonlyMap<string, number>> {
  const queue = engine.queues.openQueue(USAGE_QUEUE.name);
  const sentAtMs = new Map<string, number>();
  const startMs = Date.now();
  const perTick = (EVENTS_PER_S * TICK_MS) / 1_000;
  let sent = 0;
  let bursts = 0;
  while (Date.now() - startMs < SECONDS * 1_000) {
    const dueMs = startMs + Math.floor(sent / perTick) * TICK_MS;
    if (dueMs > Date.now()) await new Promise((resolve) => setTimeout(resolve, dueMs - Date.now()));
    const at = new Date().toISOString();
    const events = Array.from({ length: perTick }, (_, index) =>
      usage(`e-${sent + index}`, `good-${(sent + index) % GOOD_ACCOUNTS}`, '0.01', at),
    );
    if (bursts < BAD_ACCOUNTS && Date.now() - startMs >= (bursts * SECONDS * 1_000) / BAD_ACCOUNTS) {
      const isSevere = bursts % 2 === 0;
      const account = `bad-${bursts}`;
      // Thirty-five dollars are seen by one rule, three hundred by both.
      events.push(usage(`burst-${bursts}`, account, isSevere ? '300' : '35', at));
      if (isSevere) sentAtMs.set(account, Date.now());
      bursts += 1;
    }
    await queue.addJobs([{ data: { v: 1, events } }]);
    sent += perTick;
  }
  await queue.close();
  log(`${sent} events in ${SECONDS} s, ${sentAtMs.size} severe bursts`);
  return sentAtMs;
}

function usage(id: string, account: string, quantity: string, occurredAt: string) {
  return { id, source: 'bench', account, meter: 'dollars', quantity, occurredAt };
}

async function settle(isDone: () => boolean | Promise<boolean>, patienceMs: number): Promise<void> {
  for (const untilMs = Date.now() + patienceMs; Date.now() < untilMs; ) {
    if (await isDone()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function listen(take: (body: string, answer: (text: string) => void) => void) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => take(Buffer.concat(chunks).toString('utf8'), (text) => response.end(text)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Two rules that together freeze, and a model that is asked about what one of them finds alone. */
function ruleset(): Ruleset {
  const rule = (id: string, times: number) => ({
    path: `${id}.yaml`,
    text: `id: ${id}
title: Far above its busy hours
why: A bench.
owner: team@example.com
mode: live
review_by: 2099-01-01
detect: { kind: burst, of: spend, window: 1h, times: ${times}, min_hours: 24, floor: { above_expected: 5.00 USD } }
say: "{observed} in {window}."
score: 45
once: { per: account, for: 1h, again_if: money_at_risk_doubles }
tests:
  - { name: jump, series: "10x48 300", expect: fires }
  - { name: steady, series: "10x48 10", expect: quiet }
  - { name: new, series: "10x3 300", expect: inconclusive }
`,
  });
  const loaded = loadRuleset([
    rule('jump', 3),
    rule('leap', 6),
    {
      path: 'ruleset.yaml',
      text: `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 79, outcome: review, actions: [{ kind: notify, to: support }] }
  - { from: 80, to: 100, outcome: freeze, actions: [{ kind: freeze_wallet, hours: 24 }, { kind: notify, to: support }] }
budgets: { alerts_per_day: 10000, freezes_per_day: 10000 }
review:
  model: slow
  band: { from: 35, to: 79 }
  move: { up: 10, down: 10 }
  twin_tolerance: 30%
  budget_per_day: 1000.00 USD
  timeout: 20s
  prices:
    - { model: slow, input: 0.25 USD, output: 2.00 USD }
`,
    },
    { path: 'pricing.yaml', text: 'currency: USD\nmeters:\n  - { name: dollars, unit: dollar, price: 1 USD }\n' },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}
