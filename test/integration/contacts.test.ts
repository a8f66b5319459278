import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { parseConfig } from '../../src/config.ts';
import { isMailAddress, isTimeZone } from '../../src/domain/contacts/contact.ts';
import { openBooks } from '../../src/wire/books.ts';
import { runCli } from '../support/cli.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.connectionString, { name: 'test', max: 4, onError: () => undefined });
  await pool.query(
    "insert into account (tenant_id, account_id, opened_at) values ('default', 'acme', now()), ('default', 'other', now())",
  );
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const run = (...args: string[]) =>
  runCli(['account', 'contact', ...args], {
    openBooks: () => openBooks(parseConfig({ DATABASE_URL: database.connectionString }), () => undefined),
  });

test('a contact is changed field by field and read back', async () => {
  const unknown = await run('acme', '--json');
  expect(unknown.json()).toMatchObject({ email: null, language: 'en', timeZone: 'UTC', tellsLowBalance: true });
  const first = await run(
    'acme',
    '--email',
    'ana@example.com',
    '--person',
    'Ana',
    '--language',
    'de',
    '--time-zone',
    'Europe/Berlin',
  );
  expect(first.exitCode).toBe(0);
  const second = await run('acme', '--no-person', '--low-balance', 'off', '--json');
  expect(second.json()).toEqual({
    account: 'acme',
    ...{ email: 'ana@example.com', personName: null, accountName: null, language: 'de', timeZone: 'Europe/Berlin' },
    tellsLowBalance: false,
    changed: ['personName', 'tellsLowBalance'],
  });
  expect((await run('acme')).stdout).toContain('ana@example.com');
});

test('the audit log names the fields that changed and no personal data', async () => {
  await run('other', '--email', 'secret@example.com');
  const { rows } = await pool.query<{ detail: unknown }>("select detail from audit_log where subject = 'other'");
  expect(rows.map(({ detail }) => detail)).toEqual([{ changed: ['email'] }]);
});

test.each([
  [['--email', 'ana@example.com\r\nBcc: all@example.com'], 'email'],
  [['--email', 'ana@example.com,eve@example.com'], 'email'],
  [['--time-zone', 'Mars/Olympus'], 'timeZone'],
  [['--person', 'A\u202ena'], 'personName'],
  [['--called', ''], 'accountName'],
])('%j is refused with the field and a fix', async (args, field) => {
  const result = await run('acme', ...args);
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain('CONTACT_INVALID');
  expect(result.stderr).toContain(field);
});

test('an account that is not there gets no contact', async () => {
  expect((await run('nobody', '--person', 'Ana')).stderr).toContain('ACCOUNT_NOT_FOUND');
  expect((await run('nobody')).stderr).toContain('ACCOUNT_NOT_FOUND');
});

test('requests read only the contacts of their tenant', async () => {
  await run('acme', '--email', 'ana@example.com');
  const client = await pool.connect();
  try {
    const seen = async (tenant: string) => {
      await client.query('begin');
      await client.query('set local role tk_app');
      await client.query("select set_config('app.tenant', $1, true)", [tenant]);
      const { rows } = await client.query('select account_id from account_contact');
      await client.query('rollback');
      return rows.length;
    };
    expect(await seen('default')).toBeGreaterThan(0);
    expect(await seen('another')).toBe(0);
  } finally {
    client.release();
  }
});

test('addresses and zones are told apart from what only looks like one', () => {
  for (const good of ['a@b.co', 'ana.b+c@mail.example.com', "o'neil@example.org"])
    expect(isMailAddress(good), good).toBe(true);
  for (const bad of [
    '',
    'a',
    'a@b',
    '.a@b.co',
    'a..b@c.de',
    'a b@c.de',
    '<a@b.co>',
    'a@b.co\n',
    'a@-b.co',
    `${'a'.repeat(65)}@b.co`,
  ])
    expect(isMailAddress(bad), bad).toBe(false);
  for (const good of ['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires'])
    expect(isTimeZone(good), good).toBe(true);
  for (const bad of ['', '+02:00', 'Mars/Olympus', '../etc', 'Europe/Berlin '])
    expect(isTimeZone(bad), bad).toBe(false);
});
