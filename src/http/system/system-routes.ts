import { z } from 'zod';
import type { HttpApp } from '../server/http-app.ts';

/** All metrics of the process as text, in the format that Prometheus scrapes. */
export interface MetricsText {
  readonly contentType: string;
  readonly read: () => Promise<string>;
}

/** One thing the service cannot work without. */
export interface ReadyCheck {
  readonly name: string;
  readonly ok: boolean;
}

export interface SystemRoutes {
  readonly metrics: MetricsText;
  /** Whether the service can take requests; asked anew at each request. */
  readonly ready: () => Promise<readonly ReadyCheck[]>;
  /** Metrics need no key: only this machine can ask for them. */
  readonly areMetricsOpen: boolean;
}

const readySchema = z.object({ ready: z.boolean(), checks: z.record(z.string(), z.boolean()) });

/** `/health` says that the process lives, `/ready` that it can do its work, `/metrics` how it does. */
export function systemRoutes(app: HttpApp, { metrics, ready, areMetricsOpen }: SystemRoutes): void {
  app.get(
    '/health',
    {
      config: { access: 'open' },
      schema: {
        tags: ['system'],
        summary: 'The process lives',
        response: { 200: z.object({ status: z.literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  );
  app.get(
    '/ready',
    {
      config: { access: 'open' },
      schema: {
        tags: ['system'],
        summary: 'The service can take requests',
        response: { 200: readySchema, 503: readySchema },
      },
    },
    async (_request, reply) => {
      const checks = await ready();
      const isReady = checks.every(({ ok }) => ok);
      void reply.code(isReady ? 200 : 503);
      return { ready: isReady, checks: Object.fromEntries(checks.map(({ name, ok }) => [name, ok])) };
    },
  );
  app.get(
    '/metrics',
    {
      config: { access: areMetricsOpen ? 'open' : 'read' },
      schema: { tags: ['system'], summary: 'Metrics for Prometheus', produces: ['text/plain'] },
    },
    async (_request, reply) => reply.header('content-type', metrics.contentType).send(await metrics.read()),
  );
}
