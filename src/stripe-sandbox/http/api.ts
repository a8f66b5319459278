import { randomInt } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { StripeFault } from '../stripe-fault.ts';
import { API_VERSION, type World } from '../world.ts';
import { checkKey } from './api-keys.ts';
import { expand } from './expand.ts';
import type { Faults } from './faults.ts';
import { decodeForm, type ParamValue } from './form.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { Params } from './params.ts';
import { matchRoute, type Route } from './route.ts';

/** An answer ready to be sent. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
  readonly origin: string;
}

// Errors that say the request never began; under the same key it may be sent again.
const NEVER_BEGAN = new Set([401, 403, 409, 413, 429]);

/** Carries out API requests: key, route, parameters, idempotency, work, expansion. */
export class Api {
  readonly #world: World;
  readonly #routes: readonly Route[];
  readonly keys: IdempotencyKeys;
  readonly #before: () => void;
  readonly faults: Faults;
  /** Counts requests that may have changed something. */
  writes = 0;
  /** Requests per second before 429; no limit when undefined. */
  rateLimit: number | undefined;
  #window = { second: 0, requests: 0 };

  constructor(parts: {
    readonly world: World;
    readonly routes: readonly Route[];
    readonly faults: Faults;
    /** Runs before every request: what is due by the clock happens first. */
    readonly before: () => void;
  }) {
    this.#world = parts.world;
    this.#routes = parts.routes;
    this.faults = parts.faults;
    this.#before = parts.before;
    this.keys = new IdempotencyKeys(parts.world.settings.now);
  }

  /** Answers one request. `pause` runs after the key is claimed and before the work, and again before the answer. */
  async answer(request: ApiRequest, pause: (moment: 'before' | 'after') => Promise<void>): Promise<Answer> {
    const requestId = `req_${randomInt(2 ** 40)
      .toString(36)
      .padStart(8, '0')}`;
    const key = headerOf(request, 'idempotency-key');
    const headers = {
      'content-type': 'application/json',
      'request-id': requestId,
      'stripe-version': headerOf(request, 'stripe-version') ?? API_VERSION,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    };
    let claimed: string | undefined;
    try {
      this.#limitRate();
      const found = matchRoute(this.#routes, request.method, request.path);
      const token = checkKey(headerOf(request, 'authorization'), found?.route.auth ?? 'key');
      if (found === undefined) throw unknownRoute(request);
      if (key !== undefined && request.method !== 'GET') {
        const stored = this.keys.begin(key, `${request.method} ${request.path}?${request.query}\n${request.body}`);
        if (stored !== undefined) return { ...stored, headers: { ...headers, 'idempotent-replayed': 'true' } };
        claimed = key;
      }
      await pause('before');
      const body = this.#work(found, request, { requestId, key, token });
      if (claimed !== undefined) this.keys.finish(claimed, { status: 200, body });
      await pause('after');
      return { status: 200, body, headers };
    } catch (error) {
      const fault = error instanceof StripeFault ? error : crashed(error);
      const body = JSON.stringify(fault.body(), undefined, 2);
      if (claimed !== undefined) {
        const neverBegan = NEVER_BEGAN.has(fault.status) || (fault.details.code ?? '').startsWith('parameter_');
        if (neverBegan) this.keys.forget(claimed);
        else this.keys.finish(claimed, { status: fault.status, body });
        await pause('after');
      }
      return { status: fault.status, body, headers };
    }
  }

  #work(
    { route, id }: { readonly route: Route; readonly id: string },
    request: ApiRequest,
    names: { readonly requestId: string; readonly key: string | undefined; readonly token: string },
  ): string {
    const params = new Params(valuesOf(request));
    params.refuseUnknown(route.params);
    if (request.method !== 'GET') this.writes += 1;
    this.#before();
    this.#world.request = { id: names.requestId, idempotency_key: names.key ?? null };
    try {
      const answer = route.handle({
        params,
        id,
        requestId: names.requestId,
        idempotencyKey: names.key,
        origin: request.origin,
        token: names.token,
      });
      return JSON.stringify(expand(this.#world, answer, params.texts('expand')), undefined, 2);
    } finally {
      this.#world.request = null;
    }
  }

  #limitRate(): void {
    const second = this.#world.now();
    if (second !== this.#window.second) this.#window = { second, requests: 0 };
    this.#window.requests += 1;
    if (this.rateLimit === undefined || this.#window.requests <= this.rateLimit) return;
    throw new StripeFault(
      429,
      'invalid_request_error',
      'Request rate limit exceeded. Learn more about rate limits at https://stripe.com/docs/rate-limits.',
      {
        code: 'rate_limit',
      },
    );
  }
}

function valuesOf({ method, path, query, body }: ApiRequest): Readonly<Record<string, ParamValue>> {
  if (method !== 'POST') return decodeForm(query);
  if (!path.startsWith('/v2/')) return decodeForm(body);
  if (body === '') return {};
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return Object.fromEntries(Object.entries(parsed));
  } catch {
    // Falls through to the same answer as JSON that is no object.
  }
  throw new StripeFault(400, 'invalid_request_error', 'The request body is not a JSON object.', {
    code: 'invalid_json',
  });
}

function unknownRoute({ method, path }: ApiRequest): StripeFault {
  const message = `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`;
  return new StripeFault(404, 'invalid_request_error', message);
}

/** A bug of the sandbox's own, told as such: it must not look like an answer that Stripe would give. */
function crashed(error: unknown): StripeFault {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new StripeFault(500, 'api_error', `The sandbox itself failed: ${text}`);
}

function headerOf({ headers }: ApiRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
