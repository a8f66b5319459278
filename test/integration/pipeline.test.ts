import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { rulesetInLanes } from '../../src/domain/rules/ruleset-in-lanes.ts';
import { WALLET_STATUS_QUEUE } from '../../src/queues.ts';
import { compareWithOracle } from '../support/compare-with-oracle.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { randomUsage } from '../support/random-usage.ts';
import { runService, shippedRuleset, TEST_LATE_WINDOW_MS, type TestService, until } from '../support/run-service.ts';

let database: TestDatabase;
let running: TestService | undefined;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(async () => {
  await running?.close();
  running = undefined;
  await database.drop();
});

describe.each(['redis', 'postgres'] as const)('queues on %s', (kind) => {
  let count = 0;
  const start = async (options: { readonly batchEventsMax?: number; readonly ruleset?: Ruleset } = {}) => {
    const prefix = `pipeline-${kind}-${process.pid}-${count++}`;
    const redis = kind === 'redis' ? { redisUrl: inject('redisUrl'), prefix } : {};
    running = await runService({ databaseUrl: database.connectionString, ...redis, ...options });
    return running;
  };

  test('a random run with rules that are shown every event decides what the oracle decides', async () => {
    const ruleset = await shippedRuleset();
    expect(rulesetInLanes(ruleset)).toBe(ruleset);
    const { engine } = await start({ batchEventsMax: 300, ruleset });
    const usage = randomUsage(11, { events: 4_000, accounts: 30, nowMs: Date.now() });
    const queue = engine.queues.openQueue('usage');
    await queue.addJobs(usage.jobs.map((data) => ({ data })));
    await until('the queue is drained', async () => {
      const { waiting, active, completed, failed } = await queue.counts();
      return waiting + active === 0 && completed + failed === usage.jobs.length;
    });
    await queue.close();
    const comparison = await compareWithOracle(engine.pool, ruleset, TEST_LATE_WINDOW_MS);
    expect(comparison.database).toEqual(comparison.oracle);
    // Rules that look at single events have spoken, or this would compare nothing new.
    const { rows } = await engine.pool.query<{ hits: bigint }>(
      `select count(*) as hits from decision d, json_array_elements(d.evidence -> 'results') r
       where r ->> 'status' = 'hit' and r ->> 'feature' = 'rarity'`,
    );
    expect(rows[0]?.hits).toBeGreaterThan(0n);
  });

  test('a random run has the entries, quarantine and decisions of an oracle that applies its facts one by one', async () => {
    const { engine } = await start({ batchEventsMax: 300 });
    const usage = randomUsage(7, { events: 6_000, accounts: 30, nowMs: Date.now() });
    const queue = engine.queues.openQueue('usage');
    await queue.addJobs(usage.jobs.map((data) => ({ data })));
    await until('the queue is drained', async () => {
      const { waiting, active, completed, failed } = await queue.counts();
      return waiting + active === 0 && completed + failed === usage.jobs.length;
    });
    expect((await queue.counts()).failed).toBe(0);
    await queue.close();

    const comparison = await compareWithOracle(engine.pool, await shippedRuleset(), TEST_LATE_WINDOW_MS);
    expect(comparison.database).toEqual(comparison.oracle);
    expect(comparison.database.decisions.length).toBeGreaterThan(0);
    expect(comparison.database.wallets.some((line) => line.includes(' frozen '))).toBe(true);

    // A message that nobody relays would wait for ever.
    const { rows } = await engine.pool.query('select distinct topic from outbox');
    expect(rows).toEqual([{ topic: WALLET_STATUS_QUEUE.name }]);
    await until('every message has left', async () => {
      return (await engine.pool.query('select from outbox where sent_at is null limit 1')).rowCount === 0;
    });
  });

  test('characters that jsonb refuses keep neither their event nor its neighbours out of the queue', async () => {
    const { engine } = await start();
    const event = { source: 'gw', account: 'acct_nul', meter: 'api.calls', quantity: '1', occurredAt: Date.now() };
    const events = [
      { ...event, id: 'nul\u0000' },
      { ...event, id: 'fine' },
      { ...event, id: 'kept', properties: { note: 'a\u0000b \ud800' } },
    ];
    const queue = engine.queues.openQueue('usage');
    await queue.addJobs([{ id: 'hostile', data: { v: 1, events } }]);
    await until('the job is done', async () => (await queue.result('hostile')) !== undefined);
    const result = await queue.result('hostile');
    expect(result).toMatchObject({ results: [{ status: 'rejected' }, { status: 'posted' }, { status: 'posted' }] });
    await queue.close();
  });
});
