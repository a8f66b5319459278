import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { LANE_LOCK_CLASS } from '../../src/adapters/postgres/lane-locks.ts';
import { createBullmqEngine } from '../../src/adapters/queue/bullmq-engine.ts';
import { parseConfig } from '../../src/config.ts';
import { laneQueue, QUEUE_SCHEMA, USAGE_QUEUE } from '../../src/queues.ts';
import { applyMigrations, openBooks, readMigrations } from '../../src/wire/books.ts';
import { diagnose } from '../../src/wire/doctor.ts';
import { openIntake } from '../../src/wire/intake.ts';
import { readRules } from '../../src/wire/rules.ts';
import { type CliRun, runCli } from '../support/cli.ts';
import { openTestLedger, PLAIN_RULESET } from '../support/ledger.ts';
import { until } from '../support/poll.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

type Cli = (...args: readonly string[]) => Promise<CliRun>;

/** Commands of a process that is configured for this database. */
function cliOn(connectionString: string, over: Record<string, string> = {}): Cli {
  const config = () => parseConfig({ DATABASE_URL: connectionString, ...over });
  const problem = () => undefined;
  let keys = 0;
  return (...args) =>
    runCli(args, {
      config,
      newKey: () => `key-${++keys}`,
      readRules: (directory, options) => readRules(directory, options),
      openBooks: () => openBooks(config(), problem),
      migrations: { status: () => readMigrations(config(), problem), apply: () => applyMigrations(config(), problem) },
      openIntake: ({ ruleset }) => openIntake({ config: config(), ruleset, onProblem: problem }),
      diagnose: () => diagnose(config(), () => Date.now()),
    });
}

async function freshCli(): Promise<Cli> {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  return cliOn(database.connectionString);
}

test('an account is topped up, frozen, thawed and listed, each with one JSON object', async () => {
  const cli = await freshCli();
  const topped = await cli('wallet', 'topup', 'acme', '20.00 USD', '--json');
  expect(topped).toMatchObject({ exitCode: 0, stderr: '' });
  expect(topped.json()).toMatchObject({
    account: 'acme',
    amount: '20',
    amountNanos: '20000000000',
    balance: '20',
    opened: true,
    source: 'paid',
    key: 'key-1',
    dryRun: false,
    repeated: false,
  });
  const frozen = await cli('wallet', 'freeze', 'acme', '--hours', '2', '--reason', 'a test', '--json');
  expect(frozen.json()).toMatchObject({ status: 'frozen', until: '2026-03-02T11:00:00.000Z' });
  expect((await cli('wallet', 'list', '--status', 'frozen', '--json')).json()).toMatchObject({
    wallets: [
      {
        account: 'acme',
        status: 'frozen',
        posted: '20',
        availableNanos: '0',
        frozenUntil: '2026-03-02T11:00:00.000Z',
      },
    ],
  });
  expect((await cli('wallet', 'thaw', 'acme', '--json')).json()).toMatchObject({ status: 'active', usage: 'keep' });
  expect((await cli('account', 'show', 'acme', '--json')).json()).toMatchObject({
    status: 'confirmed',
    wallets: [{ status: 'active' }],
  });
});

test('people see aligned columns, money with its sign, and times in UTC', async () => {
  const cli = await freshCli();
  await cli('wallet', 'topup', 'acme', '1204.60');
  await cli('wallet', 'topup', 'b', '5');
  await cli('wallet', 'freeze', 'b', '--hours', '2', '--reason', 'a test');
  const { stdout } = await cli('wallet', 'list');
  expect(stdout.replace(/wal_\w+/g, 'wal_0000000000000')).toBe(
    [
      'ACCOUNT  WALLET             STATUS                               BALANCE  AVAILABLE  IN QUARANTINE',
      'b        wal_0000000000000  frozen until 2 Mar 2026 11:00 UTC      $5.00    nothing              –',
      'acme     wal_0000000000000  active                             $1,204.60  $1,204.60              –',
      '',
    ].join('\n'),
  );
});

