import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { HOLD_SECONDS_DEFAULT, HOLD_SECONDS_MAX, HOLD_STATES } from '../../domain/ledger/hold.ts';
import { AppError, ERROR_CATALOGUE, type ErrorCode } from '../../errors.ts';
import { holdViewSchema } from '../../pipeline/holds/hold-answer.ts';
import { parseHoldJob } from '../../pipeline/holds/hold-job.ts';
import { holdRequest } from '../../pipeline/holds/hold-request.ts';
import { amountSchema, mayName, requireFilter } from '../books/change.ts';
import { afterOf, pageOf, pageQuery, pageSchema } from '../books/paging.ts';
import type { BookRoutes } from '../books/tenant-books.ts';
import { holdListView, holdSchema } from '../books/views.ts';
import { principalOf } from '../server/authorize.ts';
import type { HttpApp } from '../server/http-app.ts';
import { actorOf } from '../server/principal.ts';

const account = z.string().min(1).max(200).describe('The account whose wallet it is on.');
const seconds = z.int().min(1).max(HOLD_SECONDS_MAX);
const bodies = {
  place: z.strictObject({
    hold: z.string().min(1).max(200).describe('Your id of the hold, unique for ever. A request id serves well.'),
    account,
    amount: amountSchema,
    captureMax: amountSchema
      .optional()
      .describe('What may be captured at most, up to twice the amount. Default: a tenth more.'),
    seconds: seconds.optional().describe(`How long it lasts. Default: ${HOLD_SECONDS_DEFAULT}.`),
  }),
  capture: z.strictObject({ account, amount: amountSchema.describe('What the call cost, up to captureMax.') }),
  release: z.strictObject({ account }),
  extend: z.strictObject({
    account,
    amount: amountSchema.optional().describe('The new amount in all; not less than before.'),
    seconds: seconds.optional().describe('How long it lasts from now.'),
  }),
};
const answerSchema = z.object({
  repeated: z.boolean().describe('The request had been carried out before; this is its answer of then.'),
  hold: holdViewSchema,
});
const keyHeader = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'Give 1 to 128 printable ASCII characters.')
    .optional()
    .describe('Within the hold. Without one the operation is the key, so that a retry is safe as it is.'),
});
const holdParams = z.object({ hold: z.string().min(1).max(800) });

/** One reader of bodies is enough: what a hold is asked for is checked where jobs are, and in the same words. */
const readLater = () => (value: unknown) => ({ value });

const SUMMARIES = {
  capture: 'Charge what the call cost and free the rest',
  release: 'Free it without charging anything',
  extend: 'Keep it longer, reserve more, or both',
} as const;

/** Holds: what a gateway asks before and after each call. */
export function holdRoutes(app: HttpApp, routes: BookRoutes): void {
  app.post(
    '/v1/holds',
    {
      config: { access: 'ingest' },
      validatorCompiler: readLater,
      schema: {
        tags: ['holds'],
        summary: 'Reserve money for a call whose cost is known afterwards',
        headers: keyHeader,
        body: bodies.place,
        response: {
          201: answerSchema.describe('It is placed.'),
          200: answerSchema.describe('It had been placed before.'),
        },
      },
    },
    (request, reply) => carryOut(routes, request, reply, { do: 'place', body: request.body }),
  );
  for (const operation of ['capture', 'release', 'extend'] as const) {
    app.post(
      `/v1/holds/:hold/${operation}`,
      {
        config: { access: 'ingest' },
        validatorCompiler: readLater,
        schema: {
          tags: ['holds'],
          summary: SUMMARIES[operation],
          headers: keyHeader,
          params: holdParams,
          body: bodies[operation],
          response: { 200: answerSchema },
        },
      },
      (request, reply) => {
        const { hold } = request.params as z.infer<typeof holdParams>;
        return carryOut(routes, request, reply, { do: operation, hold, body: request.body });
      },
    );
  }
  app.get(
    '/v1/holds',
    {
      config: { access: 'read' },
      schema: {
        tags: ['holds'],
        summary: 'Holds, the newest first',
        querystring: pageQuery.extend({
          account: z.string().min(1).max(128).optional(),
          state: z.enum(HOLD_STATES).optional(),
        }),
        response: { 200: pageSchema(holdSchema) },
      },
    },
    async (request) => {
      const { limit, cursor, account: name, state } = request.query;
      const principal = principalOf(request);
      requireFilter(principal, name);
      const rows = await routes.books(principal.tenant).pages.holds({
        tenant: principal.tenant,
        limit: limit + 1,
        after: afterOf(cursor),
        ...(name === undefined ? {} : { account: name }),
        ...(state === undefined ? {} : { status: state }),
      });
      return pageOf(rows, limit, holdListView, ({ holdId }) => holdId);
    },
  );
  app.get(
    '/v1/holds/:hold',
    {
      config: { access: ['ingest', 'read'] },
      schema: { tags: ['holds'], summary: 'One hold', params: holdParams, response: { 200: holdSchema } },
    },
    async (request) => {
      const principal = principalOf(request);
      const { hold: id } = request.params;
      const found = await routes.books(principal.tenant).queries.hold(principal.tenant, id);
      if (found === undefined || !mayName(principal, found.hold.account))
        throw new AppError('HOLD_NOT_FOUND', `There is no hold ${JSON.stringify(id)}.`);
      return holdListView(found.hold);
    },
  );
}

interface Asked {
  readonly do: 'place' | 'capture' | 'release' | 'extend';
  readonly hold?: string;
  readonly body: unknown;
}

async function carryOut(
  { holds, ruleset, now }: BookRoutes,
  request: FastifyRequest,
  reply: Pick<FastifyReply, 'code'>,
  asked: Asked,
): Promise<z.infer<typeof answerSchema>> {
  const principal = principalOf(request);
  const { tenant } = principal;
  const { currency } = ruleset().pricing;
  const job = parseHoldJob(jobOf(request, asked), currency);
  if (!job.ok) throw refusalOf(job);
  if (!mayName(principal, job.account)) throw new AppError('WALLET_NOT_FOUND', 'The account has no wallet yet.');
  const { holdId, account: name, key, ask } = job;
  const given = { tenant, holdId, account: name, currency, key, ask, actor: actorOf(principal), reason: null };
  const answer = await holds.carryOut(holdRequest({ ...given, nowMs: now() }));
  if (!answer.ok) throw refusalOf(answer);
  const { repeated, hold } = answer;
  void reply.code(asked.do === 'place' && !repeated ? 201 : 200);
  return { repeated, hold };
}

/** The request as the job that it could have been; fields that only the path and the headers may say are refused. */
function jobOf(request: FastifyRequest, { do: operation, hold, body }: Asked): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { v: 1, do: operation };
  const own = { v: 1, do: operation, ...(hold === undefined ? {} : { hold }) };
  const key = request.headers['idempotency-key'];
  for (const field of [...Object.keys(own), 'key']) {
    if (Object.hasOwn(body, field)) throw new AppError('HOLD_INVALID', `${field}: does not belong into the body.`);
  }
  return { ...own, ...body, ...(key === undefined ? {} : { key: String(key) }) };
}

/** A refusal as the error that it is in the catalogue. */
function refusalOf({ code, message, fix }: { readonly code: string; readonly message: string; readonly fix: string }) {
  return new AppError(isCode(code) ? code : 'HOLD_INVALID', message, { fix });
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CATALOGUE, code);
}
