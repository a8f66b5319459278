import type { ApiScope } from '../../domain/api-keys/scopes.ts';

/** A key without its secret. */
export interface ApiKey {
  readonly keyId: string;
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly ApiScope[];
  /** The only accounts it may name; all of them when null. */
  readonly accounts: readonly string[] | null;
  readonly requestsPerMinute: number | null;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  readonly replacedBy: string | null;
  readonly lastUsedAtMs: number | null;
}

export type ApiKeyState = 'in_force' | 'revoked' | 'expired';

/** Whether a key is in force at a time. */
export function keyState(key: Pick<ApiKey, 'expiresAtMs' | 'revokedAtMs'>, nowMs: number): ApiKeyState {
  if (key.revokedAtMs !== null) return 'revoked';
  return key.expiresAtMs !== null && key.expiresAtMs <= nowMs ? 'expired' : 'in_force';
}

/** Who changes keys, for the audit log. */
export interface KeyChange {
  readonly actor: string;
  readonly reason: string | null;
  readonly atMs: number;
}

/** Keys in the database; every change is a line of the audit log in the same database transaction. */
export interface ApiKeyStore {
  /** Stores a new key; `isNewTenant` opens its tenant too. False when the tenant is unknown. */
  readonly insert: (key: ApiKey, secretHash: Uint8Array, change: KeyChange, isNewTenant: boolean) => Promise<boolean>;
  /** Stores the successor of a key, which then ends at `oldEndsAtMs`; false when the old one is not in force. */
  readonly replace: (
    old: { readonly keyId: string; readonly endsAtMs: number },
    successor: ApiKey,
    secretHash: Uint8Array,
    change: KeyChange,
  ) => Promise<boolean>;
  /** Ends a key now; false when it had been revoked before. */
  readonly revoke: (tenant: string, keyId: string, change: KeyChange) => Promise<boolean>;
  /** Keys of a tenant, the newest first. */
  readonly list: (tenant: string) => Promise<readonly ApiKey[]>;
  /** A key by its id, whatever its tenant: it is what tells the tenant. */
  readonly find: (keyId: string) => Promise<{ readonly key: ApiKey; readonly secretHash: Uint8Array } | undefined>;
  /** Notes the use of keys. */
  readonly noteUse: (uses: readonly { readonly keyId: string; readonly atMs: number }[]) => Promise<void>;
  /** Whether any key at all is in force. */
  readonly hasAny: (nowMs: number) => Promise<boolean>;
}