test('a frozen wallet says what it has, that nothing of it is available, how far it may fall, and who froze it', async () => {
  const cli = await freshCli();
  await cli('wallet', 'topup', 'acme', '40');
  const tried = await cli('wallet', 'freeze', 'acme', '--hours', '2', '--reason', 'case 118', '--dry-run');
  expect(tried.stdout).toMatch(/^acme \(wal_\w+\) would be frozen until 2 Mar 2026 11:00 UTC\./);
  await cli('wallet', 'freeze', 'acme', '--hours', '2', '--reason', 'case 118');
  const again = await cli('wallet', 'freeze', 'acme', '--hours', '1', '--reason', 'case 119');
  expect(again.stdout.replace(/wal_\w+/, 'wal_1')).toBe(
    [
      'acme (wal_1) was frozen already, since 2 Mar 2026 09:00 UTC by cli:test ("case 118").',
      'Nothing was changed: it ends 2 Mar 2026 11:00 UTC. More --hours extend it, `tollkeeper wallet thaw` ends it.',
      '',
    ].join('\n'),
  );
  const { stdout } = await cli('wallet', 'show', 'acme');
  expect(stdout).toContain('Balance       $40.00\n');
  expect(stdout).toContain('Available     nothing while frozen\n');
  expect(stdout).toContain("May fall to   −$5.00 (the ruleset's limit)\n");
  expect(stdout).toContain('Frozen by     cli:test ("case 118")\n');
  expect((await cli('wallet', 'show', 'acme', '--json')).json()).toMatchObject({
    wallets: [{ available: '0', mayFallTo: '-5', freezeCause: { actor: 'cli:test', reason: 'case 118' } }],
  });
  const thawed = await cli('wallet', 'thaw', 'acme', '--dry-run');
  expect(thawed.stdout).toMatch(/^acme \(wal_\w+\) would be active, with a balance of \$40\.00\.\nDry run: nothing/);
});

test('what is not there exits 1 with its own code', async () => {
  const cli = await freshCli();
  for (const [args, code] of [
    [['wallet', 'show', 'nobody'], 'WALLET_NOT_FOUND'],
    [['account', 'show', 'nobody'], 'ACCOUNT_NOT_FOUND'],
    [['alert', 'show', 'alt_0000000000000000'], 'ALERT_NOT_FOUND'],
    [['events', 'show', 'nothing'], 'EVENT_NOT_FOUND'],
    [['wallet', 'freeze', 'nobody', '--hours', '1', '--reason', 'x'], 'WALLET_NOT_FOUND'],
  ] as const) {
    const result = await cli(...args, '--json');
    expect(result.exitCode, args.join(' ')).toBe(1);
    expect(result.json(), args.join(' ')).toMatchObject({ error: { code } });
  }
});

test('a file of usage goes through the pipeline, and each event can be looked up', async () => {
  const cli = await freshCli();
  const file = join(await temporaryDirectory(), 'usage.ndjson');
  const event = {
    id: 'e1',
    source: 'api',
    account: 'acme\u001b[2J',
    meter: 'output_tokens',
    quantity: '1000',
    occurredAt: new Date().toISOString(),
  };
  await writeFile(
    file,
    `${JSON.stringify(event)}\n${JSON.stringify(event)}\n${JSON.stringify({ ...event, id: 'e2', account: 'acme' })}\nnot json\n`,
  );
  const sent = await cli('ingest', file, '--json');
  expect(sent).toMatchObject({ exitCode: 0 });
  expect(sent.json()).toMatchObject({ events: 4, posted: 1, rejected: 3 });
  expect((await cli('events', 'show', 'e2', '--json')).json()).toMatchObject({
    status: 'posted',
    occurrences: [{ account: 'acme', quantity: '1000', entry: { sequence: '1' } }],
  });
  const again = await cli('ingest', file, '--json');
  expect(again.json()).toMatchObject({ posted: 0, duplicate: 1, rejected: 3 });
  const shown = await cli('events', 'show', 'e1');
  expect(shown.stdout).toContain('rejected: EVENT_TEXT_CONTROL');
  expect(shown.stdout).not.toContain('\u001b');
});

