import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type pg from 'pg';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { createAdminStore } from '../../src/adapters/postgres/admin/admin-store.ts';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { createQueries } from '../../src/adapters/postgres/queries/queries.ts';
import { createBullmqEngine } from '../../src/adapters/queue/bullmq-engine.ts';
import { parseConfig } from '../../src/config.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import type { HoldJobResult } from '../../src/pipeline/holds/hold-router.ts';
import type { QueueHandle } from '../../src/pipeline/ingest/queue-port.ts';
import { HOLDS_QUEUE, QUEUE_SCHEMA } from '../../src/queues.ts';
import { openBooks } from '../../src/wire/books.ts';
import { readRules } from '../../src/wire/rules.ts';
import { runCli } from '../support/cli.ts';
import { compileSources } from '../support/compiled-sources.ts';
import { USD } from '../support/ledger.ts';
import { until } from '../support/poll.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { runService, shippedRuleset, type TestService } from '../support/run-service.ts';

/** What the shipped rules let a wallet fall to, in dollars. */
const OVERDRAFT = 5;
let number = 0;

interface Stage {
  readonly databaseUrl: string;
  readonly prefix: string;
  readonly pool: pg.Pool;
  readonly queue: QueueHandle;
  readonly start: (options?: { readonly lanes?: readonly number[]; readonly sweeps?: boolean }) => Promise<TestService>;
  readonly fund: (account: string, dollars: number) => Promise<void>;
  /** Adds jobs at once and resolves with their answers. */
  readonly send: (...jobs: readonly object[]) => Promise<readonly HoldJobResult[]>;
}

async function openStage(kind: 'redis' | 'postgres'): Promise<Stage> {
  const { connectionString: databaseUrl, drop } = await createTestDatabase();
  const prefix = `holds-${process.pid}-${number++}`;
  const connection =
    kind === 'redis'
      ? ({ kind, url: inject('redisUrl'), prefix } as const)
      : ({ kind, connectionString: databaseUrl, schema: QUEUE_SCHEMA } as const);
  const pool = createPool(databaseUrl, { name: 'test', max: 4, onError: () => undefined });
  const queue = createBullmqEngine(connection, 30_000, () => undefined).openQueue(HOLDS_QUEUE.name);
  const services: TestService[] = [];
  onTestFinished(async () => {
    for (const service of services) await service.close();
    await queue.close();
    await pool.end();
    await drop();
  });
  const redis = kind === 'redis' ? { redisUrl: inject('redisUrl'), prefix } : {};
  return {
    databaseUrl,
    prefix,
    pool,
    queue,
    start: async (options = {}) => {
      const service = await runService({ databaseUrl, ...redis, ...options });
      services.push(service);
      return service;
    },
    fund: (account, dollars) => fund(pool, account, dollars),
    send: async (...jobs) => {
      const added = jobs.map((data) => ({ id: `job-${number++}`, data: { v: 1, ...data } }));
      await queue.addJobs(added);
      return Promise.all(added.map(({ id }) => answerOf(queue, id)));
    },
  };
}

async function answerOf(queue: QueueHandle, id: string): Promise<HoldJobResult> {
  let answer: unknown;
  await until(`job ${id} is answered`, async () => {
    answer = await queue.result(id);
    return answer !== undefined;
  });
  return answer as HoldJobResult;
}

async function fund(pool: pg.Pool, account: string, dollars: number): Promise<void> {
  await topUp(createAdminStore(pool), {
    tenant: 'default',
    account,
    currency: 'USD',
    amount: BigInt(dollars) * USD,
    source: 'paid',
    overdraftNanos: BigInt(OVERDRAFT) * USD,
    key: `fund-${account}`,
    actor: 'test',
    reason: null,
    nowMs: Date.now(),
    dryRun: false,
  });
}

async function walletOf(pool: pg.Pool, account: string) {
  const [wallet] = await createQueries(pool).wallets({ tenant: 'default', account, limit: 1 });
  if (wallet === undefined) throw new Error(`${account} has no wallet`);
  return wallet;
}

