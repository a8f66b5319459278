import { z } from 'zod';
import { type CaseFile, clockState, RESOLUTIONS } from '../../domain/cases/case.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { formatIso } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { CaseStore } from '../../pipeline/admin/case-store.ts';
import type { CaseChange, CaseDetail, CaseFileStore } from '../../pipeline/cases/case-file-store.ts';
import { resolveCase } from '../../pipeline/cases/cases.ts';
import type { MoneyStore } from '../../pipeline/stripe/money-store.ts';
import { changeHeaders, changeOf, mayName, reasonSchema } from '../books/change.ts';
import { afterOf, pageOf, pageQuery, pageSchema } from '../books/paging.ts';
import { isoOf } from '../books/views.ts';
import { principalOf } from '../server/authorize.ts';
import type { HttpApp } from '../server/http-app.ts';
import type { Principal } from '../server/principal.ts';
import { RequestProblem } from '../server/problem.ts';

/** What routes about cases need. */
export interface CaseRoutes {
  /** Reads that see one tenant alone. */
  readonly reads: (tenant: string) => Pick<CaseFileStore, 'list' | 'read'>;
  readonly store: CaseFileStore;
  readonly admin: CaseStore;
  readonly money: Pick<MoneyStore, 'closeCase'>;
  readonly now: () => number;
}

const params = z.object({ case: z.string().min(1).max(64) });
const visible = z
  .string()
  .min(1)
  .refine(
    (text) => cleanText(text).trim() === text.trim() && text.trim() !== '',
    'holds characters that cannot be seen',
  );
const fileSchema = z.object({
  case: z.string(),
  account: z.string(),
  severity: z.enum(['severe', 'normal']),
  state: z.enum(['open', 'resolved']),
  assignee: z.string().nullable(),
  clock: z.enum(['in_time', 'answer_late', 'late', 'done']).describe('How it stands against `answerBy` and `dueAt`.'),
  openedAt: z.string(),
  answerBy: z.string(),
  dueAt: z.string(),
  answeredAt: z.string().nullable(),
  resolution: z.enum(RESOLUTIONS).nullable(),
  resolvedAt: z.string().nullable(),
  resolvedBy: z.string().nullable(),
});
const detailSchema = fileSchema.extend({
  items: z.array(
    z.object({
      kind: z.enum(['alert', 'money']),
      ref: z.string(),
      title: z.string(),
      status: z.string(),
      addedAt: z.string(),
    }),
  ),
  events: z.array(z.object({ at: z.string(), actor: z.string(), action: z.string(), detail: z.string() })),
});

/** Cases: read, assigned, noted, resolved and reopened. */
export function caseRoutes(app: HttpApp, routes: CaseRoutes): void {
  app.get(
    '/v1/cases',
    {
      config: { access: 'read' },
      schema: {
        tags: ['cases'],
        summary: 'Cases, the newest first',
        querystring: pageQuery.extend({
          state: z.enum(['open', 'resolved']).optional(),
          assignee: z.string().min(1).max(100).optional(),
        }),
        response: { 200: pageSchema(fileSchema) },
      },
    },
    async (request) => {
      const principal = principalOf(request);
      if (principal.accounts !== undefined) {
        throw new AppError('KEY_NOT_ALLOWED', 'This key is bound to accounts and cannot list cases.');
      }
      const { limit, cursor, state, assignee } = request.query;
      const after = placeOf(afterOf(cursor));
      const rows = await routes.reads(principal.tenant).list({
        tenant: principal.tenant,
        limit: limit + 1,
        ...(state === undefined ? {} : { state }),
        ...(assignee === undefined ? {} : { assignee }),
        ...(after === undefined ? {} : { after }),
      });
      return pageOf(
        rows,
        limit,
        (file) => fileView(file, routes.now()),
        ({ openedAtMs, caseId }) => `${openedAtMs}/${caseId}`,
      );
    },
  );
  app.get(
    '/v1/cases/:case',
    {
      config: { access: 'read' },
      schema: { tags: ['cases'], summary: 'One case with its timeline', params, response: { 200: detailSchema } },
    },
    async (request) => detailView(await find(routes, principalOf(request), request.params.case), routes.now()),
  );
  app.post(
    '/v1/cases/:case/assign',
    {
      config: { access: 'support' },
      schema: {
        ...writeSchema('Say who looks after a case'),
        body: z.strictObject({ assignee: visible.max(100).nullable() }),
      },
    },
    async (request) =>
      changed(routes, request, (by) => routes.store.assign({ ...by, assignee: request.body.assignee })),
  );
  app.post(
    '/v1/cases/:case/notes',
    {
      config: { access: 'support' },
      schema: { ...writeSchema('Add what was found or said'), body: z.strictObject({ text: visible.max(4_000) }) },
    },
    async (request) => changed(routes, request, (by) => routes.store.note({ ...by, text: request.body.text })),
  );
  app.post(
    '/v1/cases/:case/resolve',
    {
      config: { access: 'support' },
      schema: {
        ...writeSchema('End a case with what was found; its alerts are closed with the same verdict'),
        body: z.strictObject({ resolution: z.enum(RESOLUTIONS), reason: reasonSchema }),
      },
    },
    async (request) =>
      changed(routes, request, async (by) => {
        const { store: cases, admin, money } = routes;
        await resolveCase({ cases, admin, money }, { ...by, ...request.body });
        return true;
      }),
  );
  app.post(
    '/v1/cases/:case/reopen',
    {
      config: { access: 'support' },
      schema: {
        ...writeSchema('Work on a resolved case again'),
        body: z.strictObject({ reason: reasonSchema }),
      },
    },
    async (request) => changed(routes, request, (by) => routes.store.reopen({ ...by, reason: request.body.reason })),
  );
}