test('every line of bad input gets the status it should, and what was refused can be looked up', async () => {
  const cli = await freshCli();
  const file = fileURLToPath(new URL('../../fixtures/scenarios/bad-input.ndjson', import.meta.url));
  const sent = await cli('ingest', file, '--json');
  expect(sent).toMatchObject({ exitCode: 0 });
  const summary = z.object({ run: z.string(), reasons: z.record(z.string(), z.number()) }).parse(sent.json());
  const expected = z
    .array(z.object({ status: z.string(), code: z.string().optional() }))
    .parse(JSON.parse(await readFile(file.replace('.ndjson', '.expected.json'), 'utf8')));
  const reasons: Record<string, number> = {};
  for (const { code } of expected) if (code !== undefined) reasons[code] = (reasons[code] ?? 0) + 1;
  expect(summary.reasons).toEqual(reasons);

  expect((await cli('events', 'show', 'ev_overflow', '--json')).json()).toMatchObject({
    occurrences: [{ code: 'QUANTITY_NOT_FINITE', value: '1e400', raw: expect.stringContaining('"quantity":1e400') }],
  });
  expect((await cli('events', 'show', 'ev_cut', '--json')).json()).toMatchObject({
    status: 'rejected',
    occurrences: [{ code: 'JOB_NOT_JSON', source: 'meter-gw.eu-west', ingestedAt: null }],
  });
  const listed = (await cli('events', 'rejected', '--run', summary.run, '--json')).json();
  const { rejected } = z.object({ rejected: z.array(z.object({ code: z.string(), raw: z.string() })) }).parse(listed);
  const refused = expected.filter(({ status }) => status === 'rejected');
  expect(rejected.map(({ code }) => code)).toEqual(refused.map(({ code }) => code));
  expect(rejected.at(-1)?.raw).toBe('{"id":"ev_cut","source":"meter-gw.eu-west","acc');
});

test('names that customers choose cannot act on a terminal', async () => {
  const ledger = await openTestLedger();
  await ledger.use('a\u009b31m\u202eb', [{ id: 'x' }]);
  const cli = cliOn(ledger.connectionString);
  for (const args of [
    ['wallet', 'list'],
    ['account', 'list'],
    ['wallet', 'list', '--json'],
    ['events', 'show', 'x'],
  ]) {
    const { stdout } = await cli(...args);
    expect(stdout, args.join(' ')).toMatch(/31m/);
    expect(stdout.replaceAll('\n', ''), args.join(' ')).not.toMatch(/[\p{Cc}\u202e]/u);
  }
});

describe('a database of your own', () => {
  test('is not migrated by looking, only by migrate', async () => {
    const database = await createTestDatabase({ content: 'empty' });
    onTestFinished(() => database.drop());
    const cli = cliOn(database.connectionString);
    expect((await cli('wallet', 'list', '--json')).json()).toMatchObject({ error: { code: 'DATABASE_NOT_MIGRATED' } });
    expect(await cli('doctor')).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('Run `tollkeeper migrate`'),
    });
    const pending = await cli('migrate', '--dry-run', '--json');
    expect(pending.json()).toMatchObject({ pending: expect.arrayContaining(['0001-ledger.sql']) });
    expect((await cli('migrate', '--json')).json()).toMatchObject({
      applied: expect.arrayContaining(['0001-ledger.sql']),
    });
    expect((await cli('migrate', '--json')).json()).toEqual({ dryRun: false, applied: [] });
    expect(await cli('wallet', 'list')).toMatchObject({ exitCode: 0 });
  });

  test('that does not answer is reported without its password', async () => {
    const cli = cliOn('postgres://me:hunter2@127.0.0.1:1/none');
    const listed = await cli('wallet', 'list');
    expect(listed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('DATABASE_UNREACHABLE') });
    const looked = await cli('doctor');
    expect(looked).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('does not let us in') });
    expect(listed.stderr + looked.stdout).not.toContain('hunter2');
  });
});

test('doctor finds nothing wrong with a good machine, and says when Redis does not answer', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const { inject } = await import('vitest');
  const redisUrl = inject('redisUrl');
  const well = await cliOn(database.connectionString, { REDIS_URL: redisUrl })('doctor', '--json');
  expect(well.json()).toMatchObject({ ok: true, failures: 0 });
  const ill = await cliOn(database.connectionString, { REDIS_URL: 'redis://:hunter2@127.0.0.1:1' })('doctor');
  expect(ill).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('Redis at REDIS_URL does not answer') });
  expect(ill.stdout).not.toContain('hunter2');
});

/** The findings of `doctor` on a configuration. */
async function examine(environment: Record<string, string>) {
  const findings = await diagnose(parseConfig(environment), () => Date.now());
  return findings.map(({ area, status, message, fix }) => [status, area, `${message} ${fix ?? ''}`].join(' '));
}

