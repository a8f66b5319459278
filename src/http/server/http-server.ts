import { randomUUID } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import Fastify, { type FastifyRequest } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { AppError } from '../../errors.ts';
import { readJsonBody } from '../body/json-body.ts';
import { authorize } from './authorize.ts';
import type { HttpApp, HttpRoutes } from './http-app.ts';
import { HTTP_LIMITS } from './limits.ts';
import type { Authenticator } from './principal.ts';
import { PROBLEM_TYPE, problemOf, RequestProblem, sendProblem } from './problem.ts';
import { requestError } from './request-error.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly authenticator: Authenticator;
  /** Every part of the API, each in a scope of its own. */
  readonly routes: readonly HttpRoutes[];
  /** Added to the root before the routes: plugins that look at every route. */
  readonly prepare?: (app: HttpApp) => Promise<void>;
  /** Whether an error says that the database or the queues are away: asking again will help then. */
  readonly isAway?: (error: unknown) => boolean;
  /** Told of every answer; `route` is the pattern, never what somebody wrote into it. */
  readonly onResponse?: (response: {
    readonly route: string;
    readonly method: string;
    readonly status: number;
    readonly ms: number;
  }) => void;
  /** Told what went wrong on our side. */
  readonly onProblem: (what: string, error: unknown) => void;
  /** The time that a request may take to arrive; a test has none to lose. */
  readonly requestMs?: number;
  /** Bytes of an ordinary body. */
  readonly bodyBytesMax?: number;
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** A server that listens. */
export interface HttpServer {
  readonly url: string;
  readonly port: number;
  /** Takes no more requests, answers those it has, and closes. */
  readonly close: () => Promise<void>;
}

/** Starts the HTTP edge. `HTTP_ADDRESS` when nobody can listen there. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const app = await createHttpApp(options);
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (cause) {
    await app.close();
    throw new AppError('HTTP_ADDRESS', `Nothing can listen on ${options.host} port ${options.port}.`, { cause });
  }
  const address = app.server.address() as AddressInfo;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { url: `http://${host}:${address.port}`, port: address.port, close: () => closeServer(app) };
}

/** Requests in hand are answered; connections that stay open without one are closed as soon as that is so. */
async function closeServer(app: HttpApp): Promise<void> {
  const idle = setInterval(() => app.server.closeIdleConnections(), HTTP_LIMITS.closeEveryMs);
  const late = setTimeout(() => app.server.closeAllConnections(), HTTP_LIMITS.closeGraceMs);
  try {
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(late);
  }
}

/** The application, ready to listen or to be asked in memory. */
export async function createHttpApp(options: Omit<HttpServerOptions, 'host' | 'port'>): Promise<HttpApp> {
  const requestMs = options.requestMs ?? HTTP_LIMITS.requestMs;
  const app = Fastify({
    bodyLimit: options.bodyBytesMax ?? HTTP_LIMITS.bodyBytesMax,
    requestTimeout: requestMs,
    keepAliveTimeout: HTTP_LIMITS.keepAliveMs,
    maxRequestsPerSocket: HTTP_LIMITS.requestsPerConnectionMax,
    forceCloseConnections: 'idle',
    // Idle clients of a stopping server are told to go elsewhere, and get no half answers.
    return503OnClosing: true,
    // Behind a proxy these headers come from whoever likes to write them.
    trustProxy: false,
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    logger: false,
    routerOptions: { maxParamLength: HTTP_LIMITS.parameterCharactersMax, caseSensitive: true },
    http: {
      maxHeaderSize: HTTP_LIMITS.headerBytesMax,
      headersTimeout: Math.min(HTTP_LIMITS.headersMs, requestMs),
      connectionsCheckingInterval: HTTP_LIMITS.checkEveryMs,
    },
    frameworkErrors: (error, _request, reply) => {
      void sendProblem(reply, requestError(error) ?? new AppError('ROUTE_NOT_FOUND', 'The path cannot be read.'));
    },
    clientErrorHandler,
  }).withTypeProvider<ZodTypeProvider>();
  app.server.maxConnections = HTTP_LIMITS.connectionsMax;
  app.setValidatorCompiler(validatorCompiler);
  // Answers are built field by field, and a test holds them to their schemas: checking each again here would cost more
  // than all the rest.
  app.setSerializerCompiler(() => JSON.stringify);
  app.decorateRequest('principal', undefined);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, readJsonBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    void reply
      .header('x-request-id', request.id)
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff');
    refuseUnreadable(request);
    await authorize(request, options.authenticator);
  });
  const { onResponse } = options;
  if (onResponse !== undefined) {
    app.addHook('onResponse', async (request, reply) => {
      const { method, routeOptions } = request;
      const route = routeOptions.url ?? '(none)';
      onResponse({
        route,
        method: KNOWN_METHODS.has(method) ? method : 'other',
        status: reply.statusCode,
        ms: reply.elapsedTime,
      });
    });
  }
  app.setErrorHandler((error, request, reply) => {
    const isAway = options.isAway?.(error) === true;
    const known = isAway
      ? new AppError('DATABASE_UNREACHABLE', 'The database is away.', { cause: error })
      : (requestError(error) ?? error);
    // Whoever hung up before the end of the request hears nothing of it any more.
    const isOurs = problemOf(known).status >= 500 && !request.raw.destroyed;
    if (isOurs) options.onProblem(`${request.method} ${request.routeOptions.url ?? '(no route)'} ${request.id}`, error);
    return sendProblem(reply, known);
  });
  app.setNotFoundHandler(() => {
    throw new AppError('ROUTE_NOT_FOUND', 'There is nothing at this path with this method.');
  });
  await options.prepare?.(app);
  for (const routes of options.routes) await app.register(async (scope: HttpApp) => routes(scope));
  await app.ready();
  return app;
}

/** What no route can read: a NUL in the address, which no name in the database has, and bodies that are packed. */
function refuseUnreadable({ url, headers }: FastifyRequest): void {
  if (url.includes('%00')) throw new RequestProblem([{ field: 'path', message: 'holds a NUL character' }]);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new AppError('MEDIA_TYPE_UNKNOWN', 'Bodies are taken as they are, without Content-Encoding.');
}

/** What node's parser gave up on has no request and no reply: the problem is written by hand, and the connection ends. */
function clientErrorHandler(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, known] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', new AppError('BODY_TOO_LARGE', 'The headers are too large.')]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', new AppError('REQUEST_TIMEOUT', 'The request took too long to arrive.')]
        : ['400 Bad Request', new AppError('REQUEST_INVALID', 'This is not HTTP.')];
  const body = JSON.stringify({ ...problemOf(known), status: Number(String(status).slice(0, 3)) });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
