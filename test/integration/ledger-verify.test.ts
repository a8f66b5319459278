import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createArchiveFiles } from '../../src/adapters/archive-files.ts';
import { createAdminStore } from '../../src/adapters/postgres/admin/admin-store.ts';
import { createSetStore } from '../../src/adapters/postgres/post-set.ts';
import { verifyWithin } from '../../src/adapters/postgres/verify/verify-ledger.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { SetPoster } from '../../src/pipeline/admin/post-set.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import type { LedgerFinding } from '../../src/pipeline/queries/ledger-finding.ts';
import { USD } from '../support/ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { randomUsage } from '../support/random-usage.ts';
import { runService, shippedRuleset, type TestService, until } from '../support/run-service.ts';
import { otherValue } from '../support/verify.ts';

let database: TestDatabase;
let running: TestService;
let client: pg.PoolClient;

const ruleset = await shippedRuleset();
const NO_FILES = createArchiveFiles([]);

// One set of books with everything in it: charged, repeated, altered and refused usage, freezes by rules and by people,
// credit, released and voided usage. Each test changes it inside a transaction that is rolled back.
beforeAll(async () => {
  database = await createTestDatabase();
  running = await runService({ databaseUrl: database.connectionString, batchEventsMax: 100 });
  const { engine } = running;
  const send = async (seed: number, events: number) => {
    const usage = randomUsage(seed, { events, accounts: 12, nowMs: Date.now() });
    const queue = engine.queues.openQueue('usage');
    await queue.addJobs(usage.jobs.map((data) => ({ data })));
    await until('the queue is drained', async () => {
      const { waiting, active } = await queue.counts();
      return waiting + active === 0;
    });
    await queue.close();
  };
  await send(7, 2_000);
  const admin = createAdminStore(engine.pool);
  const { rows } = await engine.pool.query<{ account_id: string; waiting: bigint }>(
    `select w.account_id, count(q.event_key) as waiting from wallet w
     left join quarantine q on q.wallet_id = w.wallet_id and q.reason in ('frozen', 'over_limit') and q.status = 'open'
     group by w.account_id order by count(q.event_key) desc, w.account_id`,
  );
  const overdraftNanos = ruleset.overdraftNanos;
  const nowMs = Date.now();
  for (const [index, { account_id: account }] of rows.entries()) {
    const common = { actor: 'cli:ana', reason: `case ${index}`, nowMs, dryRun: false };
    const wallet = { tenant: 'default', name: account };
    if (index % 3 !== 2) {
      const credit = { tenant: 'default', account, currency: 'USD', amount: 4_000n * USD, source: 'paid' } as const;
      await topUp(admin, { ...common, ...credit, overdraftNanos, key: `topup-${index}` });
    }
    if (index === 4 || index === 5 || index === 6)
      await freeze(admin, { ...common, wallet, hours: 5, key: `freeze-${index}` });
  }
  const items = rows.map(({ account_id: account }, index) => ({
    id: `fee-${index}`,
    account,
    amount: index % 3 === 0 ? -USD : 2n * USD,
    atMs: nowMs,
  }));
  const who = { tenant: 'default', actor: 'cli:ana', reason: 'fees', nowMs } as const;
  await new SetPoster(createSetStore(engine.pool)).post({
    ...who,
    items,
    currency: 'USD',
    source: 'paid',
    overdraftNanos,
  });
  await send(8, 500);
  for (const [index, usage] of (['post', 'void', 'keep'] as const).entries()) {
    const wallet = { tenant: 'default', name: rows[4 + index]?.account_id ?? '' };
    const request = { key: `thaw-${index}`, actor: 'cli:bo', reason: null, nowMs: nowMs + HOUR_MS, dryRun: false };
    await thaw(admin, { ...request, wallet, usage, overdraftNanos });
  }
  client = await engine.pool.connect();
}, 120_000);

afterAll(async () => {
  client.release();
  await running.close();
  await database.drop();
});

