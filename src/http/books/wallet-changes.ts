import { z } from 'zod';
import { formatDecimal } from '../../domain/money/nanos.ts';
import { AppError } from '../../errors.ts';
import { setLimits } from '../../pipeline/admin/set-limits.ts';
import { topUp } from '../../pipeline/admin/top-up.ts';
import { freezeOrAsk, thawOrAsk } from '../../pipeline/approvals/four-eyes.ts';
import { principalOf } from '../server/authorize.ts';
import type { HttpApp } from '../server/http-app.ts';
import {
  amountSchema,
  changeHeaders,
  changeOf,
  changeQuery,
  mayName,
  nanosOf,
  positiveNanos,
  reasonSchema,
} from './change.ts';
import type { BookRoutes } from './tenant-books.ts';
import { changeSchema, changeView, isoOf, moneySchema, totalSchema, totalView } from './views.ts';
import { currencyQuery, findWallet, walletParams } from './wallet-routes.ts';

const HOURS_MAX = 8_760;
const PERIOD_SECONDS_MAX = 31_622_400;

const topUpAnswer = changeSchema.extend({
  amount: moneySchema,
  source: z.enum(['paid', 'promotional']),
  balanceBefore: moneySchema,
  opened: z.boolean(),
  released: totalSchema.describe('Usage over the limit that the credit paid for.'),
  waiting: totalSchema.describe('Usage over the limit that still does not fit.'),
});
const freezeAnswer = changeSchema.extend({ until: z.string().nullable(), changed: z.boolean() });
const thawAnswer = changeSchema.extend({
  usage: z.enum(['keep', 'post', 'void']),
  posted: totalSchema,
  voided: totalSchema,
  overLimit: totalSchema,
  throttled: totalSchema,
  kept: totalSchema,
});
const limitsAnswer = changeSchema.extend({
  overdraftLimit: moneySchema.nullable(),
  spendLimit: moneySchema.nullable(),
  periodMs: z.number().nullable(),
  released: totalSchema,
});

