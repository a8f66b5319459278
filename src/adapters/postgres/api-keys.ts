import type pg from 'pg';
import type { ApiScope } from '../../domain/api-keys/scopes.ts';
import { formatIso } from '../../domain/time.ts';
import type { ApiKey, ApiKeyStore, KeyChange } from '../../pipeline/api-keys/api-key.ts';
import { inTransaction } from './pool.ts';

interface KeyRow {
  readonly key_id: string;
  readonly tenant_id: string;
  readonly name: string;
  readonly secret_hash: Buffer;
  readonly scopes: readonly ApiScope[];
  readonly accounts: readonly string[] | null;
  readonly requests_per_minute: number | null;
  readonly created_at: Date;
  readonly created_by: string;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly replaced_by: string | null;
  readonly last_used_at: Date | null;
}

/** Keys of the HTTP API on PostgreSQL. */
export function createApiKeyStore(pool: pg.Pool): ApiKeyStore {
  return {
    insert: (key, secretHash, change, isNewTenant) =>
      inTransaction(pool, async (client) => {
        if (isNewTenant)
          await client.query('insert into tenant (tenant_id) values ($1) on conflict do nothing', [key.tenant]);
        if (!(await insertKey(client, key, secretHash))) return false;
        await audit(client, key, 'api_key.create', change, rightsOf(key));
        return true;
      }),
    replace: (old, successor, secretHash, change) =>
      inTransaction(pool, async (client) => {
        if (!(await insertKey(client, successor, secretHash))) return false;
        const { rowCount } = await client.query(
          `update api_key set expires_at = $3, replaced_by = $4
           where key_id = $1 and tenant_id = $2 and revoked_at is null and replaced_by is null`,
          [old.keyId, successor.tenant, formatIso(old.endsAtMs), successor.keyId],
        );
        // Thrown away with the transaction: the successor of nothing would be a key nobody asked for.
        if (rowCount !== 1) throw new NotReplaced();
        const detail = { successor: successor.keyId, endsAt: formatIso(old.endsAtMs) };
        await audit(client, { ...successor, keyId: old.keyId }, 'api_key.rotate', change, detail);
        return true;
      }).catch((error: unknown) => {
        if (error instanceof NotReplaced) return false;
        throw error;
      }),
    revoke: (tenant, keyId, change) =>
      inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          'update api_key set revoked_at = $3 where tenant_id = $1 and key_id = $2 and revoked_at is null',
          [tenant, keyId, formatIso(change.atMs)],
        );
        if (rowCount !== 1) return false;
        await audit(client, { tenant, keyId }, 'api_key.revoke', change, {});
        return true;
      }),
    list: async (tenant) => {
      const { rows } = await pool.query<KeyRow>(
        'select * from api_key where tenant_id = $1 order by created_at desc, key_id',
        [tenant],
      );
      return rows.map(readKey);
    },
    find: async (keyId) => {
      const { rows } = await pool.query<KeyRow>({
        name: 'find-api-key',
        text: 'select * from api_key where key_id = $1',
        values: [keyId],
      });
      const row = rows[0];
      return row === undefined ? undefined : { key: readKey(row), secretHash: row.secret_hash };
    },
    noteUse: async (uses) => {
      await pool.query(
        `update api_key k set last_used_at = greatest(k.last_used_at, u.at)
         from unnest($1::text[], $2::timestamptz[]) as u(key_id, at) where k.key_id = u.key_id`,
        [uses.map(({ keyId }) => keyId), uses.map(({ atMs }) => formatIso(atMs))],
      );
    },
    hasAny: async (nowMs) => {
      const { rows } = await pool.query<{ found: boolean }>(
        'select exists (select from api_key where revoked_at is null and (expires_at is null or expires_at > $1)) as found',
        [formatIso(nowMs)],
      );
      return rows[0]?.found === true;
    },
  };
}

class NotReplaced extends Error {}

async function insertKey(client: pg.PoolClient, key: ApiKey, secretHash: Uint8Array): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into api_key (key_id, tenant_id, name, secret_hash, scopes, accounts, requests_per_minute, created_at, created_by, expires_at)
     select $1, tenant_id, $3, $4, $5, $6, $7, $8, $9, $10 from tenant where tenant_id = $2`,
    [
      key.keyId,
      key.tenant,
      key.name,
      secretHash,
      key.scopes,
      key.accounts,
      key.requestsPerMinute,
      formatIso(key.createdAtMs),
      key.createdBy,
      key.expiresAtMs === null ? null : formatIso(key.expiresAtMs),
    ],
  );
  return rowCount === 1;
}

function audit(
  client: pg.PoolClient,
  { tenant, keyId }: Pick<ApiKey, 'tenant' | 'keyId'>,
  action: string,
  { actor, reason, atMs }: KeyChange,
  detail: Readonly<Record<string, unknown>>,
) {
  return client.query(
    'insert into audit_log (at, tenant_id, actor, action, subject, detail) values ($1, $2, $3, $4, $5, $6)',
    [formatIso(atMs), tenant, actor, action, keyId, JSON.stringify({ ...detail, reason })],
  );
}

function rightsOf({ name, scopes, accounts, requestsPerMinute, expiresAtMs }: ApiKey) {
  const expiresAt = expiresAtMs === null ? null : formatIso(expiresAtMs);
  return { name, scopes, accounts, requestsPerMinute, expiresAt };
}

function readKey(row: KeyRow): ApiKey {
  return {
    keyId: row.key_id,
    tenant: row.tenant_id,
    name: row.name,
    scopes: row.scopes,
    accounts: row.accounts,
    requestsPerMinute: row.requests_per_minute,
    createdAtMs: row.created_at.getTime(),
    createdBy: row.created_by,
    expiresAtMs: row.expires_at?.getTime() ?? null,
    revokedAtMs: row.revoked_at?.getTime() ?? null,
    replacedBy: row.replaced_by,
    lastUsedAtMs: row.last_used_at?.getTime() ?? null,
  };
}