/** What `verify` says of the books after these changes, made as somebody with the superuser's password would. */
async function findingsAfter(...changes: readonly string[]): Promise<readonly LedgerFinding[]> {
  const found: LedgerFinding[] = [];
  await client.query('begin isolation level repeatable read');
  try {
    await client.query('set local session_replication_role = replica');
    for (const sql of changes) {
      const { rowCount } = await client.query(sql);
      expect(rowCount, sql).toBeGreaterThan(0);
    }
    await verifyWithin(client, ruleset, NO_FILES, {
      tenant: 'default',
      onFinding: (finding) => found.push(finding),
      onProgress: () => undefined,
    });
  } finally {
    await client.query('rollback');
  }
  return found;
}

test('books that nobody touched have no finding, and hold everything the other tests change', async () => {
  expect(await findingsAfter('select 1')).toEqual([]);
  const counts = await client.query<{ what: string; rows: bigint }>(
    `select b.kind as what, count(*) as rows from batch b group by 1
     union all select 'quarantine ' || status, count(*) from quarantine group by 1
     union all select 'decision', count(*) from decision union all select 'alert', count(*) from alert
     union all select 'frozen', count(*) from wallet where status = 'frozen'`,
  );
  const there = new Map(counts.rows.map(({ what, rows }) => [what, Number(rows)]));
  const needed = ['usage', 'topup', 'set', 'freeze', 'thaw', 'release', 'void', 'quarantine open', 'quarantine posted'];
  for (const what of [...needed, 'quarantine void', 'decision', 'alert', 'frozen']) {
    expect(there.get(what) ?? 0, what).toBeGreaterThan(0);
  }
});

/** None of these wallets has a spending limit, and the table lets its parts be set together only. */
const THROTTLE = ['limit', 'period_ms', 'period_at', 'spent', 'told_at', 'told_sequence'].map(
  (name) => `throttle_${name}`,
);

/** Rows to change: which one, and what of it is not held by anything (docs/ledger-verify.md). */
const TABLES: readonly (readonly [table: string, which: string, except: readonly string[]])[] = [
  ['entry', 'kind = 1', []],
  ['entry', 'kind = 3', []],
  ['entry', 'kind = 4', []],
  ['entry', 'kind = 6', []],
  ['entry', 'kind = 16', []],
  ['entry', 'kind = 17', []],
  ['batch', "kind = 'usage' and posted > 0", []],
  ['batch', "kind = 'topup'", []],
  ['batch', "kind = 'release'", []],
  ['batch', "kind = 'set'", []],
  ['batch', "kind = 'void'", []],
  ['batch_contra', 'true', []],
  ['batch_facts', 'true', []],
  ['lane_head', 'last_batch > 1', ['ingested_at', 'features_through']],
  ['wallet', "status = 'active' and seq > 0", ['opened_at', 'status_sequence', 'tenant_id', ...THROTTLE]],
  ['wallet', "status = 'frozen'", ['opened_at', 'status_sequence', 'frozen_at', 'tenant_id', ...THROTTLE]],
  ['quarantine', "status = 'open'", []],
  ['quarantine', "status = 'posted'", []],
  ['quarantine', "status = 'void'", []],
  ['decision', "outcome = 'freeze'", []],
  ['alert', 'true', ['status', 'closed_at', 'closed_by', 'closed_reason']],
  ['audit_log', 'true', ['audit_id']],
  ['admin_request', "idempotency_key like 'topup%'", ['result']],
];

