import { z } from 'zod';
import { NEXT_STEPS, VERDICTS } from '../../domain/review/verdict.ts';
import { formatIso } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import { closeAlert } from '../../pipeline/admin/close-alert.ts';
import { ALERT_STATUSES, type AlertDetail } from '../../pipeline/queries/queries.ts';
import { reviewJson } from '../../pipeline/review/review-words.ts';
import { principalOf } from '../server/authorize.ts';
import type { HttpApp } from '../server/http-app.ts';
import type { Principal } from '../server/principal.ts';
import { changeHeaders, changeOf, changeQuery, mayName, reasonSchema, requireFilter } from './change.ts';
import { afterOf, pageOf, pageQuery, pageSchema } from './paging.ts';
import type { BookRoutes } from './tenant-books.ts';
import { alertSchema, alertView, changeSchema, changeView, isoOf, walletSchema, walletView } from './views.ts';

const reviewSchema = z
  .looseObject({
    status: z.enum(['none', 'running', 'reviewed', 'deterministic']),
    cause: z.string().nullable().describe('Why there is no verdict; the decision stands as the rules made it.'),
    verdict: z.enum(VERDICTS).nullable().optional(),
    confidence: z.number().nullable().optional(),
    nextStep: z.enum(NEXT_STEPS).nullable().optional(),
    scoreAfter: z
      .number()
      .optional()
      .describe('Points within the band of the rules: an order of work, not an outcome.'),
  })
  .describe('What a language model said of the alert.');
const params = z.object({ alert: z.string().min(1).max(64) });
const verdicts = z.enum(['confirmed_fraud', 'benign', 'duplicate']);
const detailSchema = alertSchema.extend({
  score: z.number(),
  ruleset: z.string(),
  decidedAt: z.string(),
  evidence: z.unknown().describe('What the decision was made of, as it was stored.'),
  review: reviewSchema,
  walletNow: walletSchema.nullable(),
});
const closeSchema = changeSchema.extend({
  alert: z.string(),
  title: z.string(),
  verdict: verdicts,
  before: z.enum(ALERT_STATUSES),
  duplicates: z.array(z.string()).describe('Other open alerts of the same incident, closed with it.'),
  learns: z.object({ from: z.string().nullable(), to: z.string().nullable() }).nullable(),
});

/** Alerts, and the cases that people make of them: an alert and those of its incident are worked and closed as one. */
export function alertRoutes(app: HttpApp, routes: BookRoutes): void {
  app.get(
    '/v1/alerts',
    {
      config: { access: 'read' },
      schema: {
        tags: ['alerts'],
        summary: 'Alerts, the newest first',
        querystring: pageQuery.extend({
          account: z.string().min(1).max(128).optional(),
          status: z.enum(ALERT_STATUSES).optional(),
        }),
        response: { 200: pageSchema(alertSchema) },
      },
    },
    async (request) => {
      const { limit, cursor, account, status } = request.query;
      const principal = principalOf(request);
      requireFilter(principal, account);
      const rows = await routes.books(principal.tenant).pages.alerts({
        tenant: principal.tenant,
        limit: limit + 1,
        after: afterOf(cursor),
        ...(account === undefined ? {} : { account }),
        ...(status === undefined ? {} : { status }),
      });
      return pageOf(rows, limit, alertView, ({ alertId }) => alertId);
    },
  );
  app.get(
    '/v1/alerts/:alert',
    {
      config: { access: 'read' },
      schema: { tags: ['alerts'], summary: 'One alert with its evidence', params, response: { 200: detailSchema } },
    },
    async (request) => {
      const { alert, decision, wallet, review } = await findAlert(routes, principalOf(request), request.params.alert);
      return {
        ...alertView(alert),
        score: decision.score,
        ruleset: decision.rulesetHash,
        decidedAt: formatIso(decision.decidedAtMs),
        evidence: decision.stored,
        review: reviewJson(review),
        walletNow: wallet === undefined ? null : walletView(wallet),
      };
    },
  );
  app.post(
    '/v1/alerts/:alert/close',
    {
      config: { access: 'support' },
      schema: {
        tags: ['alerts'],
        summary: 'Close a case: say what an alert turned out to be',
        headers: changeHeaders,
        params,
        querystring: changeQuery,
        body: z.strictObject({ verdict: verdicts, reason: reasonSchema }),
        response: { 200: closeSchema },
      },
    },
    async (request) => {
      const principal = principalOf(request);
      const { tenant } = principal;
      const { alert } = await findAlert(routes, principal, request.params.alert);
      const { verdict, reason } = request.body;
      const change = changeOf(request, reason, routes.now());
      const asked = { ...change, tenant, alertId: alert.alertId, verdict, reason };
      const result = await closeAlert(routes.books(tenant).admin, asked);
      const { learns } = result;
      return {
        ...changeView(result, change.dryRun),
        alert: result.alert,
        title: result.title,
        verdict: result.verdict,
        before: result.before,
        duplicates: result.duplicates,
        learns: learns === null ? null : { from: isoOf(learns.fromMs), to: isoOf(learns.toMs) },
      };
    },
  );
}

async function findAlert({ books }: BookRoutes, principal: Principal, id: string): Promise<AlertDetail> {
  const found = await books(principal.tenant).queries.alert(principal.tenant, id);
  if (found !== undefined && mayName(principal, found.alert.account)) return found;
  throw new AppError('ALERT_NOT_FOUND', `There is no alert ${JSON.stringify(id)}.`);
}
