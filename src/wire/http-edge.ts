import { randomUUID } from 'node:crypto';
import { createArchiveFiles } from '../adapters/archive-files.ts';
import { createAdminStore } from '../adapters/postgres/admin/admin-store.ts';
import { createApiKeyStore } from '../adapters/postgres/api-keys.ts';
import { createApprovals } from '../adapters/postgres/approvals.ts';
import { caseReads, createCaseFiles } from '../adapters/postgres/case-files.ts';
import { openFactHistory } from '../adapters/postgres/fact-history.ts';
import { countLiveWriters } from '../adapters/postgres/live-writers.ts';
import { createPages, createTenantQueries } from '../adapters/postgres/queries/pages.ts';
import { createQueries } from '../adapters/postgres/queries/queries.ts';
import { createRequestAnswers } from '../adapters/postgres/request-answers.ts';
import { isServerAway } from '../adapters/postgres/sql-state.ts';
import { createHistory } from '../adapters/postgres/statement/history.ts';
import { createMoneyStore } from '../adapters/postgres/stripe/money-store.ts';
import { topUpReads } from '../adapters/postgres/stripe/topups.ts';
import { createTenantPools, type TenantPools } from '../adapters/postgres/tenant-pool.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { AppError } from '../errors.ts';
import { alertRoutes } from '../http/books/alert-routes.ts';
import { bookedEventRoutes } from '../http/books/event-routes.ts';
import { statementRoutes } from '../http/books/statement-routes.ts';
import type { TenantBooks } from '../http/books/tenant-books.ts';
import { walletChangeRoutes } from '../http/books/wallet-changes.ts';
import { walletRoutes } from '../http/books/wallet-routes.ts';
import { caseRoutes } from '../http/cases/case-routes.ts';
import { eventRoutes } from '../http/events/event-routes.ts';
import { holdRoutes } from '../http/holds/hold-routes.ts';
import { describeApi } from '../http/openapi/openapi.ts';
import { ruleRoutes } from '../http/rules/rule-routes.ts';
import { limitAccounts } from '../http/server/account-rate.ts';
import { isLoopback } from '../http/server/addresses.ts';
import type { HttpApp, HttpRoutes } from '../http/server/http-app.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../http/server/http-server.ts';
import type { Authenticator } from '../http/server/principal.ts';
import { limitRates } from '../http/server/rate-limit.ts';
import { type MetricsText, systemRoutes } from '../http/system/system-routes.ts';
import { KeyRing } from '../pipeline/api-keys/key-ring.ts';
import { AnsweredRequests } from '../pipeline/ingest/answered-requests.ts';
import type { TopUpReads } from '../pipeline/stripe/money-store.ts';
import type { Engine } from './engine.ts';
import { packageVersions } from './package-versions.ts';
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
  /** The rules in force. */
  readonly ruleset: () => Ruleset;
  /** From how much money on freezes and thaws take two people, nano-units. */
  readonly fourEyesAboveNanos?: bigint | undefined;
  /** Where archived days of entries are. */
  readonly archiveDir?: string;
  readonly onProblem: (what: string, error: unknown) => void;
  /** Milliseconds epoch; the wall clock in production. */
  readonly now: () => number;
  /** Requests a minute about one account, over all keys; no such limit when undefined. */
  readonly accountRequestsPerMinute?: number | undefined;
  readonly metrics?: MetricsText;
  readonly onResponse?: HttpServerOptions['onResponse'];
  /** Routes of other parts, such as webhooks. */
  readonly routes?: readonly EdgeRoutes[];
}

/** Routes of other parts, with what the edge has for them: reads that see one tenant alone. */
export type EdgeRoutes = (
  app: HttpApp,
  shared: { readonly topUps: (tenant: string) => TopUpReads },
) => ReturnType<HttpRoutes>;

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
  const pools = createTenantPools(engine.connectionString, {
    name: 'http',
    max: READERS_MAX,
    onError: (error) => onProblem('database connection', error),
  });
  const parts = {
    books: booksOf(engine, pools, options.archiveDir),
    holds: service.holds,
    fourEyes: { approvals: createApprovals(engine.pool), aboveNanos: options.fourEyesAboveNanos },
    ruleset: options.ruleset,
    now,
  };
  const answered = new AnsweredRequests({ answers: createRequestAnswers(engine.pool), now });
  const shared = { topUps: (tenant: string) => topUpReads(pools.of(tenant)) };
  const prepare = async (app: HttpApp) => {
    await limitRates(app);
    if (options.accountRequestsPerMinute !== undefined) limitAccounts(app, options.accountRequestsPerMinute, now);
    await describeApi(app, packageVersions().tollkeeper);
  };
  const routes: HttpRoutes[] = [
    (app) => systemRoutes(app, { metrics, ready: () => readyChecks(engine, service), areMetricsOpen }),
    (app) => eventRoutes(app, { intake: service.intake, answered, newId: randomUUID, now }),
    (app) => bookedEventRoutes(app, parts),
    (app) => walletRoutes(app, parts),
    (app) => walletChangeRoutes(app, parts),
    (app) => statementRoutes(app, parts),
    (app) => holdRoutes(app, parts),
    (app) => alertRoutes(app, parts),
    (app) => ruleRoutes(app, parts),
    (app) =>
      caseRoutes(app, {
        reads: (tenant) => caseReads(pools.of(tenant)),
        store: createCaseFiles(engine.pool),
        admin: createAdminStore(engine.pool),
        money: createMoneyStore(engine.pool),
        now,
      }),
    ...(options.routes ?? []).map(
      (extra): HttpRoutes =>
        (app) =>
          extra(app, shared),
    ),
  ];
  const listen = (port: number) =>
    startHttpServer({
      host,
      port,
      authenticator,
      prepare,
      routes,
      onProblem,
      isAway: isServerAway,
      ...(options.onResponse === undefined ? {} : { onResponse: options.onResponse }),
    });
  try {
    const server = await listenAt(address.port, listen);
    return { ...server, close: () => server.close().finally(() => pools.end()) };
  } catch (error) {
    await pools.end();
    throw error;
  }
}

async function listenAt(port: number | undefined, listen: (port: number) => Promise<HttpServer>): Promise<HttpServer> {
  if (port !== undefined) return listen(port);
  return listen(PORT).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'HTTP_ADDRESS') return listen(0);
    throw error;
  });
}

/** Connections of requests that look something up. */
const READERS_MAX = 8;

const NO_METRICS: MetricsText = { contentType: 'text/plain; version=0.0.4; charset=utf-8', read: async () => '' };

/**
 * The books of each tenant: all that requests ask and change goes through them. Lists and look-ups run on connections to
 * which the database shows one tenant alone; the rest names the tenant itself.
 */
function booksOf(
  { pool }: Engine,
  pools: TenantPools,
  archiveDir: string | undefined,
): (tenant: string) => TenantBooks {
  const files = createArchiveFiles(archiveDir === undefined ? [] : [archiveDir]);
  const queries = createQueries(pool, files);
  const shared = { admin: createAdminStore(pool), history: createHistory(pool, files) };
  return (tenant) => {
    const own = pools.of(tenant);
    return {
      ...shared,
      queries: { ...queries, ...createTenantQueries(own) },
      pages: createPages(own),
      usage: () => openFactHistory(pool, tenant),
    };
  };
}

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
    // A process without lanes of its own hands events to those that have them.
    {
      name: 'lanes',
      ok: service.ownedLanes.length > 0 || (await inTime(countLiveWriters(pool).then((live) => live > 0))),
    },
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
