import type { FastifyRequest } from 'fastify';
import type { HttpApp } from './http-app.ts';
import { BusyProblem } from './problem.ts';

const WINDOW_MS = 60_000;
/** Accounts counted at a time. The names come from senders, and memory is ours. */
const ACCOUNTS_MAX = 100_000;
/** A request that names more is no request about an account. */
const NAME_CHARACTERS_MAX = 200;

/**
 * Routes whose requests are never turned away for their account: what a call cost is known only after it was let through,
 * and usage that waits outside is usage that no rule has looked at.
 */
const SETTLING = new Set(['/v1/events', '/v1/holds/:hold/capture', '/v1/holds/:hold/release']);

/**
 * Counts requests per name in windows of a minute that begin with the first of them. Times are epoch milliseconds. Beyond
 * `namesMax` names the one whose window began first is forgotten.
 */
export class RateWindows {
  readonly #max: number;
  readonly #namesMax: number;
  /** In the order in which windows began. */
  readonly #windows = new Map<string, { readonly endsAtMs: number; count: number }>();

  constructor(max: number, namesMax: number = ACCOUNTS_MAX) {
    this.#max = max;
    this.#namesMax = namesMax;
  }

  /** Counts a request; milliseconds until the next is taken when it is one too many, 0 when it is not. */
  waitMs(name: string, nowMs: number): number {
    const window = this.#windows.get(name);
    // A clock that was set back must not shut anybody out for longer than a window.
    if (window !== undefined && nowMs < window.endsAtMs && window.endsAtMs - nowMs <= WINDOW_MS) {
      if (window.count >= this.#max) return window.endsAtMs - nowMs;
      window.count++;
      return 0;
    }
    this.#windows.delete(name);
    const [oldest] = this.#windows.size >= this.#namesMax ? this.#windows.keys() : [];
    if (oldest !== undefined) this.#windows.delete(oldest);
    this.#windows.set(name, { endsAtMs: nowMs + WINDOW_MS, count: 1 });
    return 0;
  }
}

/** Limits the requests about each account to so many a minute, whichever keys they come with; `TOO_MANY_REQUESTS` beyond. */
export function limitAccounts(app: HttpApp, requestsPerMinute: number, now: () => number): void {
  const windows = new RateWindows(requestsPerMinute);
  app.addHook('preHandler', async (request) => {
    const { principal } = request;
    if (principal === undefined || SETTLING.has(request.routeOptions.url ?? '')) return;
    const account = accountOf(request);
    // Nobody can use up what another account has by naming it with a key that may not.
    if (account === undefined || principal.accounts?.has(account) === false) return;
    const waitMs = windows.waitMs(JSON.stringify([principal.tenant, account]), now());
    if (waitMs === 0) return;
    const message = `About one account ${requestsPerMinute} requests a minute are taken.`;
    throw new BusyProblem('TOO_MANY_REQUESTS', message, waitMs / 1_000);
  });
}

/** The account that a request names in its path, its body or its query; a wallet's id stands for itself. */
function accountOf({ params, body, query }: Pick<FastifyRequest, 'params' | 'body' | 'query'>): string | undefined {
  return textOf(params, 'account') ?? textOf(params, 'wallet') ?? textOf(body, 'account') ?? textOf(query, 'account');
}

function textOf(from: unknown, name: string): string | undefined {
  if (typeof from !== 'object' || from === null || !Object.hasOwn(from, name)) return undefined;
  const value: unknown = Reflect.get(from, name);
  return typeof value === 'string' && value !== '' && value.length <= NAME_CHARACTERS_MAX ? value : undefined;
}