test('doctor says that jobs wait for a Tollkeeper that is not there, and makes no queue while looking', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const environment = { DATABASE_URL: database.connectionString };
  expect(await examine(environment)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^warn lanes no lane has a writer/)]),
  );
  const pool = new pg.Pool({ connectionString: database.connectionString });
  const schemas = await pool.query('select from pg_namespace where nspname = $1', [QUEUE_SCHEMA]);
  await pool.end();
  expect(schemas.rowCount).toBe(0);
  const engine = createBullmqEngine(
    { kind: 'postgres', connectionString: database.connectionString, schema: QUEUE_SCHEMA },
    30_000,
    () => undefined,
  );
  for (const { name } of [USAGE_QUEUE, laneQueue(1)]) {
    const queue = engine.openQueue(name);
    await queue.addJobs([{ data: { v: 1, events: [] } }]);
    await queue.close();
  }
  expect(await examine(environment)).toEqual(
    expect.arrayContaining([
      'fail lanes 2 jobs wait and no lane has a writer Start Tollkeeper: `tollkeeper start` takes every free lane.',
    ]),
  );
});

test('doctor makes no engine where there is none, and says so', async () => {
  const directory = await temporaryDirectory();
  const environment = { TOLLKEEPER_DATA_DIR: directory };
  const found = await examine(environment);
  expect(found).toContain('ok database no engine yet: `tollkeeper start` creates it ');
  expect(found.filter((line) => line.startsWith('fail'))).toEqual([]);
  expect(await readdir(directory)).toEqual([]);

  const { inject } = await import('vitest');
  const redis = { REDIS_URL: inject('redisUrl'), TOLLKEEPER_QUEUE_PREFIX: `doctor-${process.pid}` };
  const connection = { kind: 'redis', url: redis.REDIS_URL, prefix: redis.TOLLKEEPER_QUEUE_PREFIX } as const;
  const queue = createBullmqEngine(connection, 30_000, () => undefined).openQueue(USAGE_QUEUE.name);
  await queue.addJobs([{ data: { v: 1, events: [] } }]);
  await queue.close();
  expect(await examine({ ...environment, ...redis })).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^fail lanes 1 job waits and no lane has a writer Start Tollkeeper/),
    ]),
  );
  expect(await readdir(directory)).toEqual([]);
});

describe('an intake that another process serves', () => {
  /** Holds every lane as a running service would, until it is told to go. */
  async function serve(connectionString: string) {
    const client = new pg.Client({ connectionString });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('select pg_advisory_lock($1, lane) from tollkeeper.lane_epoch', [LANE_LOCK_CLASS]);
    return client;
  }

  async function attached() {
    const database = await createTestDatabase();
    onTestFinished(() => database.drop());
    const holder = await serve(database.connectionString);
    const config = parseConfig({ DATABASE_URL: database.connectionString });
    const intake = await openIntake({ config, ruleset: PLAIN_RULESET, onProblem: () => undefined, patienceMs: 600 });
    const submitted = intake.submit({ v: 1, events: [] }).catch((error: unknown) => error);
    const isAdded = `select from ${QUEUE_SCHEMA}.job where queue = 'ingest'`;
    await until('the job waits', async () => (await holder.query(isAdded).catch(() => undefined))?.rowCount === 1);
    return { database, holder, intake, submitted };
  }

  test('stops waiting when no lane has a writer any more, and says what to do', async () => {
    const { holder, intake, submitted } = await attached();
    await holder.end();
    expect(await submitted).toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: 'Nothing processes the usage: no lane had a writer for 0.6 s.',
      fix: expect.stringContaining('Start `tollkeeper start`'),
    });
    await expect(intake.submit({ v: 1, events: [] })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    await intake.close();
  });

  test('stops waiting when the database is gone', async () => {
    const { database, intake, submitted } = await attached();
    await database.drop();
    expect(await submitted).toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringMatching(/^Nothing processes the usage: the (database|queue) did not answer for 0.6 s/),
    });
    await intake.close();
  });

  test('waits for as long as somebody writes', async () => {
    const { holder, intake, submitted } = await attached();
    const early = await Promise.race([submitted, delay(1_500)]);
    expect(early).toBeUndefined();
    await holder.end();
    await submitted;
    await intake.close();
  });
});
