import type pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { listAccounts } from '../../src/adapters/postgres/queries/accounts.ts';
import { listHolds } from '../../src/adapters/postgres/queries/holds.ts';
import { listQuarantine } from '../../src/adapters/postgres/queries/quarantine.ts';
import { listWallets, showWallets } from '../../src/adapters/postgres/queries/wallets.ts';
import { topUpReads } from '../../src/adapters/postgres/stripe/topups.ts';
import { createTenantPools, TENANT_ROLE, type TenantPools } from '../../src/adapters/postgres/tenant-pool.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';
import { createTestDatabase } from '../support/postgres.ts';

/** Tables whose rows belong to nobody; everything else that a request may read is held to one tenant. */
const SHARED = ['archived_day', 'shard_lane'];

async function twoTenants(): Promise<{ readonly ledger: TestLedger; readonly tenants: TenantPools }> {
  const ledger = await openTestLedger();
  await ledger.pool.query("insert into tenant (tenant_id) values ('north'), ('south')");
  for (const tenant of ['north', 'south']) {
    await topUp(ledger.admin, {
      tenant,
      account: 'acme',
      currency: 'USD',
      amount: (tenant === 'north' ? 7n : 11n) * USD,
      source: 'promotional',
      overdraftNanos: PLAIN_RULESET.overdraftNanos,
      key: `fund-${tenant}`,
      actor: 'test',
      reason: null,
      nowMs: START_MS,
      dryRun: false,
      priority: 5,
    });
  }
  await addMoneyIn(ledger.pool);
  const tenants = createTenantPools(ledger.connectionString, { name: 'test', max: 4, onError: () => undefined });
  onTestFinished(() => tenants.end());
  return { ledger, tenants };
}

const MONEY_TABLES = [
  'topup',
  'stripe_customer',
  'auto_topup',
  'money_case',
  'payment_signal',
  'radar_listing',
  'account_label',
];

/** Of each tenant a row in every table of money in, and a case of nobody's. */
async function addMoneyIn(pool: pg.Pool): Promise<void> {
  const of = `select tenant_id, account_id, wallet_id, now() as at from wallet`;
  await pool.query(`
    insert into topup (topup_id, tenant_id, account_id, wallet_id, currency, kind, amount, status, request_key, request_hash,
      actor, created_at, updated_at)
    select 'top_' || tenant_id, tenant_id, account_id, wallet_id, 'USD', 'checkout', 1, 'pending', tenant_id, 'x', 'test', at, at from (${of}) w;
    insert into stripe_customer (customer_id, tenant_id, account_id, created_at)
    select 'cus_' || tenant_id, tenant_id, account_id, at from (${of}) w;
    insert into auto_topup (wallet_id, tenant_id, account_id, currency, threshold, amount, daily_cap, burst_max, burst_window_ms,
      updated_at, updated_by)
    select wallet_id, tenant_id, account_id, 'USD', 1, 1, 1, 1, 1, at, 'test' from (${of}) w;
    insert into money_case (case_id, tenant_id, account_id, kind, subject, title, detail, opened_at)
    select 'cas_' || tenant_id, tenant_id, account_id, 'not_posted', tenant_id, 'x', '{}'::json, at from (${of}) w
    union all select 'cas_nobody', null, null, 'unknown_customer', 'cus_1', 'x', '{}'::json, now();
    insert into payment_signal (signal_key, tenant_id, account_id, kind, subject, at, detail)
    select tenant_id, tenant_id, account_id, 'dispute', 'x', at, '{}'::json from (${of}) w;
    insert into radar_listing (customer_id, tenant_id, account_id, status, reason, by, put_at, until_at)
    select 'cus_' || tenant_id, tenant_id, account_id, 'standing', 'x', 'test', at, at from (${of}) w;
    insert into account_label (tenant_id, account_id, label, cause, from_at, idempotency_key, made_at, made_by)
    select tenant_id, account_id, 'benign', 'x', at, tenant_id, at, 'test' from (${of}) w`);
}

async function tablesReadable(pool: pg.Pool): Promise<readonly { name: string; secured: boolean }[]> {
  const { rows } = await pool.query<{ name: string; secured: boolean }>(
    `select c.relname as name, c.relrowsecurity as secured from pg_class c
     where c.relnamespace = 'tollkeeper'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
       and has_table_privilege($1, c.oid, 'select') order by 1`,
    [TENANT_ROLE],
  );
  return rows;
}

test('every table that a request may read is held to one tenant', async () => {
  const { ledger } = await twoTenants();
  const tables = await tablesReadable(ledger.pool);
  expect(tables.filter(({ secured }) => !secured).map(({ name }) => name)).toEqual(SHARED);
  expect(tables.length).toBeGreaterThan(15);
});

