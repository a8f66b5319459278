import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseMoney } from '../../domain/money/nanos.ts';
import { AppError } from '../../errors.ts';
import type { AdminRequest } from '../../pipeline/admin/request.ts';
import { principalOf } from '../server/authorize.ts';
import { actorOf, type Principal } from '../server/principal.ts';
import { RequestProblem } from '../server/problem.ts';

/** Headers of everything that changes something. */
export const changeHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'Give 1 to 128 printable ASCII characters.')
    .describe('Sent again with the same key, a request changes nothing and is answered as before.'),
});

/** `?dryRun=true` does everything, then rolls it back. */
export const changeQuery = z.object({ dryRun: z.enum(['true', 'false']).default('false') });

export const reasonSchema = z.string().min(1).max(500).describe('Kept in the audit log.');

/** Decimal strings in major units: a JSON number would lose digits. */
export const amountSchema = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,9})?( [A-Z]{3})?$/, 'Write money as a decimal string such as "20.00" or "20.00 USD".')
  .meta({ description: 'A decimal string in major units, such as "20.00" or "20.00 USD".', examples: ['20.00'] });

/** What a request says of a change beside its own words. */
export function changeOf(
  request: Pick<FastifyRequest, 'principal'> & {
    readonly headers: z.infer<typeof changeHeaders>;
    readonly query: z.infer<typeof changeQuery>;
  },
  reason: string | null,
  nowMs: number,
): AdminRequest {
  const principal = principalOf(request);
  return {
    key: storedKey(principal, request.headers['idempotency-key']),
    actor: actorOf(principal),
    reason,
    nowMs,
    dryRun: request.query.dryRun === 'true',
  };
}

/**
 * Keys of all tenants and those of our own sweepers share one table: another's key must neither collide nor answer, and
 * nobody may take the name of a change still to come, such as the end of a freeze. No key holds the separator.
 */
function storedKey({ tenant }: Principal, key: string): string {
  return `${tenant}\u001f${key}`;
}

/** Nano-units of an amount above zero in the books' currency. */
export function positiveNanos(text: string, currency: string, field: string): bigint {
  const nanos = nanosOf(text, currency, field);
  if (nanos > 0n) return nanos;
  throw new RequestProblem([{ field, message: 'is not above zero' }]);
}

/** Nano-units of an amount, zero included. */
export function nanosOf(text: string, currency: string, field: string): bigint {
  const money = parseMoney(text);
  if (money === undefined) throw new RequestProblem([{ field, message: 'is no amount' }]);
  if ((money.currency ?? currency) !== currency)
    throw new AppError(
      'AMOUNT_INVALID',
      `${field}: ${text} is in ${money.currency}; these books are kept in ${currency}.`,
    );
  return money.nanos;
}

/** Whether a key may name an account. */
export function mayName({ accounts }: Principal, account: string): boolean {
  return accounts === undefined || accounts.has(account);
}

/** A key that is bound to accounts names one of them in lists, or gets none. */
export function requireFilter(principal: Principal, account: string | undefined): void {
  if (principal.accounts === undefined || (account !== undefined && principal.accounts.has(account))) return;
  throw new AppError('KEY_NOT_ALLOWED', 'This key is bound to accounts: name one of them with ?account=.');
}