describe.each(TABLES)('a row of %s where %s', (table, which, except) => {
  test('that has one value changed is found, and the column named', async () => {
    const columns = await client.query<{ name: string; type: string }>(
      `select column_name as name, data_type as type from information_schema.columns
       where table_schema = 'tollkeeper' and table_name = $1 order by ordinal_position`,
      [table],
    );
    expect(columns.rows.length).toBeGreaterThan(1);
    const missed: string[] = [];
    for (const { name, type } of columns.rows) {
      if (except.includes(name)) continue;
      const row = `(select ctid from ${table} where ${which} order by ctid limit 1)`;
      const at =
        table === 'entry'
          ? `(tableoid, ctid) = (select tableoid, ctid from entry where ${which} order by event_key limit 1)`
          : `ctid = ${row}`;
      const found = await findingsAfter(`update ${table} set ${name} = ${otherValue(table, name, type)} where ${at}`);
      const names = found.map((finding) => `${finding.table}.${finding.column} ${finding.why}`);
      const isNamed = names.some((text) => text.includes(table)) && names.some((text) => text.includes(name));
      // A part that has only its hash to speak for it is named by its table.
      const isSealed = ['decision', 'alert', 'audit_log'].includes(table);
      const isKey = ['lane', 'batch_no', 'event_key', 'wallet_id'].includes(name);
      if (found.length === 0 || (!isNamed && !isSealed && !isKey))
        missed.push(`${name}: ${names.slice(0, 3).join('; ')}`);
    }
    expect(missed).toEqual([]);
  });

  test('that is taken out is found', async () => {
    const at =
      table === 'entry'
        ? `(tableoid, ctid) = (select tableoid, ctid from entry where ${which} order by event_key limit 1)`
        : `ctid = (select ctid from ${table} where ${which} order by ctid limit 1)`;
    const found = await findingsAfter(`delete from ${table} where ${at}`);
    expect(found.map((finding) => `${finding.what} ${finding.table}`).join()).toMatch(new RegExp(table));
  });
});

const LAST_OF_LANE = `(lane, batch_no) = (select lane, last_batch from lane_head order by last_batch desc limit 1)`;

