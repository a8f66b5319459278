import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { EventStatus } from '../../domain/events/usage-event.ts';
import { resultSchema } from '../../domain/events/wire-schema.ts';
import { AppError } from '../../errors.ts';
import type { AnsweredRequests } from '../../pipeline/ingest/answered-requests.ts';
import type { Intake } from '../../pipeline/ingest/intake.ts';
import type { SentRequest } from '../../pipeline/ingest/sent-job.ts';
import { changeHeaders } from '../books/change.ts';
import { principalOf } from '../server/authorize.ts';
import type { HttpApp } from '../server/http-app.ts';
import { BusyProblem } from '../server/problem.ts';
import { EVENT_MEDIA_TYPES, type EventBody, readEventBody } from './event-bodies.ts';

/** 10,000 events with properties of some size. */
export const EVENTS_BYTES_MAX = 8 * 1024 * 1024;

export interface EventRoutes {
  readonly intake: Intake;
  /** Requests that carry an Idempotency-Key, and how they were answered. */
  readonly answered: AnsweredRequests;
  /** A name nobody has used. */
  readonly newId: () => string;
  /** Our clock, epoch milliseconds: when a request arrived is when its events did. */
  readonly now: () => number;
}

const statuses = resultSchema.shape.results;
const postedSchema = z.object({
  results: statuses.describe('One per event, in the order sent.'),
  counts: z.object({ posted: z.int(), duplicate: z.int(), quarantined: z.int(), rejected: z.int() }),
});
const keptSchema = z.object({
  job: z.string().describe('Ask for it at /v1/events/jobs/{job}.'),
  events: z.int(),
});
/** What was answered once, as it is kept. */
const answerSchema = z.union([postedSchema, keptSchema]);
/** As for changes, but nobody needs one: events are known by themselves. */
const keyHeaders = z.looseObject({ 'idempotency-key': changeHeaders.shape['idempotency-key'].optional() });
const jobSchema = z.discriminatedUnion('state', [
  z.object({ job: z.string(), state: z.literal('waiting') }),
  z.object({ job: z.string(), state: z.literal('done'), ...postedSchema.shape }),
]);

/** Usage in, and what became of it. */
export function eventRoutes(app: HttpApp, routes: EventRoutes): void {
  app.removeAllContentTypeParsers();
  for (const mediaType of Object.keys(EVENT_MEDIA_TYPES)) {
    app.addContentTypeParser(mediaType, { parseAs: 'buffer', bodyLimit: EVENTS_BYTES_MAX }, (_request, bytes, done) => {
      try {
        done(null, readEventBody(mediaType, bytes as Buffer));
      } catch (error) {
        done(error as Error);
      }
    });
  }
  app.post(
    '/v1/events',
    {
      bodyLimit: EVENTS_BYTES_MAX,
      config: { access: 'ingest' },
      schema: {
        tags: ['events'],
        summary: 'Send usage',
        description:
          'Up to 10,000 events in one request. With `?wait=true` (or `Prefer: wait`) the answer comes when all of them are durable, with one status each; without, as soon as they are kept, with the name of a job. One bad event never affects the others. Sending again is safe without an `Idempotency-Key`, and says `duplicate`; with one it is answered as before.',
        consumes: Object.keys(EVENT_MEDIA_TYPES),
        headers: keyHeaders,
        querystring: z.object({ wait: z.enum(['true', 'false']).default('false') }),
        response: { 200: postedSchema, 202: keptSchema },
      },
    },
    async (request, reply) => {
      const isWaiting = request.query.wait === 'true' || prefersToWait(request.headers.prefer);
      const sent = sentRequest(request, routes.now());
      const work = () => (isWaiting ? post(sent, routes) : keep(sent, routes));
      const key = request.headers['idempotency-key'];
      const answer = key === undefined ? await work() : await answerOnce(sent, key, work, routes);
      if ('results' in answer) return reply.code(200).send(answer);
      return reply.code(202).header('location', `/v1/events/jobs/${answer.job}`).send(answer);
    },
  );
  app.get(
    '/v1/events/jobs/:job',
    {
      config: { access: 'ingest' },
      schema: {
        tags: ['events'],
        summary: 'What became of usage that was sent without waiting',
        params: z.object({ job: z.string().max(100) }),
        response: { 200: jobSchema },
      },
    },
    async (request) => {
      const { job } = request.params;
      const { tenant } = principalOf(request);
      const found = await routes.intake.find(tenant, job);
      if (found === undefined) throw new AppError('JOB_NOT_FOUND', 'There is no such job, or it is no longer kept.');
      return found.state === 'waiting'
        ? { job, state: found.state }
        : { job, state: found.state, ...answerOf(found.results) };
    },
  );
}

type SentAnswer = z.infer<typeof postedSchema> | z.infer<typeof keptSchema>;

/** Under a key another body, or one that other accounts could be named in, is another request. */
function answerOnce(
  sent: SentRequest,
  key: string,
  work: () => Promise<SentAnswer>,
  { answered }: EventRoutes,
): Promise<SentAnswer> {
  const { tenant, accounts, format, raws } = sent;
  const content = JSON.stringify([format, accounts === undefined ? null : [...accounts].sort(), raws]);
  const read = (answer: unknown) => answerSchema.parse(answer);
  return answered.once({ tenant, key, content }, read, work, (error) => error instanceof BusyProblem);
}

async function post(sent: SentRequest, { intake, newId }: EventRoutes): Promise<SentAnswer> {
  if (intake.isBehind) throw new BusyProblem('OVERLOADED', 'More usage waits to be posted than can be taken now.', 1);
  const done = await intake.post(sent, newId());
  return 'results' in done ? answerOf(done.results) : { job: done.job, events: sent.raws.length };
}

async function keep(sent: SentRequest, { intake, newId }: EventRoutes): Promise<SentAnswer> {
  if (await intake.isQueueFull()) throw new BusyProblem('OVERLOADED', 'The queue is longer than it should be.', 5);
  return { job: await intake.keep(sent, newId()), events: sent.raws.length };
}

function sentRequest(request: FastifyRequest, acceptedAtMs: number): SentRequest {
  const { tenant, accounts } = principalOf(request);
  // The parsers above are the only ones of this scope.
  const { format, raws } = request.body as EventBody;
  return { tenant, accounts, format, raws, acceptedAtMs };
}

function prefersToWait(header: unknown): boolean {
  return String(header ?? '')
    .split(',')
    .some((preference) => /^\s*wait(\s*=|\s*$)/i.test(preference));
}

function answerOf(results: readonly EventStatus[]) {
  const counts = { posted: 0, duplicate: 0, quarantined: 0, rejected: 0 };
  for (const { status } of results) counts[status]++;
  return { results: [...results], counts };
}
