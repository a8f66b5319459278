import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiKeyStore } from '../../src/adapters/postgres/api-keys.ts';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { parseConfig } from '../../src/config.ts';
import { KeyRing } from '../../src/pipeline/api-keys/key-ring.ts';
import { openBooks } from '../../src/wire/books.ts';
import { type CliRun, runCli } from '../support/cli.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
let nowMs = Date.UTC(2026, 2, 2, 9);

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.connectionString, { name: 'test', max: 4, onError: () => undefined });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

function cli(...args: readonly string[]): Promise<CliRun> {
  const config = () => parseConfig({ DATABASE_URL: database.connectionString });
  return runCli(['api-key', ...args], {
    config,
    now: () => nowMs,
    randomBytes: (count) => randomBytes(count),
    openBooks: () => openBooks(config(), () => undefined),
  });
}

async function created(...args: readonly string[]): Promise<{ readonly key: string; readonly keyId: string }> {
  const run = await cli('create', ...args, '--json');
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  return run.json() as { readonly key: string; readonly keyId: string };
}

const ring = () => {
  const store = createApiKeyStore(pool);
  return new KeyRing({ store, now: () => nowMs, onProblem: (_, error) => expect(error).toBeUndefined() });
};

describe('a key', () => {
  test('is shown once; the database has its hash alone', async () => {
    const { key, keyId } = await created('gateway', '--scope', 'ingest,read');
    expect(key).toMatch(new RegExp(`^tk_live_${keyId}_[0-9a-z]{52}$`));
    const secret = key.slice(-52);
    const { rows } = await pool.query('select * from api_key where key_id = $1', [keyId]);
    const stored = JSON.stringify({ ...rows[0], secret_hash: rows[0].secret_hash.toString('latin1') });
    expect(stored).not.toContain(secret);
    for (const listed of [await cli('list'), await cli('list', '--json')]) {
      expect(listed.stdout).toContain(keyId);
      expect(listed.stdout).not.toContain(secret);
    }
  });

  test('is who it says with its own secret alone', async () => {
    const one = await created('one', '--scope', 'read', '--account', 'acme', '--account', 'zeta', '--rate', '60');
    const other = await created('other', '--scope', 'admin');
    const keys = ring();
    expect(await keys.identify(one.key)).toMatchObject({
      keyId: one.keyId,
      tenant: 'default',
      scopes: ['read'],
      accounts: ['acme', 'zeta'],
      requestsPerMinute: 60,
    });
    const mixed = `tk_live_${other.keyId}_${one.key.slice(-52)}`;
    for (const wrong of [
      mixed,
      one.key.slice(0, -1),
      `${one.key}0`,
      one.key.toUpperCase(),
      '',
      'tk_live__',
      `${one.key}\n`,
    ])
      expect(await keys.identify(wrong), wrong).toBeUndefined();
    expect(await keys.identify(`tk_live_${'0'.repeat(12)}_${'0'.repeat(52)}`)).toBeUndefined();
  });

  test('that is rotated works on for the overlap, then its successor alone', async () => {
    const old = await created('rotating', '--scope', 'support', '--account', 'acme');
    const run = await cli('rotate', old.keyId, '--overlap-hours', '2', '--json');
    const successor = run.json() as { key: string; keyId: string; oldEndsAt: string };
    expect(successor).toMatchObject({ replaces: old.keyId, scopes: ['support'], accounts: ['acme'], name: 'rotating' });
    const keys = ring();
    expect((await keys.identify(old.key))?.keyId).toBe(old.keyId);
    expect((await keys.identify(successor.key))?.keyId).toBe(successor.keyId);
    nowMs += 2 * 3_600_000;
    expect(await keys.identify(old.key)).toBeUndefined();
    expect((await keys.identify(successor.key))?.keyId).toBe(successor.keyId);
    const again = await cli('rotate', old.keyId);
    expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('error KEY_STATE: ')]);
  });

  test('that is revoked is refused by a running service within two seconds, and revoking again changes nothing', async () => {
    const { key, keyId } = await created('leaked', '--scope', 'admin');
    const keys = ring();
    expect((await keys.identify(key))?.keyId).toBe(keyId);
    expect((await cli('revoke', keyId, '--reason', 'in a log')).stdout).toContain('leaked');
    nowMs += 2_000;
    expect(await keys.identify(key)).toBeUndefined();
    expect((await cli('revoke', keyId, '--json')).json()).toMatchObject({ state: 'revoked', changed: false });
  });

  test('ends on its date', async () => {
    const { key } = await created('short', '--scope', 'read', '--expires', '2026-03-03');
    const keys = ring();
    expect(await keys.identify(key)).toBeDefined();
    nowMs = Date.UTC(2026, 2, 3);
    expect(await keys.identify(key)).toBeUndefined();
    const past = await cli('create', 'late', '--scope', 'read', '--expires', '2026-03-02');
    expect([past.exitCode, past.stderr]).toEqual([2, expect.stringContaining('ended before it began')]);
  });

  test('is noted as used at most once a minute, however often it is used and by whatever process', async () => {
    const { key, keyId } = await created('busy', '--scope', 'read');
    const lastUse = async () => {
      const { rows } = await pool.query('select last_used_at from api_key where key_id = $1', [keyId]);
      return rows[0].last_used_at?.getTime() ?? null;
    };
    const keys = ring();
    const firstMs = nowMs;
    for (let use = 0; use < 20; use++) await keys.identify(key);
    await expect.poll(lastUse).toBe(firstMs);
    nowMs += 59_000;
    await keys.identify(key);
    await ring().identify(key);
    nowMs += 1_000;
    await keys.identify(key);
    await expect.poll(lastUse).toBe(firstMs + 60_000);
  });

  test('of a tenant is no business of another tenant', async () => {
    const unknown = await cli('create', 'x', '--scope', 'read', '--tenant', 'nowhere');
    expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining('error TENANT_NOT_FOUND: ')]);
    const { key, keyId } = await created('theirs', '--scope', 'admin', '--tenant', 'northwind', '--new-tenant');
    expect(await ring().identify(key)).toMatchObject({ tenant: 'northwind' });
    for (const command of ['rotate', 'revoke']) {
      const run = await cli(command, keyId);
      expect([run.exitCode, run.stderr]).toEqual([1, expect.stringContaining('error KEY_NOT_FOUND: ')]);
    }
    expect((await cli('list')).stdout).not.toContain(keyId);
    expect((await cli('list', '--tenant', 'northwind')).stdout).toContain(keyId);
  });
});

