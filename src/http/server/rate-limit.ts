import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { HttpApp } from './http-app.ts';
import { BusyProblem } from './problem.ts';

/** Requests a minute of a key that has no limit of its own. */
export const REQUESTS_PER_MINUTE = 600_000;
const WINDOW_MS = 60_000;

/** Limits every key to so many requests a minute; routes that are open to all are not counted. */
export async function limitRates(app: HttpApp): Promise<void> {
  await app.register(rateLimit, {
    global: true,
    timeWindow: WINDOW_MS,
    max: (request: FastifyRequest) => request.principal?.requestsPerMinute ?? REQUESTS_PER_MINUTE,
    keyGenerator: (request) => request.principal?.keyId ?? '',
    allowList: (request) => request.principal === undefined,
    errorResponseBuilder: (_request, { max, ttl }) =>
      new BusyProblem('TOO_MANY_REQUESTS', `This key may send ${max} requests a minute.`, ttl / 1_000),
  });
}
