import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { formatDecimal } from '../../domain/money/nanos.ts';
import { parseQuantity } from '../../domain/money/quantity.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { formatIso } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import { type CorrectTo, correctEvent } from '../../pipeline/admin/correct-event.ts';
import { findPostedEvent } from '../../pipeline/admin/find-posted-event.ts';
import type { Occurrence } from '../../pipeline/queries/found-event.ts';
import { principalOf } from '../server/authorize.ts';
import type { HttpApp } from '../server/http-app.ts';
import { RequestProblem } from '../server/problem.ts';
import { amountSchema, changeHeaders, changeOf, changeQuery, mayName, nanosOf, reasonSchema } from './change.ts';
import type { BookRoutes } from './tenant-books.ts';
import { changeSchema, changeView, isoOf, moneySchema, totalSchema, totalView } from './views.ts';

const params = z.object({ id: z.string().min(1).max(800).describe('The id that the source gave it.') });
const which = z.object({
  source: z.string().min(1).max(128).optional().describe('When several sources use the same id.'),
  account: z.string().min(1).max(128).optional().describe('When several accounts do.'),
});

const occurrenceSchema = z.object({
  status: z.enum(['posted', 'duplicate', 'quarantined', 'rejected']),
  code: z.string().nullable(),
  field: z.string().nullable(),
  value: z.string().nullable(),
  fix: z.string().nullable(),
  source: z.string().nullable(),
  account: z.string().nullable(),
  wallet: z.string().nullable(),
  meter: z.string().nullable(),
  quantity: z.string().nullable(),
  amount: moneySchema.nullable(),
  currency: z.string().nullable(),
  occurredAt: z.string().nullable(),
  ingestedAt: z.string().nullable(),
  rejectedAt: z.string().nullable(),
  quarantine: z
    .object({
      reason: z.string(),
      status: z.string(),
      closedAt: z.string().nullable(),
      closedBy: z.string().nullable(),
    })
    .nullable(),
  entry: z.object({ kind: z.string(), sequence: z.string(), balanceAfter: moneySchema }).nullable(),
  corrections: z.array(
    z.object({
      kind: z.enum(['void', 'amend']),
      reversed: moneySchema,
      charged: moneySchema,
      quantity: z.string().nullable(),
      at: z.string(),
      by: z.string(),
      reason: z.string(),
    }),
  ),
});
const eventSchema = z.object({ id: z.string(), status: z.string(), occurrences: z.array(occurrenceSchema) });
const correctionSchema = changeSchema.extend({
  event: z.string().describe('Key of the event.'),
  kind: z.enum(['void', 'amend']),
  correction: z.int(),
  quantity: z.string().nullable(),
  reversed: moneySchema,
  charged: moneySchema,
  balanceBefore: moneySchema,
  released: totalSchema,
});

/** One event: what became of it, and what people make of it afterwards. */
export function bookedEventRoutes(app: HttpApp, routes: BookRoutes): void {
  app.get(
    '/v1/events/:id',
    {
      config: { access: ['ingest', 'read'] },
      schema: {
        tags: ['events'],
        summary: 'What became of an event',
        params,
        querystring: which,
        response: { 200: eventSchema },
      },
    },
    async (request) => {
      const principal = principalOf(request);
      const { id } = request.params;
      const filter = { tenant: principal.tenant, ...given(request.query) };
      const found = await routes.books(principal.tenant).queries.findEvent(id, filter);
      // Of a rejected event nobody knows the account, so a key that is bound to some does not see it.
      const seen = found?.occurrences.filter(
        ({ account }) => principal.accounts === undefined || (account !== null && mayName(principal, account)),
      );
      if (found === undefined || seen === undefined || seen.length === 0)
        throw new AppError('EVENT_NOT_FOUND', `There is no event ${JSON.stringify(id)}.`);
      return { id: found.id, status: found.status, occurrences: seen.map(occurrenceView) };
    },
  );
  const correction = (path: 'void' | 'amend') => ({
    config: { access: 'support' as const },
    schema: {
      tags: ['events'],
      summary:
        path === 'void'
          ? 'Take back what a posted event was charged, for good'
          : 'Charge a posted event anew: another quantity, or another amount',
      headers: changeHeaders,
      params,
      querystring: changeQuery,
      response: { 200: correctionSchema },
    },
  });
  const voidSettings = correction('void');
  app.post(
    '/v1/events/:id/void',
    { ...voidSettings, schema: { ...voidSettings.schema, body: which.extend({ reason: reasonSchema }).strict() } },
    async (request) => correct(routes, request, { ...request.body, to: () => ({ kind: 'void' }) }),
  );
  const amendSettings = correction('amend');
  const amendBody = which
    .extend({
      quantity: z
        .union([z.string().max(64), z.number()])
        .optional()
        .describe('Priced as of its own time.'),
      amount: amountSchema.optional().describe('What it should have cost.'),
      reason: reasonSchema,
    })
    .strict();
  app.post(
    '/v1/events/:id/amend',
    { ...amendSettings, schema: { ...amendSettings.schema, body: amendBody } },
    async (request) => correct(routes, request, { ...request.body, to: (ruleset) => amendTo(request.body, ruleset) }),
  );
}