describe('somebody who makes the rest fit', () => {
  test('cannot add a charge: the entry has no event, though balance and other leg agree', async () => {
    const found = await findingsAfter(
      `create temporary table target on commit drop as select e.* from entry e join wallet w using (wallet_id)
         where e.kind = 1 and e.seq = w.seq order by e.event_key limit 1`,
      `insert into entry select (overlay(event_key::text placing 'abcdef' from 31))::uuid, wallet_id, seq + 1, -5, balance_after - 5,
         event_time, content_hash, batch_no, lane, kind from target`,
      `update wallet w set posted = w.posted - 5, seq = w.seq + 1 from target t where w.wallet_id = t.wallet_id`,
      `update batch_contra c set amount = c.amount + 5 from target t where c.lane = t.lane and c.batch_no = t.batch_no`,
      `update batch b set priced = b.priced + 5, posted = b.posted + 1, events = b.events + 1 from target t
         where b.lane = t.lane and b.batch_no = t.batch_no`,
    );
    expect(found).toContainEqual(
      expect.objectContaining({ what: 'inserted', table: 'entry', stored: '-5', account: expect.any(String) }),
    );
  });

  test('cannot lower a charge: the stored event and the price say otherwise', async () => {
    const found = await findingsAfter(
      `create temporary table target on commit drop as select e.* from entry e join wallet w using (wallet_id)
         where e.kind = 1 and e.seq = w.seq and e.amount < -10 order by e.event_key limit 1`,
      `update entry e set amount = e.amount + 7, balance_after = e.balance_after + 7 from target t where e.event_key = t.event_key`,
      `update wallet w set posted = w.posted + 7 from target t where w.wallet_id = t.wallet_id`,
      `update batch_contra c set amount = c.amount - 7 from target t where c.lane = t.lane and c.batch_no = t.batch_no`,
    );
    const [changed] = found.filter(({ table, column }) => table === 'entry' && column === 'amount');
    expect(changed).toMatchObject({ what: 'changed', eventId: expect.stringMatching(/^evt-/) });
    expect(BigInt(changed?.stored ?? 0) - BigInt(changed?.expected ?? 0)).toBe(7n);
  });

  test('cannot swap two entries of a batch, or move one to another batch', async () => {
    const pair = `(select array_agg(event_key order by seq) as keys from (select event_key, seq, count(*) over (partition by wallet_id, lane, batch_no) as n,
      wallet_id, lane, batch_no from entry where kind = 1) e where n > 1 group by wallet_id, lane, batch_no order by 1 limit 1)`;
    const swapped = await findingsAfter(
      `update entry e set seq = case e.event_key when p.keys[1] then e.seq + 1 else e.seq - 1 end from ${pair} p where e.event_key in (p.keys[1], p.keys[2])`,
    );
    expect(swapped.some(({ table, column }) => table === 'entry' && column === 'balance_after')).toBe(true);
    const moved = await findingsAfter(
      `update entry e set batch_no = e.batch_no + 1 from ${pair} p where e.event_key = p.keys[1]`,
    );
    expect(moved.map(({ what, table }) => `${what} ${table}`)).toEqual(
      expect.arrayContaining(['missing entry', 'inserted entry']),
    );
  });

  test('cannot cut off the end, set the head back, or add a batch behind it', async () => {
    const cut = await findingsAfter(
      `delete from entry where ${LAST_OF_LANE}`,
      `delete from batch where ${LAST_OF_LANE}`,
      `update lane_head h set last_batch = b.batch_no, chain = b.chain from batch b
         where b.lane = h.lane and b.batch_no = h.last_batch - 1 and not exists (select from batch o where o.lane = h.lane and o.batch_no = h.last_batch)`,
    );
    expect(cut.map(({ table }) => table)).toContain('wallet');
    const back = await findingsAfter(
      `update lane_head h set last_batch = b.batch_no, chain = b.chain from batch b where b.lane = h.lane and b.batch_no = h.last_batch - 1`,
    );
    expect(back.filter(({ table, column }) => table === 'lane_head' && column === 'last_batch').length).toBeGreaterThan(
      0,
    );
    const added = await findingsAfter(
      `insert into batch (lane, batch_no, kind, epoch, actor, chain) select lane, batch_no + 1, 'void', epoch, actor, chain from batch where ${LAST_OF_LANE}`,
    );
    expect(added.some(({ table }) => table === 'batch' || table === 'lane_head')).toBe(true);
  });

  test('cannot put usage into quarantine, or a decision or an audit line beside a batch', async () => {
    const refused = await findingsAfter(
      `insert into quarantine select (overlay(event_key::text placing 'abcdef' from 31))::uuid, wallet_id, tenant_id, account_id, lane, batch_no, 9999,
         reason, amount, content_hash, event_id, source, meter, event_time, ingested_at, decision_id, event from quarantine where status = 'open' limit 1`,
    );
    expect(refused).toContainEqual(expect.objectContaining({ what: 'inserted', table: 'quarantine' }));
    const decided = await findingsAfter(
      `insert into decision select decision_id || 'x', tenant_id, wallet_id, account_id, lane, batch_no, event_key, outcome, score, ruleset_hash,
         decided_at, evidence from decision limit 1`,
    );
    expect(decided).toContainEqual(expect.objectContaining({ table: 'decision, alert, grant_burn' }));
    const said = await findingsAfter(
      `insert into audit_log (tenant_id, actor, action, subject, detail, lane, batch_no)
         select 'default', 'cli:eve', 'wallet.topup', 'wal_x', '{}', lane, batch_no from batch where kind = 'usage' order by lane, batch_no limit 1`,
    );
    expect(said.length).toBeGreaterThan(0);
  });

  test('is found by the account whose books were changed, and not by others', async () => {
    const { rows } = await client.query<{ account_id: string }>(
      'select account_id from wallet where seq > 0 order by account_id limit 2',
    );
    const [mine = '', other = ''] = rows.map((row) => row.account_id);
    const found: LedgerFinding[] = [];
    await client.query('begin isolation level repeatable read');
    await client.query('set local session_replication_role = replica');
    await client.query(`update wallet set posted = posted + 1 where account_id = '${mine}'`);
    for (const account of [mine, other]) {
      await client.query('savepoint before');
      const request = { tenant: 'default', account, onProgress: () => undefined };
      await verifyWithin(client, ruleset, NO_FILES, { ...request, onFinding: (finding) => found.push(finding) });
      await client.query('rollback to before');
    }
    await client.query('rollback');
    expect(found).toMatchObject([{ table: 'wallet', column: 'posted', account: mine }]);
  });
});
