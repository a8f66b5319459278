import { hash } from 'node:crypto';
import { formatKey, type KeyParts } from '../../domain/api-keys/key-text.ts';
import type { ApiScope } from '../../domain/api-keys/scopes.ts';
import { AppError } from '../../errors.ts';
import { type ApiKey, type ApiKeyStore, type KeyChange, keyState } from './api-key.ts';

/** A key that was just made: the only time its text is known. */
export interface CreatedKey {
  readonly key: ApiKey;
  /** What its owner sends. */
  readonly text: string;
}

export interface NewKey {
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly ApiScope[];
  readonly accounts: readonly string[] | null;
  readonly requestsPerMinute: number | null;
  readonly expiresAtMs: number | null;
}

/** What is kept of a key's secret. */
export function secretHash(secret: string): Uint8Array {
  return hash('sha256', secret, 'buffer');
}

/** Makes a key. `TENANT_NOT_FOUND` unless the tenant is there or to be opened. */
export async function createKey(
  store: ApiKeyStore,
  asked: NewKey,
  parts: KeyParts,
  change: KeyChange,
  isNewTenant: boolean,
): Promise<CreatedKey> {
  if (asked.expiresAtMs !== null && asked.expiresAtMs <= change.atMs)
    throw new AppError('GRANT_EXPIRED', 'The key would have ended before it began.');
  const key = freshKey(asked, parts, change);
  if (!(await store.insert(key, secretHash(parts.secret), change, isNewTenant)))
    throw new AppError('TENANT_NOT_FOUND', `There is no tenant ${JSON.stringify(asked.tenant)}.`);
  return { key, text: formatKey(parts) };
}

/** Makes the successor of a key with the same rights; the old one works on for the overlap. */
export async function rotateKey(
  store: ApiKeyStore,
  old: { readonly tenant: string; readonly keyId: string; readonly overlapMs: number },
  parts: KeyParts,
  change: KeyChange,
): Promise<CreatedKey & { readonly old: ApiKey }> {
  const found = await keyOf(store, old);
  if (keyState(found, change.atMs) !== 'in_force' || found.replacedBy !== null)
    throw new AppError('KEY_STATE', `The key ${old.keyId} is not in force, or was rotated before.`);
  const endsAtMs = Math.min(change.atMs + old.overlapMs, found.expiresAtMs ?? Number.POSITIVE_INFINITY);
  const key = freshKey(found, parts, change);
  if (!(await store.replace({ keyId: old.keyId, endsAtMs }, key, secretHash(parts.secret), change)))
    throw new AppError('KEY_STATE', `The key ${old.keyId} was changed meanwhile.`);
  return { key, text: formatKey(parts), old: { ...found, expiresAtMs: endsAtMs, replacedBy: key.keyId } };
}

/** Ends a key at once; false when it had been revoked before. */
export async function revokeKey(
  store: ApiKeyStore,
  { tenant, keyId }: { readonly tenant: string; readonly keyId: string },
  change: KeyChange,
): Promise<{ readonly key: ApiKey; readonly isChanged: boolean }> {
  const key = await keyOf(store, { tenant, keyId });
  const isChanged = await store.revoke(tenant, keyId, change);
  return { key: { ...key, revokedAtMs: key.revokedAtMs ?? change.atMs }, isChanged };
}

async function keyOf(
  store: Pick<ApiKeyStore, 'find'>,
  { tenant, keyId }: { readonly tenant: string; readonly keyId: string },
): Promise<ApiKey> {
  const found = await store.find(keyId);
  if (found === undefined || found.key.tenant !== tenant)
    throw new AppError('KEY_NOT_FOUND', `The tenant ${tenant} has no key ${JSON.stringify(keyId)}.`);
  return found.key;
}

function freshKey(asked: NewKey, { keyId }: KeyParts, { actor, atMs }: KeyChange): ApiKey {
  const { tenant, name, scopes, accounts, requestsPerMinute, expiresAtMs } = asked;
  const nothingYet = { revokedAtMs: null, replacedBy: null, lastUsedAtMs: null };
  const rights = { tenant, name, scopes, accounts, requestsPerMinute, expiresAtMs };
  return { keyId, ...rights, createdAtMs: atMs, createdBy: actor, ...nothingYet };
}
