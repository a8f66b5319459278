import { cleanText } from '../../domain/text/clean.ts';
import { type ApiKey, keyState } from '../../pipeline/api-keys/api-key.ts';
import { timeField } from '../output/json.ts';
import { facts, table } from '../output/table.ts';
import { inWords, time } from '../output/words.ts';

/** A key as JSON. */
export function keyJson(key: ApiKey, nowMs: number) {
  return {
    keyId: key.keyId,
    tenant: key.tenant,
    name: key.name,
    scopes: key.scopes,
    accounts: key.accounts,
    requestsPerMinute: key.requestsPerMinute,
    state: keyState(key, nowMs),
    createdAt: timeField(key.createdAtMs),
    createdBy: key.createdBy,
    expiresAt: timeField(key.expiresAtMs),
    revokedAt: timeField(key.revokedAtMs),
    replacedBy: key.replacedBy,
    lastUsedAt: timeField(key.lastUsedAtMs),
  };
}

/** What a new key may do. */
export function keyWords({ keyId, name, tenant, scopes, accounts, requestsPerMinute, expiresAtMs }: ApiKey): string {
  return facts([
    ['Key', `${cleanText(name)} (${keyId}), tenant ${cleanText(tenant)}`],
    ['May', scopes.join(', ')],
    ['Accounts', accounts === null ? undefined : accounts.map(cleanText).join(', ')],
    ['Requests', requestsPerMinute === null ? undefined : `${requestsPerMinute} a minute`],
    ['Ends', expiresAtMs === null ? undefined : time(expiresAtMs)],
  ]);
}

/** Keys, one a line. */
export function keyTable(keys: readonly ApiKey[], nowMs: number): string {
  return table(
    [
      { head: 'KEY', cell: ({ keyId }) => keyId },
      { head: 'NAME', cell: ({ name }) => name },
      { head: 'MAY', cell: ({ scopes }) => scopes.join(', ') },
      { head: 'STATE', cell: (key) => inWords(keyState(key, nowMs)) },
      { head: 'CREATED', cell: ({ createdAtMs }) => time(createdAtMs) },
      { head: 'ENDS', cell: ({ expiresAtMs, revokedAtMs }) => time(revokedAtMs ?? expiresAtMs) },
      { head: 'LAST USED', cell: ({ lastUsedAtMs }) => time(lastUsedAtMs) },
    ],
    keys,
  );
}
