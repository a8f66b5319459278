import type pg from 'pg';
import type { LedgerMovement, StripeMovement } from '../../../domain/reconciliation/movement.ts';
import { formatIso } from '../../../domain/time.ts';
import type { Run } from '../../../pipeline/reconcile/reconcile-port.ts';

const PAGE = 5_000;
/** Clocks differ a little; what is posted for the window's last second may be posted days later. */
const BEFORE_MS = 5 * 60_000;
const AFTER_MS = 3 * 86_400_000;

/** Prefixes of what the ledger names money by: payments, refunds and balance transactions of disputes. */
const PREFIXES = '(?:pi|re|pyr|ch|py|txn)';

// The key says which object moved the money. People give keys of their own, and may name the object in the reason.
const REFERENCE = `coalesce(
    substring(b.idempotency_key from '^stripe-(${PREFIXES}_[A-Za-z0-9_]+)(?:-failed)?$'),
    substring(b.reason from '\\m${PREFIXES}_[A-Za-z0-9_]{6,}'))`;

const KINDS = `('topup', 'grant', 'refund', 'dispute', 'reinstate')`;

interface LedgerRow {
  readonly reference: string;
  readonly key: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly posted_at: Date;
}

/** Cash movements of the ledger around a window, in the order of their reference. Inside the caller's transaction. */
export async function* ledgerCash(
  client: pg.PoolClient,
  { fromMs, toMs }: Pick<Run, 'fromMs' | 'toMs'>,
): AsyncGenerator<readonly LedgerMovement[], void, undefined> {
  const [from, to] = [formatIso(fromMs - BEFORE_MS), formatIso(toMs + AFTER_MS)];
  const sql = `select * from (
      select ${REFERENCE} as reference, coalesce(b.idempotency_key, b.lane || '/' || b.batch_no) as key, c.currency, -c.amount as amount,
        b.posted_at
      from batch b join batch_contra c on c.lane = b.lane and c.batch_no = b.batch_no
      where b.kind in ${KINDS} and b.posted_at >= '${from}' and b.posted_at < '${to}' and c.ledger_account = 'cash'
    ) cash where reference is not null
    order by reference collate "C", key collate "C"`;
  for await (const rows of pages<LedgerRow>(client, 'reconcile_ledger', sql)) yield rows.map(readLedgerRow);
}

/** What is posted under the keys of one Stripe object. */
export async function postedUnder(pool: pg.Pool, reference: string): Promise<readonly LedgerMovement[]> {
  const { rows } = await pool.query<LedgerRow>(
    `select $1::text as reference, b.idempotency_key as key, c.currency, -c.amount as amount, b.posted_at
     from batch b join batch_contra c on c.lane = b.lane and c.batch_no = b.batch_no and c.ledger_account = 'cash'
     where b.idempotency_key in ('stripe-' || $1, 'stripe-' || $1 || '-failed') order by b.idempotency_key collate "C"`,
    [reference],
  );
  return rows.map(readLedgerRow);
}

function readLedgerRow({ reference, key, currency, amount, posted_at }: LedgerRow): LedgerMovement {
  return { reference, key, currency, amountNanos: amount, atMs: posted_at.getTime() };
}

interface StagedRow {
  readonly txn_id: string;
  readonly reference: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly balance_currency: string;
  readonly balance_amount: bigint;
  readonly fee: bigint;
  readonly net: bigint;
  readonly payment_intent: string | null;
  readonly topup_id: string | null;
  readonly at: Date;
}

/** What was read of Stripe in a run, in the order of its reference. Inside the caller's transaction. */
export async function* stripeRows(
  client: pg.PoolClient,
  runId: string,
): AsyncGenerator<readonly StripeMovement[], void, undefined> {
  const sql = `select txn_id, reference, currency, amount, balance_currency, balance_amount, fee, net, payment_intent, topup_id, at
    from reconcile_row where run_id = '${runId}' and reference is not null
    order by reference collate "C", txn_id collate "C"`;
  for await (const rows of pages<StagedRow>(client, 'reconcile_stripe', sql)) {
    yield rows.map((row) => ({
      reference: row.reference,
      id: row.txn_id,
      currency: row.currency,
      amountMinor: row.amount,
      atMs: row.at.getTime(),
      balanceAmountMinor: row.balance_amount,
      feeMinor: row.fee,
      netMinor: row.net,
      balanceCurrency: row.balance_currency,
      paymentIntent: row.payment_intent,
      topupId: row.topup_id,
    }));
  }
}

async function* pages<Row extends pg.QueryResultRow>(
  client: pg.PoolClient,
  name: string,
  sql: string,
): AsyncGenerator<readonly Row[], void, undefined> {
  await client.query(`declare ${name} no scroll cursor for ${sql}`);
  for (;;) {
    const { rows } = await client.query<Row>(`fetch ${PAGE} from ${name}`);
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
  }
}
