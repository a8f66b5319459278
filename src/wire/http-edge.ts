import { randomUUID } from 'node:crypto';
import { createApiKeyStore } from '../adapters/postgres/api-keys.ts';
import { AppError } from '../errors.ts';
import { eventRoutes } from '../http/events/event-routes.ts';
import { isLoopback } from '../http/server/addresses.ts';
import type { HttpRoutes } from '../http/server/http-app.ts';
import { type HttpServer, startHttpServer } from '../http/server/http-server.ts';
import type { Authenticator } from '../http/server/principal.ts';
import { type MetricsText, systemRoutes } from '../http/system/system-routes.ts';
import { KeyRing } from '../pipeline/api-keys/key-ring.ts';
import type { Engine } from './engine.ts';
import type { Service } from './service.ts';

/** Where the edge listens when nobody says otherwise: this machine alone. */
const HOST = '127.0.0.1';
/** Taken if it is free; another free port otherwise, because nobody asked for this one. */
const PORT = 8_377;

/** How long a question of `/ready` may take. */
const READY_MS = 2_000;

/** Where to listen; nothing of it means this machine, at the usual port or a free one. */
export interface HttpAddress {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

export interface HttpEdgeOptions {
  readonly engine: Engine;
  readonly service: Service;
  readonly address: HttpAddress;
  readonly onProblem: (what: string, error: unknown) => void;
  /** Milliseconds epoch; the wall clock in production. */
  readonly now: () => number;
  readonly metrics?: MetricsText;
  /** Routes of other parts, such as webhooks. */
  readonly routes?: readonly HttpRoutes[];
}

/** Starts the HTTP edge on a running service. */
export async function startHttpEdge(options: HttpEdgeOptions): Promise<HttpServer> {
  const { engine, service, address, onProblem, now } = options;
  const host = address.host ?? HOST;
  const metrics = options.metrics ?? NO_METRICS;
  const areMetricsOpen = isLoopback(host);
  const store = createApiKeyStore(engine.pool);
  if (!isLoopback(host) && !(await store.hasAny(now()))) {
    throw new AppError('HTTP_NEEDS_KEYS', `Nobody could use HTTP on ${host}: there is no API key in force.`);
  }
  const authenticator = authenticatorOf(new KeyRing({ store, now, onProblem }));
  const routes: HttpRoutes[] = [
    (app) => systemRoutes(app, { metrics, ready: () => readyChecks(engine, service), areMetricsOpen }),
    (app) => eventRoutes(app, { intake: service.intake, newId: randomUUID, now }),
    ...(options.routes ?? []),
  ];
  const listen = (port: number) => startHttpServer({ host, port, authenticator, routes, onProblem });
  if (address.port !== undefined) return listen(address.port);
  return listen(PORT).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'HTTP_ADDRESS') return listen(0);
    throw error;
  });
}

const NO_METRICS: MetricsText = { contentType: 'text/plain; version=0.0.4; charset=utf-8', read: async () => '' };

function authenticatorOf(ring: KeyRing): Authenticator {
  return {
    async authenticate(secret) {
      const key = await ring.identify(secret);
      if (key === undefined) return undefined;
      const { keyId, tenant, scopes, accounts, requestsPerMinute } = key;
      return {
        tenant,
        keyId,
        scopes: new Set(scopes),
        accounts: accounts === null ? undefined : new Set(accounts),
        requestsPerMinute: requestsPerMinute ?? undefined,
      };
    },
  };
}

async function readyChecks({ pool, queues }: Engine, service: Service) {
  const database = pool.query('select 1').then(() => true);
  const queue = queues.openQueue('usage');
  const counts = queue
    .counts()
    .then(() => true)
    .finally(() => queue.close());
  return [
    { name: 'database', ok: await inTime(database) },
    { name: 'queues', ok: await inTime(counts) },
    { name: 'lanes', ok: service.ownedLanes.length > 0 },
  ];
}

async function inTime(question: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), READY_MS);
  });
  try {
    return await Promise.race([question.catch(() => false), late]);
  } finally {
    clearTimeout(timer);
  }
}
