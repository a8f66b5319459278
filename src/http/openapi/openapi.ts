import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifySchema, RouteOptions } from 'fastify';
import { createJsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { HttpApp } from '../server/http-app.ts';
import { PROBLEM_TYPE } from '../server/problem.ts';
import { withExtras } from './extras.ts';

const DESCRIPTION = `Usage in, money held and charged, wallets, alerts and rules.

Send \`Authorization: Bearer tk_live_…\`; \`tollkeeper api-key create\` makes a key, which belongs to one tenant.
Money is a decimal string in major units. Errors are \`${PROBLEM_TYPE}\` with a stable \`code\` and a \`fix\`.
Lists give \`next\`, which is the \`cursor\` of the page after.`;

const TAGS = [
  { name: 'events', description: 'Usage, what became of it, and its corrections' },
  { name: 'holds', description: 'Money reserved for calls whose cost is known afterwards' },
  { name: 'wallets', description: 'Accounts, wallets and what happened to them' },
  { name: 'topups', description: 'Money in by Stripe; there when Stripe is configured' },
  { name: 'stripe', description: 'Where Stripe sends events; there when Stripe is configured' },
  { name: 'alerts', description: 'What needs eyes' },
  { name: 'rules', description: 'What is judged' },
  { name: 'system', description: 'For operators' },
];

const transformZod = createJsonSchemaTransform({ skipList: [] });

/** Describes every route that is added after it: OpenAPI 3.1 at /openapi.json, and a page to read it at /docs. */
export async function describeApi(app: HttpApp, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Tollkeeper', version, description: DESCRIPTION, license: { name: 'Apache-2.0' } },
      tags: TAGS,
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key.' } } },
    },
    transform: (input) => {
      const { schema, url } = transformZod(input as Parameters<typeof transformZod>[0]);
      return { schema: { ...(schema as FastifySchema), security: securityOf(input.route) } as FastifySchema, url };
    },
    transformObject: (document) => withExtras(jsonSchemaTransformObject(document) as Parameters<typeof withExtras>[0]),
  });
  await app.register(async (scope) => {
    // Whoever may knock may read how to knock.
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'open' };
      route.schema = { ...route.schema, hide: true };
    });
    scope.get('/openapi.json', async (_request, reply) => reply.send(app.swagger()));
    await scope.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      // Without the bar of the page's maker, and with no address to load another description from.
      uiConfig: { docExpansion: 'list', deepLinking: true, tryItOutEnabled: false, layout: 'BaseLayout' },
      theme: { title: 'Tollkeeper API' },
    });
  });
}

function securityOf({ config }: Pick<RouteOptions, 'config'>): readonly Readonly<Record<string, string[]>>[] {
  return config?.access === 'open' ? [] : [{ key: [] }];
}
