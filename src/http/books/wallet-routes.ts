import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { formatWalletId } from '../../domain/ids.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { formatDecimal } from '../../domain/money/nanos.ts';
import { parseRfc3339 } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { WalletReference } from '../../pipeline/admin/admin-store.ts';
import { walletOf } from '../../pipeline/admin/wallet-of.ts';
import { ACCOUNT_STATUSES } from '../../pipeline/queries/queries.ts';
import { principalOf } from '../server/authorize.ts';
import type { HttpApp } from '../server/http-app.ts';
import { RequestProblem } from '../server/problem.ts';
import { mayName, requireFilter } from './change.ts';
import { entrySchema, entryView } from './entry-view.ts';
import { afterOf, pageOf, pageQuery, pageSchema } from './paging.ts';
import type { BookRoutes } from './tenant-books.ts';
import {
  accountSchema,
  accountView,
  alertSchema,
  alertView,
  isoOf,
  moneySchema,
  spendableSchema,
  spendableView,
  walletSchema,
  walletView,
} from './views.ts';

/** A wallet in a path: its own id, or its account's name. */
export const walletParams = z.object({
  wallet: z.string().min(1).max(512).describe('A wallet id (wal_…), or the name of an account.'),
});
export const currencyQuery = z.object({
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .optional()
    .describe('When the account has wallets in several.'),
});

const accountName = z.string().min(1).max(128);
const accountFilter = { account: accountName.optional() };

/** The wallet a path means, as far as the key may name its account. */
export async function findWallet(
  request: Pick<FastifyRequest, 'principal'>,
  { books }: Pick<BookRoutes, 'books'>,
  asked: { readonly wallet: string; readonly currency?: string | undefined },
): Promise<WalletHead & { readonly reference: WalletReference }> {
  const principal = principalOf(request);
  const { tenant } = principal;
  const named = { tenant, name: asked.wallet, ...(asked.currency === undefined ? {} : { currency: asked.currency }) };
  const wallet = await walletOf(books(tenant).admin, named);
  // As if it were not there: its name is nothing that the key may learn.
  if (!mayName(principal, wallet.account)) throw new AppError('WALLET_NOT_FOUND', `${asked.wallet} has no wallet.`);
  return { ...wallet, reference: { tenant, name: formatWalletId(wallet.walletId) } };
}

