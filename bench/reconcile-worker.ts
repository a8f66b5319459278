import { createPool } from '../src/adapters/postgres/pool.ts';
import { createMoneyStore } from '../src/adapters/postgres/stripe/money-store.ts';
import { createReconcileStore } from '../src/adapters/postgres/stripe/reconcile-store.ts';
import { createStripeBalance } from '../src/adapters/stripe/balance.ts';
import { createStripeClient } from '../src/adapters/stripe/client.ts';
import { reconcile } from '../src/pipeline/reconcile/reconcile.ts';
import { Secret } from '../src/secret.ts';
import { FROM_MS, TO_MS } from './reconcile-rows.ts';

export interface ReconcileOrder {
  readonly connectionString: string;
  readonly port: number;
}

export interface ReconcileFigures {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Largest resident size of the process, from its start. */
  readonly peakMb: number;
  readonly pairs: number;
  readonly byCause: Readonly<Record<string, number>>;
}

/** One run in a process of its own, so that its memory is its own. */
async function run({ connectionString, port }: ReconcileOrder): Promise<void> {
  const pool = createPool(connectionString, { name: 'bench reconcile', max: 8, onError: () => undefined });
  const stripe = createStripeClient({ secretKey: new Secret('sk_test_bench'), apiUrl: `http://127.0.0.1:${port}` });
  const startedAt = performance.now();
  const report = await reconcile(
    {
      balance: createStripeBalance(stripe),
      store: createReconcileStore(pool),
      money: createMoneyStore(pool),
      settle: () => Promise.reject(new Error('a dry run settles nothing')),
      now: () => Date.now(),
    },
    { fromMs: FROM_MS, toMs: TO_MS, dryRun: true },
  );
  const { user, system } = process.cpuUsage();
  const figures: ReconcileFigures = {
    seconds: (performance.now() - startedAt) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    peakMb: process.resourceUsage().maxRSS / 1_024,
    pairs: report.totals.pairs,
    byCause: report.totals.byCause,
  };
  process.send?.(figures);
  await pool.end();
}

process.once('message', (order) => void run(order as ReconcileOrder));