/** Changes of wallets by people and by services of theirs: the direct path of the ledger. */
export function walletChangeRoutes(app: HttpApp, routes: BookRoutes): void {
  const { books, fourEyes, now, ruleset } = routes;
  const common = { tags: ['wallets'], headers: changeHeaders };
  app.post(
    '/v1/accounts/:account/credits',
    {
      config: { access: 'support' },
      schema: {
        ...common,
        summary: 'Credit an account by hand; opens it when it is unknown',
        params: z.object({ account: z.string().min(1).max(128) }),
        querystring: changeQuery,
        body: z.strictObject({
          amount: amountSchema,
          source: z.enum(['paid', 'promotional']).default('paid'),
          priority: z.int().min(0).max(100).optional().describe('0 is spent first, 100 last.'),
          expiresAt: z.iso.datetime({ offset: true }).optional().describe('When what is left of it ends.'),
          reason: reasonSchema.optional(),
        }),
        response: { 200: topUpAnswer },
      },
    },
    async (request) => {
      const principal = principalOf(request);
      const { account } = request.params;
      if (!mayName(principal, account)) throw new AppError('KEY_NOT_ALLOWED', 'This key may not name the account.');
      const { amount, source, priority, expiresAt, reason = null } = request.body;
      const { pricing, overdraftNanos } = ruleset();
      const { currency } = pricing;
      const change = changeOf(request, reason, now());
      const result = await topUp(books(principal.tenant).admin, {
        ...change,
        tenant: principal.tenant,
        account,
        currency,
        amount: positiveNanos(amount, currency, 'body.amount'),
        source,
        ...(priority === undefined ? {} : { priority }),
        ...(expiresAt === undefined ? {} : { expiresAtMs: Date.parse(expiresAt) }),
        overdraftNanos,
      });
      return {
        ...changeView(result, change.dryRun),
        amount: formatDecimal(result.amount),
        source: result.source,
        balanceBefore: formatDecimal(result.balanceBefore),
        opened: result.isOpened,
        released: totalView(result.released),
        waiting: totalView(result.waiting),
      };
    },
  );
  app.post(
    '/v1/wallets/:wallet/freeze',
    {
      config: { access: 'support' },
      schema: {
        ...common,
        summary: 'Refuse debits and holds for some hours; a freeze in force is only ever extended',
        params: walletParams,
        querystring: changeQuery.extend(currencyQuery.shape),
        body: z.strictObject({ hours: z.int().min(1).max(HOURS_MAX), reason: reasonSchema }),
        response: { 200: freezeAnswer },
      },
    },
    async (request) => {
      const { reference } = await findWallet(request, routes, { ...request.params, ...request.query });
      const { hours, reason } = request.body;
      const change = changeOf(request, reason, now());
      const asked = { ...change, wallet: reference, hours, reason };
      const result = await freezeOrAsk(books(reference.tenant).admin, fourEyes, asked);
      return { ...changeView(result, change.dryRun), until: isoOf(result.untilMs), changed: result.isChanged };
    },
  );
  app.post(
    '/v1/wallets/:wallet/thaw',
    {
      config: { access: 'support' },
      schema: {
        ...common,
        summary: 'End a freeze, and keep, post or void what was refused during it',
        params: walletParams,
        querystring: changeQuery.extend(currencyQuery.shape),
        body: z.strictObject({ usage: z.enum(['keep', 'post', 'void']), reason: reasonSchema }),
        response: { 200: thawAnswer },
      },
    },
    async (request) => {
      const { reference } = await findWallet(request, routes, { ...request.params, ...request.query });
      const { usage, reason } = request.body;
      const change = changeOf(request, reason, now());
      const { overdraftNanos } = ruleset();
      const asked = { ...change, wallet: reference, usage, reason, overdraftNanos };
      const result = await thawOrAsk(books(reference.tenant).admin, fourEyes, asked);
      return {
        ...changeView(result, change.dryRun),
        usage: result.usage,
        posted: totalView(result.posted),
        voided: totalView(result.voided),
        overLimit: totalView(result.overLimit),
        throttled: totalView(result.throttled),
        kept: totalView(result.kept),
      };
    },
  );
  app.post(
    '/v1/wallets/:wallet/limits',
    {
      config: { access: 'support' },
      schema: {
        ...common,
        summary: 'Set how far below zero usage may go, and how much may be spent per period',
        params: walletParams,
        querystring: changeQuery.extend(currencyQuery.shape),
        body: z.strictObject({
          overdraft: amountSchema.nullable().optional().describe('Null for the default of the rules.'),
          spend: z
            .strictObject({ limit: amountSchema, seconds: z.int().min(60).max(PERIOD_SECONDS_MAX) })
            .nullable()
            .optional()
            .describe('Null for as much as there is.'),
          reason: reasonSchema,
        }),
        response: { 200: limitsAnswer },
      },
    },
    async (request) => {
      const wallet = await findWallet(request, routes, { ...request.params, ...request.query });
      const { overdraft, spend, reason } = request.body;
      const nanos = (text: string, field: string) => nanosOf(text, wallet.currency, field);
      const change = changeOf(request, reason, now());
      const result = await setLimits(books(wallet.tenant).admin, {
        ...change,
        wallet: wallet.reference,
        ...(overdraft === undefined
          ? {}
          : { overdraftLimit: overdraft === null ? null : nanos(overdraft, 'body.overdraft') }),
        ...(spend === undefined
          ? {}
          : {
              throttle:
                spend === null
                  ? null
                  : { limit: nanos(spend.limit, 'body.spend.limit'), periodMs: spend.seconds * 1_000 },
            }),
        reason,
        overdraftNanos: ruleset().overdraftNanos,
      });
      return {
        ...changeView(result, change.dryRun),
        overdraftLimit: result.overdraftLimit === null ? null : formatDecimal(result.overdraftLimit),
        spendLimit: result.spendLimit === null ? null : formatDecimal(result.spendLimit),
        periodMs: result.periodMs,
        released: totalView(result.released),
      };
    },
  );
}