test('a request sees the rows of its tenant and no others, whatever it asks for', async () => {
  const { ledger, tenants } = await twoTenants();
  const tables = (await tablesReadable(ledger.pool)).filter(({ secured }) => secured);
  const counts = async (pool: Pick<pg.Pool, 'query'>) => {
    const found: Record<string, number> = {};
    for (const { name } of tables) {
      const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from ${name}`);
      found[name] = rows[0]?.n ?? -1;
    }
    return found;
  };
  const [all, north, south, nobody] = [
    await counts(ledger.pool),
    await counts(tenants.of('north')),
    await counts(tenants.of('south')),
    await counts(tenants.of("x'; set local app.tenant = 'north")),
  ];
  for (const table of ['account', 'wallet', 'entry', 'audit_log', 'credit_grant']) {
    expect([table, all[table], north[table], south[table]]).toEqual([table, 2, 1, 1]);
  }
  for (const table of MONEY_TABLES) {
    const inAll = table === 'money_case' ? 3 : 2;
    expect([table, all[table], north[table], south[table]]).toEqual([table, inAll, 1, 1]);
  }
  expect(Object.values(nobody).every((rows) => rows === 0)).toBe(true);
});

test('lists ask with the name of another tenant in vain', async () => {
  const { tenants } = await twoTenants();
  const north = tenants.of('north');
  const filter = { tenant: 'south', limit: 10 };
  expect(await listWallets(north, filter)).toEqual([]);
  expect(await listAccounts(north, filter)).toEqual([]);
  expect(await listHolds(north, filter)).toEqual([]);
  expect((await listQuarantine(north, { ...filter, status: 'open' })).events).toEqual([]);
  expect(await showWallets(north, { tenant: 'south', name: 'acme', walletId: undefined })).toEqual([]);
  expect(await topUpReads(north).read('top_south')).toBeUndefined();
  expect(await topUpReads(north).list(filter)).toEqual([]);
  expect(await topUpReads(north).read('top_north')).toMatchObject({ tenant: 'north', account: 'acme' });
  const [own] = await listWallets(north, { tenant: 'north', limit: 10 });
  expect(own).toMatchObject({ account: 'acme', posted: 7n * USD });
});

test('a session without a tenant sees nothing', async () => {
  const { tenants } = await twoTenants();
  const { rows } = await tenants.of('').query('select * from wallet');
  expect(rows).toEqual([]);
});

test.each([
  ['writing', 'update wallet set posted = 0', /permission denied|read-only/],
  ['facts of all tenants', 'select * from batch_facts', /permission denied/],
  ['ledger transactions of all tenants', 'select * from batch', /permission denied/],
  ['events of Stripe', 'select * from stripe_event', /permission denied/],
  ['requests of people', 'select * from admin_request', /permission denied/],
  ['a partition of entries by its own name', 'select * from entry_20260302', /permission denied/],
])('a request is refused: %s', async (_, sql, message) => {
  const { tenants } = await twoTenants();
  await expect(tenants.of('north').query(sql)).rejects.toThrow(message);
});

test('the tenant of one request is not there for the next on the same connection', async () => {
  const { ledger } = await twoTenants();
  const tenants = createTenantPools(ledger.connectionString, { name: 'one', max: 1, onError: () => undefined });
  onTestFinished(() => tenants.end());
  await tenants.of('north').query('select 1');
  await expect(tenants.of('north').query('select 1 / 0')).rejects.toThrow('division by zero');
  const { rows } = await tenants.of('south').query<{ tenant: string }>('select tenant_id as tenant from wallet');
  expect(rows).toEqual([{ tenant: 'south' }]);
});

test('a database user who may not create roles is told what an administrator has to run', async () => {
  const database = await createTestDatabase({ content: 'empty' });
  const owner = createPool(database.connectionString, { name: 'owner', max: 1, onError: () => undefined });
  const name = `limited_${database.name.slice(-8)}`;
  onTestFinished(async () => {
    await owner.end();
    await database.drop();
  });
  await owner.query(
    `create role ${name} login password 'limited'; grant create on database ${database.name} to ${name}`,
  );
  const url = new URL(database.connectionString);
  url.username = name;
  url.password = 'limited';
  const limited = createPool(url.href, { name: 'limited', max: 1, onError: () => undefined });
  try {
    const failure = await migrate(limited, { lanes: 1 }).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(String(failure?.cause ?? failure)).toContain(`grant tk_app to ${name}`);
    await owner.query(`grant tk_app to ${name}`);
    expect(await migrate(limited, { lanes: 1 })).toContain('0021-tenancy.sql');
  } finally {
    await limited.end();
    await owner.query(`drop owned by ${name}; drop role ${name}`);
  }
});
