import type { Params } from './params.ts';

/** A request as a route sees it: parsed, authorised, and with its place in the path resolved. */
export interface RouteRequest {
  readonly params: Params;
  /** What stands at the `{id}` of the path. */
  readonly id: string;
  readonly requestId: string;
  readonly idempotencyKey: string | undefined;
  /** Where the caller reached the sandbox: `http://127.0.0.1:4242`. */
  readonly origin: string;
  /** The key of the request. */
  readonly token: string;
}

/** One operation. Handlers are synchronous: nothing else happens in the sandbox while one runs. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With at most one `{id}`. */
  readonly path: string;
  /** Top-level parameters it takes; any other is refused the way Stripe refuses a typo. */
  readonly params: readonly string[];
  /** `session`: takes the token of a meter event session instead of an API key. */
  readonly auth?: 'session';
  readonly handle: (request: RouteRequest) => object;
}

/** Finds the route of a path and what stands at its `{id}`. */
export function matchRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): { readonly route: Route; readonly id: string } | undefined {
  const parts = path.split('/');
  for (const route of routes) {
    if (route.method !== method) continue;
    const pattern = route.path.split('/');
    if (pattern.length !== parts.length) continue;
    if (!pattern.every((part, at) => part === '{id}' || part === parts[at])) continue;
    return { route, id: decodePart(parts[pattern.indexOf('{id}')] ?? '') };
  }
  return undefined;
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
