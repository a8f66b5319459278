/**
 * What a key may do. `ingest` sends usage, and reserves and charges money for calls; `read` looks at wallets, statements
 * and alerts; `support` freezes, thaws, tops up, corrects events and closes alerts; `analyst` checks and backtests rules;
 * `admin` may do all of it.
 */
export const API_SCOPES = ['ingest', 'read', 'support', 'analyst', 'admin'] as const;
export type ApiScope = (typeof API_SCOPES)[number];

/** Whoever may change or judge something may look at it. */
const INCLUDED: Readonly<Record<ApiScope, readonly ApiScope[]>> = {
  ingest: ['ingest'],
  read: ['read'],
  support: ['support', 'read'],
  analyst: ['analyst', 'read'],
  admin: API_SCOPES,
};

/** Whether any of the scopes allows what is asked for. */
export function mayDo(scopes: Iterable<ApiScope>, asked: ApiScope): boolean {
  for (const scope of scopes) if (INCLUDED[scope].includes(asked)) return true;
  return false;
}
