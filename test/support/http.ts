import { randomBytes } from 'node:crypto';
import { createApiKeyStore } from '../../src/adapters/postgres/api-keys.ts';
import { KEY_BYTES, keyPartsOf } from '../../src/domain/api-keys/key-text.ts';
import type { ApiScope } from '../../src/domain/api-keys/scopes.ts';
import type { HttpServer } from '../../src/http/server/http-server.ts';
import { createKey, type NewKey } from '../../src/pipeline/api-keys/manage-keys.ts';
import { type HttpEdgeOptions, startHttpEdge } from '../../src/wire/http-edge.ts';
import { runService, shippedRuleset, type TestService } from './run-service.ts';

/** What came back: the status, the body as JSON, and the headers. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

export interface AskOptions {
  readonly key?: string;
  /** A string or bytes as they are; anything else as JSON. */
  readonly body?: unknown;
  readonly type?: string;
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A service with its HTTP edge on loopback. */
export interface TestHttp extends TestService {
  readonly server: HttpServer;
  /** Makes a key and returns its text. */
  readonly key: (scopes: readonly ApiScope[], rights?: Partial<NewKey>) => Promise<string>;
  readonly ask: (method: string, path: string, options?: AskOptions) => Promise<HttpAnswer>;
}

/** The real service in this process, and the real HTTP edge before it. */
export async function runHttp(
  options: Parameters<typeof runService>[0] & { readonly edge?: Partial<HttpEdgeOptions> },
): Promise<TestHttp> {
  const running = await runService(options);
  const { engine, service } = running;
  const now = options.now ?? Date.now;
  const ruleset = await shippedRuleset();
  const server = await startHttpEdge({
    engine,
    service,
    address: { port: 0 },
    onProblem: (what, error) => running.retries.push(`${what} ${String(error)}`),
    now,
    ruleset: () => ruleset,
    ...options.edge,
  });
  const store = createApiKeyStore(engine.pool);
  return {
    ...running,
    server,
    async key(scopes, rights = {}) {
      const parts = keyPartsOf(randomBytes(KEY_BYTES));
      const asked = { tenant: 'default', name: 'test', accounts: null, requestsPerMinute: null, expiresAtMs: null };
      const change = { actor: 'test', reason: null, atMs: now() };
      return (await createKey(store, { ...asked, scopes, ...rights }, parts, change, true)).text;
    },
    ask: (method, path, given) => ask(`${server.url}${path}`, method, given),
    async close() {
      await server.close();
      await running.close();
    },
  };
}

async function ask(url: string, method: string, options: AskOptions = {}): Promise<HttpAnswer> {
  const { key, body, type, idempotencyKey, headers } = options;
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const answer = await fetch(url, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': type ?? 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  return { status: answer.status, body: isJson ? JSON.parse(text) : text, headers: answer.headers };
}
