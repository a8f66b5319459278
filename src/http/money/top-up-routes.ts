import { z } from 'zod';
import { formatDecimal, parseMoney } from '../../domain/money/nanos.ts';
import { formatIso } from '../../domain/time.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import { TOPUP_STATUSES } from '../../domain/topups/top-up-status.ts';
import { AppError } from '../../errors.ts';
import type { MoneyIn } from '../../pipeline/stripe/money-in.ts';
import type { TopUpReads } from '../../pipeline/stripe/money-store.ts';
import { startCheckout } from '../../pipeline/stripe/start-checkout.ts';
import { principalOf } from '../server/authorize.ts';
import type { HttpApp } from '../server/http-app.ts';
import { actorOf, type Principal } from '../server/principal.ts';
import { RequestProblem } from '../server/problem.ts';

const accountSchema = z.string().min(1).max(128);
const topUpSchema = z.object({
  topup: z.string(),
  account: z.string(),
  currency: z.string(),
  kind: z.enum(['checkout', 'auto']),
  status: z.enum(TOPUP_STATUSES),
  amount: z.string(),
  credited: z.string(),
  refunded: z.string(),
  disputed: z.string(),
  url: z.string().nullable().describe('Where the customer pays or confirms; null when there is nothing to do there.'),
  declineCode: z.string().nullable(),
  paymentIntent: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
});

export interface TopUpRoutes {
  readonly money: MoneyIn;
  /** Top-ups that a tenant may see. */
  readonly topUps: (tenant: string) => TopUpReads;
  /** The currency of the books, for requests that name none. */
  readonly currency: () => string;
}

/** Top-ups by Stripe: begun by a page, and looked at. */
export function topUpRoutes(app: HttpApp, { money, topUps, currency }: TopUpRoutes): void {
  app.post(
    '/v1/accounts/:account/topups',
    {
      config: { access: 'support' },
      schema: {
        tags: ['topups'],
        summary: 'Begin a top-up',
        description:
          'Answers with the address of a page of Stripe. The credit comes when Stripe says that it was paid.',
        params: z.object({ account: accountSchema }),
        headers: z.looseObject({ 'idempotency-key': z.string().regex(/^[\x21-\x7e]{1,128}$/) }),
        body: z.strictObject({
          amount: z
            .string()
            .regex(/^\d{1,9}(\.\d{1,9})?( [A-Z]{3})?$/)
            .describe('A decimal string in major units, such as "20.00" or "20.00 USD".'),
          successUrl: z.url().max(2_000).optional(),
          cancelUrl: z.url().max(2_000).optional(),
        }),
        response: { 201: topUpSchema },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const { account } = request.params;
      requireAccount(principal, account);
      refuseDryRun(request.query);
      const amount = parseMoney(request.body.amount);
      if (amount === undefined) throw new AppError('AMOUNT_INVALID', 'body.amount: is not an amount.');
      const topUp = await startCheckout(money, {
        tenant: principal.tenant,
        account,
        currency: amount.currency ?? currency(),
        amountNanos: amount.nanos,
        successUrl: request.body.successUrl,
        cancelUrl: request.body.cancelUrl,
        key: request.headers['idempotency-key'],
        actor: actorOf(principal),
      });
      void reply.code(201);
      return topUpView(topUp);
    },
  );
  app.get(
    '/v1/accounts/:account/topups',
    {
      config: { access: 'read' },
      schema: {
        tags: ['topups'],
        summary: 'Top-ups of an account, the newest first',
        params: z.object({ account: accountSchema }),
        querystring: z.object({
          status: z.enum(TOPUP_STATUSES).optional(),
          limit: z.coerce.number().int().min(1).max(500).default(50),
        }),
        response: { 200: z.object({ topups: z.array(topUpSchema) }) },
      },
    },
    async (request) => {
      const principal = principalOf(request);
      const { account } = request.params;
      requireAccount(principal, account);
      const { status, limit } = request.query;
      const found = await topUps(principal.tenant).list({
        tenant: principal.tenant,
        account,
        limit,
        ...(status === undefined ? {} : { status }),
      });
      return { topups: found.map(topUpView) };
    },
  );
  app.get(
    '/v1/topups/:topup',
    {
      config: { access: 'read' },
      schema: {
        tags: ['topups'],
        summary: 'One top-up',
        params: z.object({ topup: z.string().max(100) }),
        response: { 200: topUpSchema },
      },
    },
    async (request) => {
      const principal = principalOf(request);
      const topUp = await topUps(principal.tenant).read(request.params.topup);
      // A top-up of somebody else is no more there than one that nobody has begun.
      const mayLook = topUp?.tenant === principal.tenant && principal.accounts?.has(topUp.account) !== false;
      if (topUp === undefined || !mayLook) throw new AppError('TOPUP_NOT_FOUND', 'There is no such top-up.');
      return topUpView(topUp);
    },
  );
}

/** Where Stripe's page sends customers back to. It proves nothing, and says so. */
export function returnRoutes(app: HttpApp): void {
  const pages = {
    '/topups/paid': 'Thank you. The credit appears as soon as the payment is confirmed. You can close this page.',
    '/topups/canceled': 'Nothing was paid. You can close this page.',
  } as const;
  for (const [path, text] of Object.entries(pages)) {
    app.get(
      path,
      { config: { access: 'open' }, schema: { tags: ['topups'], summary: text, produces: ['text/plain'] } },
      async (_request, reply) => reply.header('content-type', 'text/plain; charset=utf-8').send(`${text}\n`),
    );
  }
}

function requireAccount({ accounts }: Principal, account: string): void {
  if (accounts?.has(account) === false) throw new AppError('KEY_NOT_ALLOWED', 'This key may not name this account.');
}

/** What begins at Stripe cannot be rolled back: whoever asks for a trial must not get the real thing. */
function refuseDryRun(query: unknown): void {
  const { dryRun } = query as { readonly dryRun?: unknown };
  if (dryRun === undefined || dryRun === 'false') return;
  throw new RequestProblem([{ field: 'query.dryRun', message: 'cannot be done for a page of Stripe' }]);
}

function topUpView(topUp: TopUp): z.infer<typeof topUpSchema> {
  return {
    topup: topUp.topupId,
    account: topUp.account,
    currency: topUp.currency,
    kind: topUp.kind,
    status: topUp.status,
    amount: formatDecimal(topUp.amountNanos),
    credited: formatDecimal(topUp.creditedNanos),
    refunded: formatDecimal(topUp.refundedNanos),
    disputed: formatDecimal(topUp.disputedNanos),
    url: topUp.url,
    declineCode: topUp.declineCode,
    paymentIntent: topUp.paymentIntent,
    createdAt: formatIso(topUp.createdAtMs),
    updatedAt: formatIso(topUp.updatedAtMs),
  };
}
