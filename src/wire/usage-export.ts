import type pg from 'pg';
import { createExportStore } from '../adapters/postgres/usage-export/export-store.ts';
import { createStripeClient } from '../adapters/stripe/client.ts';
import { isMeterErrorReport } from '../adapters/stripe/meter-error-report.ts';
import { createUsageMeters } from '../adapters/stripe/usage-meters.ts';
import type { Config } from '../config.ts';
import { MINUTE_MS } from '../domain/time.ts';
import { AppError } from '../errors.ts';
import { startSweep } from '../pipeline/admin/sweep-loop.ts';
import type { MoneyStore } from '../pipeline/stripe/money-store.ts';
import type { OtherEvents } from '../pipeline/stripe/process-event.ts';
import { takeErrorReport } from '../pipeline/usage-export/error-report.ts';
import { exportUsage } from '../pipeline/usage-export/export-usage.ts';
import type { Exporting } from '../pipeline/usage-export/run-export.ts';

const EVERY_MS = MINUTE_MS;

export interface UsageExportOptions {
  readonly config: Pick<Config, 'stripeSecretKey' | 'stripeApiUrl' | 'stripeMeters'>;
  readonly now: () => number;
  readonly onCleared?: NonNullable<Exporting['onCleared']>;
}

/** Usage export on an open database; undefined without meters to export, or without a key. */
export function createExporting(pool: pg.Pool, { config, now, onCleared }: UsageExportOptions): Exporting | undefined {
  const { stripeSecretKey: secretKey, stripeApiUrl: apiUrl, stripeMeters: targets } = config;
  if (secretKey === undefined || targets === undefined || targets.size === 0) return undefined;
  return {
    store: createExportStore(pool),
    meters: createUsageMeters({
      stripe: createStripeClient({ secretKey, apiUrl, allowLive: true }),
      clientOf: (token) => createStripeClient({ secretKey: token, apiUrl, allowLive: true }),
      now,
    }),
    targets,
    now,
    ...(onCleared === undefined ? {} : { onCleared }),
  };
}

/** The same, or `STRIPE_OFF`. */
export function requireExporting(pool: pg.Pool, options: UsageExportOptions): Exporting {
  const exporting = createExporting(pool, options);
  if (exporting !== undefined) return exporting;
  const missing = options.config.stripeSecretKey === undefined ? 'STRIPE_SECRET_KEY' : 'STRIPE_METERS';
  throw new AppError('STRIPE_OFF', `${missing} is not set, so no usage is exported.`, {
    fix: 'Set STRIPE_SECRET_KEY, and STRIPE_METERS to the meters to export (docs/usage-export.md).',
  });
}

/** Error reports of meters, among the events that money in hands on. */
export function meterEvents(exporting: Exporting, store: Pick<MoneyStore, 'openCase'>): OtherEvents {
  return async ({ type, eventId }) =>
    isMeterErrorReport(type) ? takeErrorReport(exporting, store.openCase, eventId) : undefined;
}

/** Exports usage every minute until it is closed. */
export function startExporting(
  exporting: Exporting,
  store: Pick<MoneyStore, 'openCase'>,
  onRetry: (what: string, attempt: number, error: unknown) => void,
): { readonly close: () => Promise<void> } {
  let doneAtMs = Number.NEGATIVE_INFINITY;
  return startSweep({
    what: 'usage export',
    onRetry,
    sweep: async () => {
      if (exporting.now() - doneAtMs < EVERY_MS) return;
      await exportUsage(exporting, store.openCase);
      doneAtMs = exporting.now();
    },
  });
}
