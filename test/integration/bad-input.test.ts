import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { EventStatus } from '../../src/domain/events/usage-event.ts';
import { addressOf } from '../../src/domain/ids.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { runService, type TestService } from '../support/run-service.ts';
import { openUsageClient, type UsageClient } from '../support/usage-client.ts';

const NOW_MS = Date.now();

describe.each(['redis', 'postgres'] as const)('bad input through queues on %s', (kind) => {
  let database: TestDatabase;
  let running: TestService;
  let usage: UsageClient;
  let ingest: UsageClient;
  let number = 0;

  beforeAll(async () => {
    database = await createTestDatabase();
    const prefix = `bad-input-${process.pid}`;
    const redis = kind === 'redis' ? { redisUrl: inject('redisUrl'), prefix } : {};
    running = await runService({ databaseUrl: database.connectionString, ...redis });
    usage = openUsageClient({ databaseUrl: database.connectionString, ...redis });
    ingest = openUsageClient({ queue: 'ingest', databaseUrl: database.connectionString, ...redis });
  }, 120_000);

  afterAll(async () => {
    await Promise.all([usage?.close(), ingest?.close()]);
    await running?.close();
    await database?.drop();
  }, 120_000);

  const good = (fields: object = {}) => ({
    id: `evt-${number++}`,
    source: 'gateway',
    account: 'acct_bad_input',
    meter: 'output_tokens',
    quantity: '10',
    occurredAt: NOW_MS - 60_000,
    ...fields,
  });

  /** Sends the event between two good ones in one job: the neighbours must not notice. */
  const between = async (raw: unknown): Promise<EventStatus | undefined> => {
    const results = await usage.send({ v: 1, events: [good(), raw, good()] });
    expect(results.map(({ status }) => status).filter((_, index) => index !== 1)).toEqual(['posted', 'posted']);
    return results[1];
  };

  /** After a job that was refused as a whole, the next one is served as if nothing had been. */
  const refused = async (jobId: string): Promise<EventStatus | undefined> => {
    const results = await usage.results(jobId);
    expect(await usage.send(good())).toMatchObject([{ status: 'posted' }]);
    const { rows } = await running.engine.pool.query('select raw from rejected_event where job_id = $1', [jobId]);
    expect(rows.length).toBe(results.length);
    return results[0];
  };

  const rejected: readonly (readonly [string, object, string, string])[] = [
    ['a negative quantity', { quantity: '-12.5' }, 'QUANTITY_NEGATIVE', 'quantity'],
    ['NaN', { quantity: 'NaN' }, 'QUANTITY_NOT_FINITE', 'quantity'],
    ['1e400 as text', { quantity: '1e400' }, 'QUANTITY_TOO_LARGE', 'quantity'],
    ['thirty decimals', { quantity: `0.${'1'.repeat(30)}` }, 'QUANTITY_TOO_PRECISE', 'quantity'],
    [
      'an amount no wallet can hold',
      { meter: 'image.count', quantity: '9'.repeat(18) },
      'AMOUNT_TOO_LARGE',
      'quantity',
    ],
    ['an id of 10 KB', { id: 'x'.repeat(10_240) }, 'EVENT_TEXT_TOO_LONG', 'id'],
    ['a tenant on the public queue', { tenant: 'somebody-else' }, 'TENANT_NOT_ALLOWED', 'tenant'],
    ['a time without offset', { occurredAt: '2026-03-01 12:00' }, 'TIME_INVALID', 'occurredAt'],
    ['a date before 1970', { occurredAt: '1969-12-31T23:59:59Z' }, 'TIME_INVALID', 'occurredAt'],
  ];
  test.each(rejected)('%s is refused with code, field, value and fix, and kept', async (_what, fields, code, field) => {
    const raw = good(fields);
    const status = await between(raw);
    expect(status).toMatchObject({
      status: 'rejected',
      code,
      field,
      value: expect.any(String),
      fix: expect.stringMatching(/\.$/),
    });
    const { rows } = await running.engine.pool.query<{ raw: string; code: string }>(
      'select raw, code from rejected_event where position = 1 order by rejected_at desc limit 1',
    );
    expect(rows[0]?.code).toBe(code);
    expect(JSON.parse(rows[0]?.raw ?? '')).toEqual(raw);
  });

  const quarantined: readonly (readonly [string, object, string])[] = [
    ['a time in 1970', { occurredAt: '1970-01-01T00:00:00Z' }, 'too_late'],
    ['a time in 2100', { occurredAt: '2100-01-01T00:00:00Z' }, 'in_future'],
    ['an unknown meter', { meter: 'output_tokenz' }, 'unknown_meter'],
    ['more than the overdraft', { account: 'acct_poor', quantity: '9000000000' }, 'over_limit'],
  ];
  test.each(quarantined)('%s goes to quarantine with its reason', async (_what, fields, reason) => {
    const raw = good(fields);
    expect(await between(raw)).toEqual({ id: raw.id, status: 'quarantined', code: reason });
    const { rows } = await running.engine.pool.query('select reason from quarantine where event_id = $1', [raw.id]);
    expect(rows).toEqual([{ reason }]);
  });

  test('an account never seen is opened at zero and charged within the overdraft', async () => {
    const account = `acct_new_${number++}`;
    expect(await between(good({ account }))).toMatchObject({ status: 'posted' });
    const { rows } = await running.engine.pool.query(
      'select a.status, w.posted from account a join wallet w using (tenant_id, account_id) where account_id = $1',
      [account],
    );
    expect(rows).toEqual([{ status: 'unconfirmed', posted: -6_000n }]);
  });

  test('__proto__ among the properties is data like any other', async () => {
    const text = JSON.stringify({ v: 1, events: [good({ properties: { key: 1 } })] }).replace(
      '"key":1',
      '"__proto__":{"admin":true}',
    );
    expect(await usage.results(await usage.addRaw(text))).toMatchObject([{ status: 'posted' }]);
    expect({}).not.toHaveProperty('admin');
  });

  test('1e400 as a JSON number is refused, not taken for zero', async () => {
    const raw = good();
    const text = JSON.stringify({ v: 1, events: [raw, good()] }).replace('"quantity":"10"', '"quantity":1e400');
    const results = await usage.results(await usage.addRaw(text));
    expect(results).toMatchObject([{ id: raw.id, status: 'rejected', field: 'quantity' }, { status: 'posted' }]);
    expect(['QUANTITY_NOT_FINITE', 'QUANTITY_NOT_DECIMAL']).toContain(
      results[0]?.status === 'rejected' && results[0].code,
    );
  });

  test('the same id with other content is a tampering signal once, and a duplicate after that', async () => {
    const first = good();
    const results = await usage.send({
      v: 1,
      events: [first, { ...first, quantity: '11' }, { ...first, quantity: '11' }, first],
    });
    expect(results.map((result) => ('code' in result ? result.code : result.status))).toEqual([
      'posted',
      'altered',
      'duplicate',
      'duplicate',
    ]);
    const moved = { ...first, occurredAt: NOW_MS - 59_000 };
    expect(await usage.send(moved)).toMatchObject([{ status: 'quarantined', code: 'altered' }]);
    expect(await usage.send(moved)).toMatchObject([{ status: 'duplicate' }]);
  });

  test('a corrected event is charged when the first was refused for its amount, even in the same job', async () => {
    const first = good({ meter: 'image.count', quantity: '9'.repeat(18) });
    const results = await usage.send({
      v: 1,
      events: [first, first, { ...first, quantity: '1' }, { ...first, quantity: '1' }],
    });
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'posted', 'duplicate']);
  });

  test('the same id under an account of another lane is a tampering signal, even when it could not be charged anyway', async () => {
    const [mine, other] = accountsOfTwoLanes();
    const first = good({ account: mine });
    expect(await usage.send(first)).toMatchObject([{ status: 'posted' }]);
    expect(await between({ ...first, account: other })).toMatchObject({ status: 'quarantined', code: 'altered' });

    // Also when the copy would have gone to quarantine anyway, where no index of posted usage sees it.
    const second = good({ account: mine });
    expect(await usage.send(second)).toMatchObject([{ status: 'posted' }]);
    const dear = { ...second, account: other, quantity: '90000000000' };
    expect(await between(dear)).toMatchObject({ status: 'quarantined', code: 'altered' });
  });

  test('a row that PostgreSQL refuses is set aside alone, and its neighbours are charged', async () => {
    const { pool } = running.engine;
    await pool.query(`alter table entry add constraint poison check (amount <> -7800) not valid`);
    try {
      const events = [good(), good(), good({ quantity: '13' }), good(), good(), good(), good()];
      const results = await usage.send({ v: 1, events });
      expect(results.map(({ status }) => status)).toEqual(
        events.map((_, index) => (index === 2 ? 'rejected' : 'posted')),
      );
      expect(results[2]).toMatchObject({ code: 'EVENT_NOT_STORABLE', value: '23514' });
    } finally {
      await pool.query('alter table entry drop constraint poison');
    }
  });

  test('a job of 10,001 events is refused as a whole and kept', async () => {
    const events = Array.from({ length: 10_001 }, () => ({ id: 'x' }));
    expect(await refused(await usage.add({ v: 1, events }))).toMatchObject({
      status: 'rejected',
      code: 'JOB_TOO_MANY_EVENTS',
      field: 'events',
    });
  });

  test('a job of 10 MB is refused as a whole and its beginning kept', async () => {
    const job = { v: 1, events: [good({ properties: { filler: 'x'.repeat(10 * 1024 * 1024) } })] };
    expect(await refused(await usage.add(job))).toMatchObject({ status: 'rejected', code: 'JOB_TOO_LARGE' });
  });

  test('another version, and fields no version has, are refused as a whole', async () => {
    expect(await refused(await usage.add({ v: 2, events: [good()] }))).toMatchObject({ code: 'JOB_SHAPE', field: 'v' });
    expect(await refused(await usage.add({ events: [good()] }))).toMatchObject({ code: 'JOB_SHAPE', field: 'v' });
    expect(await refused(await usage.add(['an', 'array']))).toMatchObject({ code: 'JOB_SHAPE', field: '(data)' });
    expect(await refused(await usage.add({ v: 1, events: [], tenant: 'x' }))).toMatchObject({
      code: 'JOB_SHAPE',
      field: 'tenant',
    });
  });

  test('a tenant nobody has declared is refused on the internal queue, and the next event charged', async () => {
    const results = await ingest.send({ v: 1, events: [good({ tenant: 'nobody' }), good({ tenant: 'default' })] });
    expect(results).toMatchObject([
      { status: 'rejected', code: 'EVENT_NOT_STORABLE', value: '23503' },
      { status: 'posted' },
    ]);
  });

  if (kind === 'redis') {
    test('job data that is not JSON is refused and kept as it came', async () => {
      const text = '{"v":1,"events":[{"id":"cut \u0000';
      const jobId = await usage.addRaw(text);
      expect(await refused(jobId)).toMatchObject({ status: 'rejected', code: 'JOB_NOT_JSON', field: '(data)' });
      const { rows } = await running.engine.pool.query('select raw from rejected_event where job_id = $1', [jobId]);
      expect(JSON.stringify(rows)).toContain('cut');
    });

    test('NUL in an id or in the name of a field is refused with the name shown safely', async () => {
      expect(await between(good({ id: 'a\u0000b' }))).toMatchObject({
        status: 'rejected',
        code: 'EVENT_TEXT_CONTROL',
        field: 'id',
      });
      expect(await between(good({ 'a\u0000b': 1 }))).toMatchObject({ status: 'rejected', code: 'EVENT_FIELD_UNKNOWN' });
      const jobId = await usage.add({ v: 1, events: [good()], 'a\u0000b': '\u0000' });
      expect(await refused(jobId)).toMatchObject({ status: 'rejected', code: 'JOB_SHAPE' });
    });

    test('nesting of 5,000 levels is refused and its beginning kept', async () => {
      const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
      const text = JSON.stringify({ v: 1, events: [good({ quantity: 'DEEP' }), good()] }).replace('"DEEP"', deep);
      const results = await usage.results(await usage.addRaw(text));
      expect(results).toMatchObject([{ status: 'rejected', code: 'QUANTITY_NOT_DECIMAL' }, { status: 'posted' }]);
    });

    test('nesting of 200,000 levels is refused and its beginning kept', async () => {
      const jobId = await usage.addRaw(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
      expect(await refused(jobId)).toMatchObject({ status: 'rejected', code: 'JOB_SHAPE' });
    });
  }

  test('nothing failed, and the books add up', async () => {
    expect((await usage.counts()).failed).toBe(0);
    const { rows } = await running.engine.pool.query(
      `select (select count(*) from (select event_key from entry union all select event_key from quarantine) keys)
         = (select count(*) from (select event_key from entry union select event_key from quarantine) keys) as unique,
        (select coalesce(sum(amount), 0) from entry) = (select coalesce(sum(posted), 0) from wallet) as balanced`,
    );
    expect(rows).toEqual([{ unique: true, balanced: true }]);
  });

  /** Two accounts whose shards belong to different lanes; fresh on every call. */
  function accountsOfTwoLanes(): readonly [string, string] {
    const laneOf = (account: string) => addressOf('default', account, 'USD').shard % 4;
    const mine = `acct_${number++}`;
    for (;;) {
      const other = `acct_${number++}`;
      if (laneOf(other) !== laneOf(mine)) return [mine, other];
    }
  }
});
