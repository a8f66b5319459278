import type { ApiScope } from '../../domain/api-keys/scopes.ts';

/** Who sends a request: a key, with what it may do. */
export interface Principal {
  readonly tenant: string;
  readonly keyId: string;
  readonly scopes: ReadonlySet<ApiScope>;
  /** The only accounts that the key may name; all of them when undefined. */
  readonly accounts: ReadonlySet<string> | undefined;
  /** Requests a minute; the server's own limit when undefined. */
  readonly requestsPerMinute: number | undefined;
}

/** Finds the key that a request carries; undefined when it is none of ours, or no longer in force. */
export interface Authenticator {
  readonly authenticate: (secret: string) => Promise<Principal | undefined>;
}

/** What a route asks of a request: a scope, any one of several, or nothing. */
export type Access = ApiScope | readonly ApiScope[] | 'open';

/** Who is asking, for the audit log. */
export function actorOf({ keyId }: Pick<Principal, 'keyId'>): string {
  return `key:${keyId}`;
}