describe.each(['redis', 'postgres'] as const)('queues on %s', (kind) => {
  test('holds asked for at once are granted as far as the money goes, and no further', async () => {
    const stage = await openStage(kind);
    await stage.start();
    await stage.fund('acme', 10);
    const answers = await stage.send(
      ...Array.from({ length: 60 }, (_, index) => ({
        do: 'place',
        hold: `h${index}`,
        account: 'acme',
        amount: '0.40',
      })),
    );
    // 37 times 0.40 is 14.80 of the 15.00 there are.
    expect(answers.filter(({ ok }) => ok)).toHaveLength(37);
    expect(answers.flatMap((answer) => (answer.ok ? [] : [answer.code]))).toEqual(
      Array.from({ length: 23 }, () => 'INSUFFICIENT_FUNDS'),
    );
    expect(await walletOf(stage.pool, 'acme')).toMatchObject({ posted: 10n * USD, held: (148n * USD) / 10n });
  });

  test('a hold is placed, extended, captured and released by jobs, each of which may come twice', async () => {
    const stage = await openStage(kind);
    await stage.start();
    await stage.fund('acme', 10);
    const one = { hold: 'one', account: 'acme' };
    const two = { hold: 'two', account: 'acme' };
    for (const [job, expected] of [
      [
        { do: 'place', ...one, amount: '2.00 USD', captureMax: '3' },
        { state: 'open', captureMax: '3' },
      ],
      [
        { do: 'extend', ...one, amount: '2.5' },
        { state: 'open', amount: '2.5', available: '7.5' },
      ],
      [
        { do: 'capture', ...one, amount: '1.25' },
        { state: 'captured', captured: '1.25', available: '8.75' },
      ],
      [{ do: 'place', ...two, amount: '1' }, { state: 'open' }],
      [
        { do: 'release', ...two },
        { state: 'released', available: '8.75' },
      ],
    ] as const) {
      const [first] = await stage.send(job);
      expect(first).toMatchObject({ v: 1, ok: true, repeated: false, hold: expected });
      expect(await stage.send(job)).toEqual([{ ...first, repeated: true }]);
    }
    const refusals = await stage.send(
      { do: 'capture', ...two, amount: '1' },
      { do: 'capture', ...one, amount: '1', key: 'again' },
      { do: 'place', ...one, amount: '9' },
      { do: 'release', hold: 'three', account: 'acme' },
      { do: 'place', hold: 'x', account: 'nobody', amount: '1' },
      { do: 'place', hold: 'x', account: 'acme', amount: 'all' },
    );
    expect(refusals.map((answer) => (answer.ok ? 'ok' : answer.code))).toEqual([
      'HOLD_CLOSED',
      'HOLD_CLOSED',
      'IDEMPOTENCY_CONFLICT',
      'HOLD_NOT_FOUND',
      'WALLET_NOT_FOUND',
      'HOLD_INVALID',
    ]);
    expect((await stage.queue.counts()).failed).toBe(0);
    const proofs = await createQueries(stage.pool).proofs(await shippedRuleset());
    expect(proofs.filter(({ ok }) => !ok)).toEqual([]);
  });
});

test('two services that share the lanes never grant more than there is, whoever gets the job', async () => {
  const stage = await openStage('redis');
  const accounts = Array.from({ length: 8 }, (_, index) => `acct_${index}`);
  for (const account of accounts) await stage.fund(account, 1);
  const first = await stage.start({ lanes: [0, 1] });
  const second = await stage.start({ lanes: [2, 3] });
  const jobs = accounts.flatMap((account) =>
    Array.from({ length: 20 }, (_, index) => ({
      do: 'place',
      hold: `${account}-${index}`,
      account,
      amount: '0.50',
    })),
  );
  const answers = await stage.send(...jobs);
  for (const account of accounts) {
    const granted = answers.filter((answer) => answer.ok && answer.hold.account === account);
    expect(granted).toHaveLength(12);
    expect((await walletOf(stage.pool, account)).held).toBe(6n * USD);
  }
  expect([...first.retries, ...second.retries]).toEqual([]);
});

test('a running service frees holds that nobody came back for', async () => {
  const stage = await openStage('redis');
  await stage.start({ sweeps: true });
  await stage.fund('acme', 10);
  await stage.send({ do: 'place', hold: 'short', account: 'acme', amount: '9', seconds: 1 });
  expect((await walletOf(stage.pool, 'acme')).held).toBe(9n * USD);
  await until('the hold has ended', async () => (await walletOf(stage.pool, 'acme')).held === 0n);
  expect(await stage.send({ do: 'capture', hold: 'short', account: 'acme', amount: '9' })).toMatchObject([
    { ok: false, code: 'HOLD_EXPIRED' },
  ]);
});

