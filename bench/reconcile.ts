import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { startThrowawayPostgres } from '../src/adapters/postgres/embedded/throwaway-postgres.ts';
import { LedgerServer } from './ledger-database.ts';
import { ODD_EVERY, SQL } from './reconcile-rows.ts';
import type { ReconcileFigures } from './reconcile-worker.ts';
import type { BenchRow } from './rows.ts';

/** Ledger transactions, and as many balance transactions of Stripe; another size for a quick look. */
const ROWS = 1_000_000;

/** Reconciliation of a ledger with a Stripe that answers like the sandbox, from rows made as they are asked for. */
export async function benchReconcile(log: (line: string) => void): Promise<BenchRow[]> {
  const rows = sizeOf(process.argv);
  const postgres = await startThrowawayPostgres({ durable: true });
  const children: ChildProcess[] = [];
  const start = (file: string) => {
    // Flags of the bench itself would show in the worker's memory.
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv: [] });
    children.push(child);
    return child;
  };
  try {
    const database = await new LedgerServer(postgres.connectionString).create(4, [Date.now()]);
    log(`${rows.toLocaleString('en-US')} ledger transactions …`);
    await fill(database.pool, rows);
    const stripe = start('./reconcile-server.js');
    stripe.send({ rows });
    const [{ port }] = (await once(stripe, 'message')) as [{ readonly port: number }];
    log('reconciling …');
    const worker = start('./reconcile-worker.js');
    worker.send({ connectionString: database.connectionString, port });
    const [figures] = (await Promise.race([once(worker, 'message'), died(worker)])) as [ReconcileFigures];
    check(figures, rows);
    await database.pool.end();
    const size = `${rows.toLocaleString('en-US')} ledger transactions against as many Stripe rows`;
    return [
      { name: 'reconcile_s', value: figures.seconds, unit: `s, ${size}` },
      { name: 'reconcile_cpu_s', value: figures.cpuSeconds, unit: 's of CPU of the reconciling process' },
      { name: 'reconcile_mb', value: figures.peakMb, unit: 'MB peak resident of the reconciling process' },
    ];
  } finally {
    for (const child of children) child.kill();
    await postgres.stop();
  }
}

function sizeOf(words: readonly string[]): number {
  const text = words.find((word) => word.startsWith('--rows='))?.slice('--rows='.length);
  return text === undefined ? ROWS : Number(text);
}

async function died(child: ChildProcess): Promise<never> {
  await once(child, 'exit');
  throw new Error('the reconciling process ended without a result');
}

/** Every payment posted a second after Stripe took it, but for one in so many that is missing and one that is wrong. */
async function fill(pool: pg.Pool, rows: number): Promise<void> {
  const isMissing = `i % ${ODD_EVERY} = 7`;
  const isWrong = `i % ${ODD_EVERY} = 8`;
  await pool.query(
    `insert into batch (lane, batch_no, kind, epoch, idempotency_key, request_hash, actor, reason, chain, posted_at)
     select 0, i + 1, 'topup', 1, 'stripe-' || ${SQL.paymentId}, 'x', 'stripe', 'Stripe payment ' || ${SQL.paymentId}, '\\x',
       to_timestamp(${SQL.atMs(rows)} / 1000.0 + 1)
     from generate_series(0, ${rows - 1}::bigint) i where not (${isMissing})`,
  );
  await pool.query(
    `insert into batch_contra (lane, batch_no, ledger_account, currency, amount)
     select 0, i + 1, 'cash', 'USD', -10000000 * (${SQL.cents} + case when ${isWrong} then 1 else 0 end)
     from generate_series(0, ${rows - 1}::bigint) i where not (${isMissing})`,
  );
  await pool.query(
    `insert into topup (topup_id, tenant_id, account_id, wallet_id, currency, kind, amount, status, payment_intent, request_key,
       request_hash, actor, created_at, updated_at)
     select 'top_' || i, 'default', 'acct-' || i, i, 'USD', 'auto', 10000000 * ${SQL.cents}, 'processing', ${SQL.paymentId}, 'r' || i,
       'x', 'bench', now(), now()
     from generate_series(0, ${rows - 1}::bigint) i where ${isMissing} or ${isWrong}`,
  );
  await pool.query('analyze batch, batch_contra, topup');
  await pool.query('checkpoint');
}

/** A fast run that finds something else than what is there is worth nothing. */
function check({ pairs, byCause }: ReconcileFigures, rows: number): void {
  const odd = (offset: number) => Math.floor((rows - 1 - offset) / ODD_EVERY) + 1;
  const expected = JSON.stringify([rows, odd(7), odd(8)]);
  const found = JSON.stringify([pairs, byCause.webhook_lost ?? 0, byCause.amount ?? 0]);
  if (found !== expected) throw new Error(`found ${found} of pairs, lost and wrong; there are ${expected}`);
}
