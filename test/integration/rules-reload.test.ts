import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { createRulesetArchive } from '../../src/adapters/postgres/ruleset-archive.ts';
import { parseConfig } from '../../src/config.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { diagnose } from '../../src/wire/doctor.ts';
import { readRules } from '../../src/wire/rules.ts';
import { readRunningRules } from '../../src/wire/rules-state.ts';
import { type RunningPipeline, startPipeline } from '../../src/wire/start-pipeline.ts';
import type { RulesLine } from '../../src/wire/watch-rules.ts';
import { runCli } from '../support/cli.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { until } from '../support/run-service.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { openUsageClient, type UsageClient } from '../support/usage-client.ts';
import { BURST_RULE, PRICING, SETTINGS } from '../unit/rules-samples.ts';

/** Fires at the third event of an account that has been known for two hours. */
const THREE_EVENTS = BURST_RULE.replace('of: spend', 'of: events')
  .replace('window: 30min', 'window: 2h')
  .replace('  times: 6\n', '  limit: 3\n  min_hours: 2\n')
  .replace('  floor: { above_expected: 10.00 USD }\n', '')
  .replace('2x100 60@30min', '1x24 5')
  .replace('2x100 5@30min', '1x24 1')
  .replace('2x6 60@30min', '1x1 5');

let database: TestDatabase;
let pool: pg.Pool;
let client: UsageClient;
let pipeline: RunningPipeline | undefined;
let accounts = 0;

beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool(database.connectionString, { name: 'test', max: 2, onError: () => undefined });
});

afterEach(async () => {
  await client?.close();
  await pipeline?.close();
  pipeline = undefined;
  await pool.end();
  await database.drop();
});

/** Usage of a new account that fires the rule once; the decision it led to. */
async function decide(): Promise<{ ruleset_hash: string; evidence: { rules?: string }; summary: string }> {
  const account = `acct_${accounts++}`;
  const now = Date.now();
  const times = [now - 9 * HOUR_MS, now - 60, now - 40, now - 20];
  const events = times.map((occurredAt, index) => {
    return { id: `${account}-${index}`, source: 'gw', account, meter: 'api.calls', quantity: '1', occurredAt };
  });
  expect(await client.send({ v: 1, events })).toMatchObject(times.map(() => ({ status: 'posted' })));
  const { rows } = await pool.query(
    'select d.ruleset_hash, d.evidence, a.summary from decision d join alert a using (decision_id) where d.account_id = $1',
    [account],
  );
  expect(rows).toHaveLength(1);
  return rows[0];
}

test('a service takes a changed file between two batches, and keeps what runs when a file is broken', async () => {
  const rules = await temporaryDirectory();
  const dataDir = await temporaryDirectory();
  const write = (name: string, text: string) => writeFile(join(rules, name), text);
  await write('burst.yaml', THREE_EVENTS);
  await write('ruleset.yaml', SETTINGS);
  await write('pricing.yaml', PRICING);
  const config = parseConfig({
    DATABASE_URL: database.connectionString,
    TOLLKEEPER_DATA_DIR: dataDir,
    TOLLKEEPER_RULES_DIR: rules,
    TOLLKEEPER_LANES: '2',
  });
  const { result } = await readRules(rules);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  const lines: RulesLine[] = [];
  const onRules = (line: RulesLine) => lines.push(line);
  pipeline = await startPipeline({ config, ruleset: result.ruleset, onProblem: () => undefined, onRules });
  client = openUsageClient({ databaseUrl: database.connectionString });
  const cli = (args: readonly string[]) =>
    runCli(args, {
      readRules: () => readRules(rules, { nowMs: Date.now() }),
      runningRules: () => readRunningRules(dataDir),
    });
  const doctorSays = async () => (await diagnose(config, Date.now)).filter(({ area }) => area === 'rules');

  const first = await decide();
  expect(first.ruleset_hash).toBe(result.ruleset.hash);
  expect(first.evidence.rules).toBeUndefined();
  expect((await cli(['rules', 'check'])).stdout).toContain(
    `In force: ruleset ${first.ruleset_hash.slice(0, 12)} (loaded`,
  );
  const sound = await doctorSays();
  expect(sound.find(({ message }) => message.startsWith('running ruleset'))).toMatchObject({ status: 'ok' });

  // A valid change: the next decision carries its hash, and both versions are kept.
  await write('burst.yaml', THREE_EVENTS.replace('score: 40', 'score: 45'));
  await until('the change is in force', () => lines.length === 1);
  const second = await decide();
  expect(second.ruleset_hash).not.toBe(first.ruleset_hash);
  expect(lines[0]).toMatchObject({ level: 'info', details: { ruleset: second.ruleset_hash } });
  const archive = createRulesetArchive(pool);
  expect((await archive.read(first.ruleset_hash))?.judgedRules[0]?.score).toBe(40);
  expect((await archive.read(second.ruleset_hash))?.judgedRules[0]?.score).toBe(45);
  expect(await archive.read('0'.repeat(64))).toBeUndefined();

  // A broken one: what runs stays, and everybody says so.
  await write('burst.yaml', THREE_EVENTS.replace('score: 40', 'score: 400'));
  await until('the mistake is seen', () => lines.length === 2);
  const running = `running ${second.ruleset_hash.slice(0, 12)}; on disk `;
  const third = await decide();
  expect(third.ruleset_hash).toBe(second.ruleset_hash);
  expect(third.evidence.rules).toMatch(new RegExp(`^${running}[0-9a-f]{12} is invalid since .* UTC \\(1 error\\)$`));
  expect(third.summary.replace(/\s+/g, ' ')).toContain(`Rules: ${running}`);
  expect(lines[1]?.level).toBe('warn');
  expect(lines[1]?.message).toContain(running);
  expect(JSON.stringify(lines[1]?.details)).toContain('RULE-SHAPE-018');
  const check = await cli(['rules', 'check']);
  expect(check.exitCode).toBe(1);
  expect(check.stdout).toContain(`Still running ruleset ${second.ruleset_hash.slice(0, 12)} (loaded`);
  const json = await cli(['rules', 'check', '--json']);
  expect(json.json()).toMatchObject({ ok: false, running: { ruleset: second.ruleset_hash, refused: { errors: 1 } } });
  expect((await doctorSays()).find(({ message }) => message.startsWith(running))).toMatchObject({ status: 'fail' });

  // A list that a live rule needs is not there, appears, and is lost.
  await write('burst.yaml', THREE_EVENTS.replace('say:', "unless: account in list('trusted')\nsay:"));
  await until('the missing list is seen', () => JSON.stringify(lines.at(-1)?.details).includes('RULE-NAME-012'));
  await mkdir(join(rules, 'lists'));
  await write(
    'lists/trusted.yaml',
    'why: Partners.\nentries: [{ value: acct_x, until: 2099-01-01, why: a partner }]\n',
  );
  await until('the list is in force', () => lines.at(-1)?.level === 'info');
  const fourth = await decide();
  expect(fourth.evidence.rules).toBeUndefined();
  await write('lists/trusted.yaml', '');
  await until('the lost list is seen', () => lines.at(-1)?.level === 'warn');
  expect((await decide()).ruleset_hash).toBe(fourth.ruleset_hash);

  await client.close();
  await pipeline.close();
  pipeline = undefined;
  expect(await readRunningRules(dataDir)).toBeUndefined();
});