test('a service killed again and again keeps what it granted, and grants nothing twice', async () => {
  const stage = await openStage('redis');
  const accounts = Array.from({ length: 6 }, (_, index) => `acct_${index}`);
  for (const account of accounts) await stage.fund(account, 20);
  const compiled = await compileSources();
  onTestFinished(() => compiled.remove());
  const startWorker = (): ChildProcess => {
    const main = pathToFileURL(join(compiled.dir, 'src/cli/main.js')).href;
    const code = `const { main } = await import(${JSON.stringify(main)}); process.exitCode = await main(['start']);`;
    return spawn(process.execPath, ['--input-type=module', '--eval', code], {
      env: {
        ...process.env,
        DATABASE_URL: stage.databaseUrl,
        REDIS_URL: inject('redisUrl'),
        TOLLKEEPER_QUEUE_PREFIX: stage.prefix,
        TOLLKEEPER_JOB_LOCK_MS: '1000',
        TOLLKEEPER_CONCURRENCY: '8',
        LOG_LEVEL: 'fatal',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  };
  const answered = async () => {
    const { rows } = await stage.pool.query<{ n: number }>('select count(*)::int as n from hold_operation');
    return rows[0]?.n ?? 0;
  };
  // 26 holds of 0.95 fit 25 dollars; a third of all is released, so others take their place.
  const jobs = accounts.flatMap((account) =>
    Array.from({ length: 120 }, (_, index) => ({
      v: 1,
      do: index % 3 === 2 ? 'release' : 'place',
      hold: `${account}-${index % 3 === 2 ? index - 2 : index}`,
      account,
      ...(index % 3 === 2 ? {} : { amount: '0.95', seconds: 3_600 }),
    })),
  );
  const ids = jobs.map((_, index) => `kill-${index}`);
  await stage.queue.addJobs(jobs.map((data, index) => ({ id: ids[index] ?? '', data })));
  let midway = 0;
  for (let kills = 0; kills < 5; kills++) {
    const worker = startWorker();
    const before = await answered();
    await until('the worker grants or releases', async () => {
      const { waiting, active } = await stage.queue.counts();
      return (await answered()) > before || waiting + active === 0;
    });
    if ((await stage.queue.counts()).active > 0) midway++;
    await end(worker);
  }
  expect(midway).toBeGreaterThan(0);
  const last = startWorker();
  const answers = await Promise.all(ids.map((id) => answerOf(stage.queue, id)));
  await end(last);
  expect((await stage.queue.counts()).failed).toBe(0);

  const { rows } = await stage.pool.query<{ hold_id: string; state: string }>('select hold_id, state from hold');
  const states = new Map(rows.map((row) => [row.hold_id, row.state]));
  for (const [index, answer] of answers.entries()) {
    const { hold = '', do: what } = jobs[index] ?? {};
    if (what === 'place') expect(states.has(hold), hold).toBe(answer.ok);
    else if (answer.ok) expect(states.get(hold), hold).toBe('released');
  }
  for (const account of accounts) {
    const wallet = await walletOf(stage.pool, account);
    expect(wallet.posted - wallet.held).toBeGreaterThanOrEqual(-BigInt(OVERDRAFT) * USD);
  }
}, 180_000);

async function end(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

test('tollkeeper hold places, extends, captures, releases and shows, each with one JSON object', async () => {
  const stage = await openStage('postgres');
  await stage.fund('acme', 10);
  const config = () => parseConfig({ DATABASE_URL: stage.databaseUrl });
  const context = {
    readRules: (...args: Parameters<typeof readRules>) => readRules(...args),
    openBooks: () => openBooks(config(), () => undefined),
  };
  const cli = (...args: readonly string[]) => runCli(['hold', ...args, '--json'], context);
  const { stdout } = await runCli(['hold', 'place', 'h0', 'acme', '0.5', '--dry-run'], context);
  expect(stdout).toMatch(/^h0 holds \$0\.50 until .* UTC, and may be captured with up to \$0\.55\. acme has \$9\.50/);
  const dry = await cli('place', 'h1', 'acme', '2.00 USD', '--dry-run');
  expect(dry).toMatchObject({ exitCode: 0, stderr: '' });
  expect(dry.json()).toMatchObject({ state: 'open', dryRun: true });
  expect((await cli('list')).json()).toMatchObject({ holds: [] });
  const placed = await cli('place', 'h1', 'acme', '2.00 USD', '--seconds', '60', '--capture-max', '2.5');
  expect(placed.json()).toMatchObject({ hold: 'h1', amount: '2', captureMax: '2.5', key: 'place', repeated: false });
  expect((await cli('place', 'h1', 'acme', '2.00', '--seconds', '60', '--capture-max', '2.5')).json()).toMatchObject({
    repeated: true,
  });
  expect((await cli('extend', 'h1', '--amount', '3')).json()).toMatchObject({ amount: '3', available: '7' });
  const tooMuch = await cli('capture', 'h1', '4');
  expect(tooMuch.exitCode).toBe(1);
  expect(tooMuch.json()).toMatchObject({ error: { code: 'CAPTURE_TOO_LARGE' } });
  expect((await cli('capture', 'h1', '1.5', '--reason', 'call 7')).json()).toMatchObject({
    state: 'captured',
    captured: '1.5',
    available: '8.5',
  });
  await cli('place', 'h2', 'acme', '1');
  expect((await cli('list', '--status', 'open')).json()).toMatchObject({ holds: [{ hold: 'h2', amount: '1' }] });
  expect((await cli('release', 'h2')).json()).toMatchObject({ state: 'released' });
  expect((await cli('show', 'h1')).json()).toMatchObject({
    state: 'captured',
    captured: '1.5',
    placedBy: 'cli:test',
    operations: [{ operation: 'place' }, { operation: 'capture', reason: 'call 7' }, { operation: 'extend' }],
  });
  const missing = await cli('release', 'h9');
  expect(missing.exitCode).toBe(1);
  expect(missing.json()).toMatchObject({ error: { code: 'HOLD_NOT_FOUND' } });
  expect(await cli('place', 'h3', 'acme', '1', '--capture-max', '3')).toMatchObject({ exitCode: 2 });
  expect(await cli('extend', 'h2')).toMatchObject({ exitCode: 2 });
});