function writeSchema(summary: string) {
  return { tags: ['cases'], summary, headers: changeHeaders, params, response: { 200: detailSchema } };
}

type WriteRequest = Omit<Parameters<typeof changeOf>[0], 'query'> & { readonly params: z.infer<typeof params> };

async function changed(
  routes: CaseRoutes,
  request: WriteRequest,
  work: (by: CaseChange) => Promise<boolean>,
): Promise<z.infer<typeof detailSchema>> {
  const principal = principalOf(request);
  const { file } = await find(routes, principal, request.params.case);
  const { key, actor, nowMs } = changeOf(
    { principal: request.principal, headers: request.headers, query: { dryRun: 'false' } },
    null,
    routes.now(),
  );
  const { tenant } = principal;
  const { caseId } = file;
  if (!(await work({ tenant, caseId, actor, nowMs, key }))) {
    throw new AppError('CASE_STATE', `The case ${caseId} is ${file.state}.`);
  }
  return detailView(await find(routes, principal, caseId), routes.now());
}

async function find({ reads }: CaseRoutes, principal: Principal, caseId: string): Promise<CaseDetail> {
  const found = await reads(principal.tenant).read(principal.tenant, caseId);
  if (found !== undefined && mayName(principal, found.file.account)) return found;
  throw new AppError('CASE_NOT_FOUND', `There is no case ${JSON.stringify(caseId)}.`, {
    fix: 'List cases with GET /v1/cases.',
  });
}

function placeOf(after: string | undefined) {
  if (after === undefined) return undefined;
  const [, openedAt = '', caseId = ''] = /^(\d{1,16})\/(cas_\w{1,60})$/.exec(after) ?? [];
  if (caseId === '') throw new RequestProblem([{ field: 'query.cursor', message: 'is none that a list has given' }]);
  return { openedAtMs: Number(openedAt), caseId };
}

function fileView(file: CaseFile, nowMs: number): z.infer<typeof fileSchema> {
  const { caseId, account, severity, state, assignee, resolution, resolvedBy } = file;
  return {
    case: caseId,
    account,
    severity,
    state,
    assignee,
    clock: clockState(file, nowMs),
    openedAt: formatIso(file.openedAtMs),
    answerBy: formatIso(file.answerByMs),
    dueAt: formatIso(file.dueAtMs),
    answeredAt: isoOf(file.answeredAtMs),
    resolution,
    resolvedAt: isoOf(file.resolvedAtMs),
    resolvedBy,
  };
}

function detailView({ file, items, events }: CaseDetail, nowMs: number): z.infer<typeof detailSchema> {
  return {
    ...fileView(file, nowMs),
    items: items.map(({ addedAtMs, ...item }) => ({ ...item, addedAt: formatIso(addedAtMs) })),
    events: events.map(({ atMs, ...event }) => ({ at: formatIso(atMs), ...event })),
  };
}
