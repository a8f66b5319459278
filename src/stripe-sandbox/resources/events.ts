import type { Route } from '../http/route.ts';
import { PAGE_PARAMS } from '../table.ts';
import type { World } from '../world.ts';

/** Stripe keeps events for 30 days. */
const KEPT_SECONDS = 30 * 86_400;

export function eventRoutes(world: World, failedEvents: () => ReadonlySet<string>): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/events',
      params: [...PAGE_PARAMS, 'created', 'type', 'types', 'delivery_success'],
      handle: ({ params }) => {
        const types = [...params.texts('types'), ...(params.has('type') ? [params.required('type')] : [])];
        const delivered = params.boolean('delivery_success');
        const failed = failedEvents();
        const oldest = world.now() - KEPT_SECONDS;
        return world.events.page(
          '/v1/events',
          params,
          (row) =>
            row.created >= oldest &&
            (types.length === 0 || types.some((type) => matchesType(type, row.type))) &&
            (delivered === undefined || failed.has(row.id) !== delivered),
        );
      },
    },
    { method: 'GET', path: '/v1/events/{id}', params: ['expand'], handle: ({ id }) => world.events.get(id) },
  ];
}

/** `charge.*` stands for every type that begins so, `*` for all. */
export function matchesType(pattern: string, type: string): boolean {
  if (pattern === '*') return true;
  return pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
}