/** Looks at accounts, wallets and their past. */
export function walletRoutes(app: HttpApp, routes: BookRoutes): void {
  const { books, now, ruleset } = routes;
  app.get(
    '/v1/accounts',
    {
      config: { access: 'read' },
      schema: {
        tags: ['wallets'],
        summary: 'Accounts by name, with their wallets',
        querystring: pageQuery.extend({ ...accountFilter, status: z.enum(ACCOUNT_STATUSES).optional() }),
        response: { 200: pageSchema(accountSchema) },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const principal = principalOf(request);
      requireFilter(principal, filter.account);
      const { tenant } = principal;
      const rows = await books(tenant).pages.accounts({
        ...set(filter),
        tenant,
        limit: limit + 1,
        after: afterOf(cursor),
      });
      return pageOf(rows, limit, accountView, ({ account }) => account);
    },
  );
  app.get(
    '/v1/accounts/:account',
    {
      config: { access: 'read' },
      schema: {
        tags: ['wallets'],
        summary: 'One account',
        params: z.object({ account: accountName }),
        response: { 200: accountSchema },
      },
    },
    async (request) => {
      const principal = principalOf(request);
      const { account: name } = request.params;
      const filter = { tenant: principal.tenant, account: name, limit: 1 };
      const [account] = mayName(principal, name) ? await books(principal.tenant).queries.accounts(filter) : [];
      if (account === undefined)
        throw new AppError('ACCOUNT_NOT_FOUND', `There is no account ${JSON.stringify(name)}.`);
      return accountView(account);
    },
  );
  app.get(
    '/v1/wallets',
    {
      config: { access: 'read' },
      schema: {
        tags: ['wallets'],
        summary: 'Wallets by account',
        querystring: pageQuery.extend({ ...accountFilter, status: z.enum(['active', 'frozen', 'thawing']).optional() }),
        response: { 200: pageSchema(walletSchema) },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const principal = principalOf(request);
      requireFilter(principal, filter.account);
      const { tenant } = principal;
      const rows = await books(tenant).pages.wallets({
        ...set(filter),
        tenant,
        limit: limit + 1,
        after: afterOf(cursor),
      });
      return pageOf(rows, limit, walletView, ({ walletId }) => formatWalletId(walletId));
    },
  );
  app.get(
    '/v1/wallets/:wallet',
    {
      config: { access: 'read' },
      schema: {
        tags: ['wallets'],
        summary: 'One wallet, with what waits in quarantine and the latest alerts',
        params: walletParams,
        querystring: currencyQuery,
        response: { 200: walletDetailSchema },
      },
    },
    async (request) => {
      const { reference } = await findWallet(request, routes, { ...request.params, ...request.query });
      const [detail] = await books(reference.tenant).queries.wallet(reference);
      if (detail === undefined) throw new AppError('WALLET_NOT_FOUND', 'The wallet is gone.');
      return {
        ...walletView(detail.wallet),
        grants: detail.grants.map((grant) => ({
          grant: grant.grantId,
          source: grant.source,
          priority: grant.priority,
          amount: formatDecimal(grant.amount),
          remaining: formatDecimal(grant.remaining),
          expiresAt: isoOf(grant.expiresAtMs),
        })),
        quarantine: detail.quarantine.map(({ reason, events, amount, oldestMs }) => ({
          reason,
          events,
          amount: formatDecimal(amount),
          oldestAt: isoOf(oldestMs),
        })),
        alerts: detail.alerts.map(alertView),
      };
    },
  );
  app.get(
    '/v1/wallets/:wallet/spendable',
    {
      config: { access: ['ingest', 'read'] },
      schema: {
        tags: ['wallets'],
        summary: 'What may be spent now: what a gateway asks before it serves',
        params: walletParams,
        querystring: currencyQuery,
        response: { 200: spendableSchema },
      },
    },
    async (request) => {
      const wallet = await findWallet(request, routes, { ...request.params, ...request.query });
      return spendableView(wallet, { overdraftNanos: ruleset().overdraftNanos, nowMs: now() });
    },
  );
  app.get(
    '/v1/wallets/:wallet/entries',
    {
      config: { access: 'read' },
      schema: {
        tags: ['wallets'],
        summary: 'Entries of a wallet, the newest first',
        params: walletParams,
        querystring: pageQuery.extend(currencyQuery.shape),
        response: { 200: pageSchema(entrySchema) },
      },
    },
    async (request) => {
      const { limit, cursor, currency } = request.query;
      const { reference } = await findWallet(request, routes, { ...request.params, currency });
      const after = afterOf(cursor);
      if (after !== undefined && !/^\d{1,18}$/.test(after))
        throw new RequestProblem([{ field: 'query.cursor', message: 'is none that a list has given' }]);
      const before = after === undefined ? undefined : BigInt(after);
      const page = await books(reference.tenant).history.entries(reference, { before, limit: limit + 1 });
      return pageOf(page.entries, limit, entryView, ({ sequence }) => sequence.toString());
    },
  );
}

/** A moment in a query: a day (its beginning in UTC), or RFC 3339. */
export const momentSchema = z
  .string()
  .max(40)
  .transform((text, context) => {
    const ms = parseRfc3339(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
    if (ms !== undefined) return ms;
    context.addIssue({ code: 'custom', message: 'Give a day like 2026-03-01, or a time like 2026-03-01T14:00:00Z.' });
    return z.NEVER;
  });

const walletDetailSchema = walletSchema.extend({
  grants: z.array(
    z.object({
      grant: z.string(),
      source: z.string(),
      priority: z.number(),
      amount: moneySchema,
      remaining: moneySchema,
      expiresAt: z.string().nullable(),
    }),
  ),
  quarantine: z.array(
    z.object({ reason: z.string(), events: z.int(), amount: moneySchema, oldestAt: z.string().nullable() }),
  ),
  alerts: z.array(alertSchema),
});

/** A filter without what was not given. */
function set<Filter extends object>(filter: Filter): { [Key in keyof Filter]: Exclude<Filter[Key], undefined> } {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [Key in keyof Filter]: Exclude<Filter[Key], undefined> };
}
