import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { readRuleFiles } from '../../src/adapters/rule-files.ts';
import { type CompiledSources, compileSources } from '../support/compiled-sources.ts';
import { until } from '../support/poll.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { openUsageClient, type UsageClient } from '../support/usage-client.ts';

const ACCOUNTS = 12;
const PATIENCE_MS = 60_000;

let compiled: CompiledSources;
let database: TestDatabase;
let pool: pg.Pool;
let usage: UsageClient;
let rules: string;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  [compiled, database] = await Promise.all([compileSources(), createTestDatabase()]);
  pool = createPool(database.connectionString, { name: 'fleet kill test', max: 2, onError: () => undefined });
  usage = openUsageClient({ databaseUrl: database.connectionString });
  rules = await liveRing();
}, 240_000);

afterAll(async () => {
  for (const worker of workers) if (worker.exitCode === null) worker.kill('SIGKILL');
  await usage?.close();
  await pool?.end();
  await Promise.all([compiled?.remove(), database?.drop()]);
}, 120_000);

/** The shipped rules with the ring live, speaking once a day however much it grows. */
async function liveRing(): Promise<string> {
  const directory = join(compiled.dir, 'live-rules');
  await mkdir(join(directory, 'lists'), { recursive: true });
  for (const { path, text } of await readRuleFiles()) {
    const name = path.slice(path.lastIndexOf('rules/') + 'rules/'.length);
    const isRing = name === 'signup-ring.yaml';
    await writeFile(
      join(directory, name),
      isRing ? text.replace('mode: shadow', 'mode: live').replace('observed_doubles', 'never') : text,
    );
  }
  return directory;
}

function startWorker(): ChildProcess {
  const main = pathToFileURL(join(compiled.dir, 'src/cli/main.js')).href;
  const code = `const { main } = await import(${JSON.stringify(main)}); process.exitCode = await main(['start']);`;
  const worker = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    env: {
      ...process.env,
      DATABASE_URL: database.connectionString,
      TOLLKEEPER_RULES_DIR: rules,
      TOLLKEEPER_JOB_LOCK_MS: '1000',
      LOG_LEVEL: 'fatal',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  workers.push(worker);
  return worker;
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

async function count(sql: string): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from ${sql}`);
  return rows[0]?.n ?? 0;
}

const signUp = (index: number) =>
  usage.add({
    id: `signup-${index}`,
    source: `web-${index}`,
    account: `farm-${index}`,
    meter: 'signup',
    quantity: '1',
    occurredAt: new Date().toISOString(),
    properties: { device: 'one-device', email_domain: 'm.example', region: 'eu', plan: 'free' },
  });

test('a ring on live traffic raises its alerts once each, though its keeper is killed in the middle', async () => {
  const first = startWorker();
  for (let index = 0; index < ACCOUNTS / 2; index++) await signUp(index);
  await until('the ring is found', async () => (await count('fleet_finding')) > 0, PATIENCE_MS);
  await end(first, 'SIGKILL');
  for (let index = ACCOUNTS / 2; index < ACCOUNTS; index++) await signUp(index);
  const second = startWorker();
  await until(
    'all sign-ups are folded',
    async () => (await count('fleet_sighting where fold_no is not null')) === ACCOUNTS,
    PATIENCE_MS,
  );
  await until(
    'all findings are judged',
    async () => (await count('fleet_finding where applied_batch is null')) === 0,
    PATIENCE_MS,
  );
  await until(
    'every account has its alert',
    async () => (await count('(select distinct account_id from alert) a')) === ACCOUNTS,
    PATIENCE_MS,
  );
  await end(second, 'SIGTERM');
  const { rows } = await pool.query<{ account_id: string; alerts: number }>(
    'select account_id, count(*)::int as alerts from alert group by account_id order by account_id',
  );
  expect(rows.length).toBe(ACCOUNTS);
  expect(rows.filter(({ alerts }) => alerts !== 1)).toEqual([]);
  // Whatever was found was judged once.
  expect(
    await count(`fleet_finding f where (select count(*) from decision d where d.wallet_id = f.wallet_id
    and d.evidence -> 'event' ->> 'id' = 'fleet:' || f.finding_id) > 1`),
  ).toBe(0);
}, 240_000);
