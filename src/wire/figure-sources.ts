import type { FigureSources } from '../adapters/metrics/book-figures.ts';
import type { Config } from '../config.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import type { QueueHandle } from '../pipeline/ingest/queue-port.ts';
import { HOLDS_QUEUE, HTTP_QUEUE, USAGE_QUEUE } from '../queues.ts';
import type { Engine } from './engine.ts';

/** Where the figures at `/metrics` come from. Queues are opened when somebody asks for the first time. */
export function openFigureSources(
  { pool, queues }: Pick<Engine, 'pool' | 'queues'>,
  { ownCostPerMonth }: Pick<Config, 'ownCostPerMonth'>,
  ruleset: () => Ruleset,
): { readonly sources: FigureSources; readonly close: () => Promise<void> } {
  let handles: readonly QueueHandle[] = [];
  return {
    sources: {
      pool,
      ownCostPerMonth,
      alertsPerDayMax: () => ruleset().budgets.alertsPerDay,
      async queues() {
        if (handles.length === 0)
          handles = [USAGE_QUEUE, HTTP_QUEUE, HOLDS_QUEUE].map(({ name }) => queues.openQueue(name));
        return Promise.all(handles.map(async (handle) => ({ queue: handle.name, ...(await handle.counts()) })));
      },
    },
    async close() {
      await Promise.all(handles.map((handle) => handle.close()));
    },
  };
}