type CorrectRequest = Parameters<typeof changeOf>[0] & { readonly params: { readonly id: string } };

async function correct(
  { books, ruleset: inForce, now }: BookRoutes,
  request: CorrectRequest & Pick<FastifyRequest, 'principal'>,
  asked: {
    readonly source?: string | undefined;
    readonly account?: string | undefined;
    readonly reason: string;
    readonly to: (ruleset: Ruleset) => CorrectTo;
  },
) {
  const principal = principalOf(request);
  const { tenant } = principal;
  const { id } = request.params;
  const ruleset = inForce();
  const to = asked.to(ruleset);
  const event = await findPostedEvent(books(tenant), { tenant, id, ...given(asked) });
  if (!mayName(principal, event.account))
    throw new AppError('EVENT_NOT_FOUND', `There is no event ${JSON.stringify(id)}.`);
  const change = changeOf(request, asked.reason, now());
  const result = await correctEvent(books(tenant).admin, { ...change, event, to, ruleset, reason: asked.reason });
  return {
    ...changeView(result, change.dryRun),
    event: result.event,
    kind: result.kind,
    correction: result.correction,
    quantity: result.quantity,
    reversed: formatDecimal(result.reversed),
    charged: formatDecimal(result.charged),
    balanceBefore: formatDecimal(result.balanceBefore),
    released: totalView(result.released),
  };
}

function amendTo(
  { quantity: sent, amount }: { readonly quantity?: string | number | undefined; readonly amount?: string | undefined },
  { pricing }: Ruleset,
): CorrectTo {
  if ((sent === undefined) === (amount === undefined))
    throw new RequestProblem([{ field: 'body', message: 'needs either quantity or amount' }]);
  if (amount !== undefined) return { kind: 'amount', amount: nanosOf(amount, pricing.currency, 'body.amount') };
  const quantity = parseQuantity(sent);
  if (typeof quantity !== 'string') return { kind: 'quantity', quantity };
  throw new AppError('QUANTITY_INVALID', `body.quantity: ${JSON.stringify(sent)} is refused (${quantity}).`);
}

function given({ source, account }: { readonly source?: string | undefined; readonly account?: string | undefined }) {
  return { ...(source === undefined ? {} : { source }), ...(account === undefined ? {} : { account }) };
}

function occurrenceView(seen: Occurrence): z.infer<typeof occurrenceSchema> {
  const { quarantine, entry } = seen;
  return {
    status: seen.status,
    code: seen.code,
    field: seen.field,
    value: seen.value,
    fix: seen.fix,
    source: seen.source,
    account: seen.account,
    wallet: seen.wallet,
    meter: seen.meter,
    quantity: seen.quantity,
    amount: seen.amount === null ? null : formatDecimal(seen.amount),
    currency: seen.currency,
    occurredAt: isoOf(seen.occurredAtMs),
    ingestedAt: isoOf(seen.ingestedAtMs),
    rejectedAt: isoOf(seen.rejectedAtMs),
    quarantine:
      quarantine === null
        ? null
        : {
            reason: quarantine.reason,
            status: quarantine.status,
            closedAt: isoOf(quarantine.closedAtMs),
            closedBy: quarantine.closedBy,
          },
    entry:
      entry === null
        ? null
        : { kind: entry.kind, sequence: entry.sequence.toString(), balanceAfter: formatDecimal(entry.balanceAfter) },
    corrections: seen.corrections.map(({ kind, reversed, charged, quantity, correctedAtMs, by, reason }) => ({
      kind,
      reversed: formatDecimal(reversed),
      charged: formatDecimal(charged),
      quantity,
      at: formatIso(correctedAtMs),
      by,
      reason,
    })),
  };
}