test('every change of a key is a line of the audit log, with who and why', async () => {
  const { keyId } = await created('audited', '--scope', 'read', '--reason', 'case 118');
  await cli('rotate', keyId, '--overlap-hours', '0');
  const { keyId: revoked } = await created('audited too', '--scope', 'read');
  await cli('revoke', revoked, '--reason', 'gone');
  const { rows } = await pool.query(
    'select actor, action, subject, detail from audit_log where subject = any($1) order by audit_id',
    [[keyId, revoked]],
  );
  expect(rows).toMatchObject([
    { actor: 'cli:test', action: 'api_key.create', subject: keyId, detail: { scopes: ['read'], reason: 'case 118' } },
    { actor: 'cli:test', action: 'api_key.rotate', subject: keyId },
    { action: 'api_key.create', subject: revoked },
    { action: 'api_key.revoke', subject: revoked, detail: { reason: 'gone' } },
  ]);
});

test.each([
  [['create', 'x'], "required option '--scope"],
  [['create', 'x', '--scope', 'root'], 'Give ingest, read'],
  [['create', 'x', '--scope', ''], 'Give ingest, read'],
  [['create', 'a\u001b[2J', '--scope', 'read'], 'printable characters'],
  [['revoke', 'tk_live_000000000000_secret'], 'what follows it is a secret'],
  [['rotate', 'nonsense'], 'Give the id of a key'],
  [['rotate', '000000000000', '--overlap-hours', '9999'], 'whole number from 0 to 720'],
])('%j is a usage error', async (args, words) => {
  const run = await cli(...args);
  expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining(words)]);
  expect(run.stderr).not.toContain('_secret');
});

test('a question that failed is asked again, and is no refusal', async () => {
  const { key } = await created('patient', '--scope', 'read');
  const store = createApiKeyStore(pool);
  let failures = 1;
  const keys = new KeyRing({
    store: { ...store, find: (id) => (failures-- > 0 ? Promise.reject(new Error('away')) : store.find(id)) },
    now: () => nowMs,
    onProblem: () => undefined,
  });
  await expect(keys.identify(key)).rejects.toThrow('away');
  expect(await keys.identify(key)).toBeDefined();
});
