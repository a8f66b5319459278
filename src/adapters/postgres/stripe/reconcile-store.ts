import type pg from 'pg';
import { derivedId } from '../../../domain/ids.ts';
import type { LedgerMovement, Owner, StripeMovement } from '../../../domain/reconciliation/movement.ts';
import type { BalanceRow, FeesOfDay, ReconcileStore, Run } from '../../../pipeline/reconcile/reconcile-port.ts';
import { inTransaction } from '../pool.ts';
import { ledgerCash, postedUnder, stripeRows } from './reconcile-streams.ts';
import { at, ms } from './rows.ts';

/** A run that was cut off is taken up again for so long; later Stripe is read afresh. */
const RESUMED_MS = 24 * 3_600_000;

/** Runs of reconciliation, on PostgreSQL. */
export function createReconcileStore(pool: pg.Pool): ReconcileStore {
  return {
    begin: (run, slices, nowMs) => begin(pool, run, slices, nowMs),
    async slices(runId) {
      const { rows } = await pool.query<{
        slice_no: number;
        from_at: Date;
        to_at: Date;
        after_id: string | null;
        is_done: boolean;
      }>('select * from reconcile_slice where run_id = $1 order by slice_no', [runId]);
      return rows.map((row) => ({
        sliceNo: row.slice_no,
        fromMs: ms(row.from_at),
        toMs: ms(row.to_at),
        after: row.after_id,
        isDone: row.is_done,
      }));
    },
    keep: (runId, rows, place) =>
      inTransaction(pool, async (client) => {
        const added = rows.length === 0 ? 0 : await keepRows(client, runId, rows);
        await client.query(
          'update reconcile_slice set after_id = $3, is_done = $4 where run_id = $1 and slice_no = $2',
          [runId, place.sliceNo, place.after, place.isDone],
        );
        return added;
      }),
    streams: (run, work) =>
      inTransaction(
        pool,
        (client) => work(ledgerCash(client, run), stripeRows(client, run.runId)),
        // One picture of the books for as long as they are read, however much is posted meanwhile.
        (client) => client.query('begin isolation level repeatable read read only'),
      ),
    owners: (pairs) =>
      ownersOf(
        pool,
        pairs.map(({ reference, ledger, stripe }) => ({ reference, ledger, stripe })),
      ),
    posted: (reference) => postedUnder(pool, reference),
    async counts(runId) {
      const { rows } = await pool.query<{
        day: Date;
        currency: string;
        rows: bigint;
        transactions: bigint;
        fee: bigint;
        turnover: bigint;
      }>(
        `select date_trunc('day', at) as day, balance_currency as currency, count(*) as rows,
           count(*) filter (where reference is not null) as transactions,
           sum(case when reference is null and type in ('stripe_fee', 'network_cost') then fee - balance_amount else fee end)::bigint as fee,
           coalesce(sum(abs(balance_amount)) filter (where reference is not null), 0)::bigint as turnover
         from reconcile_row where run_id = $1 group by 1, 2 order by 1, 2`,
        [runId],
      );
      const fees = rows.map(
        (row): FeesOfDay => ({
          dayMs: ms(row.day),
          currency: row.currency,
          feeMinor: row.fee,
          turnoverMinor: row.turnover,
          transactions: Number(row.transactions),
        }),
      );
      return { rows: rows.reduce((sum, row) => sum + Number(row.rows), 0), fees };
    },
    finish: (run, report, fees, nowMs) =>
      inTransaction(pool, async (client) => {
        for (const { dayMs, currency, feeMinor, turnoverMinor, transactions } of fees) {
          await client.query(
            `insert into stripe_fee_day (day, currency, fee, turnover, transactions, updated_at) values ($1, $2, $3, $4, $5, $6)
             on conflict (day, currency) do update set fee = excluded.fee, turnover = excluded.turnover,
               transactions = excluded.transactions, updated_at = excluded.updated_at`,
            [at(dayMs), currency, feeMinor, turnoverMinor, transactions, at(nowMs)],
          );
        }
        await client.query('delete from reconcile_row where run_id = $1', [run.runId]);
        await client.query('delete from reconcile_slice where run_id = $1', [run.runId]);
        await client.query(
          `update reconcile_run set status = 'done', finished_at = $2, report = $3 where run_id = $1`,
          [run.runId, at(nowMs), JSON.stringify(report)],
        );
      }),
  };
}

async function begin(
  pool: pg.Pool,
  { fromMs, toMs, isDry }: Pick<Run, 'fromMs' | 'toMs' | 'isDry'>,
  slices: number,
  nowMs: number,
): Promise<Run> {
  return inTransaction(pool, async (client) => {
    const open = await client.query<{ run_id: string; started_at: Date }>(
      `select run_id, started_at from reconcile_run r
       where status = 'running' and from_at = $1 and to_at = $2 and is_dry = $3 and started_at > $4
         and exists (select from reconcile_slice s where s.run_id = r.run_id)
       order by started_at desc limit 1`,
      [at(fromMs), at(toMs), isDry, at(nowMs - RESUMED_MS)],
    );
    const known = open.rows[0];
    if (known !== undefined) {
      return { runId: known.run_id, fromMs, toMs, isDry, startedAtMs: ms(known.started_at), isResumed: true };
    }
    // What others left behind is of no use to anybody: only one run is under way at a time.
    await client.query('delete from reconcile_row');
    await client.query('delete from reconcile_slice');
    await client.query(`delete from reconcile_run where status = 'running'`);
    const { rows } = await client.query<{ runs: bigint }>('select count(*) as runs from reconcile_run');
    const runId = derivedId('rec', [String(fromMs), String(toMs), String(nowMs), String(rows[0]?.runs ?? 0)]);
    await client.query(
      'insert into reconcile_run (run_id, from_at, to_at, is_dry, started_at) values ($1, $2, $3, $4, $5)',
      [runId, at(fromMs), at(toMs), isDry, at(nowMs)],
    );
    for (const [sliceNo, slice] of cut(fromMs, toMs, slices).entries()) {
      await client.query('insert into reconcile_slice (run_id, slice_no, from_at, to_at) values ($1, $2, $3, $4)', [
        runId,
        sliceNo,
        at(slice.fromMs),
        at(slice.toMs),
      ]);
    }
    return { runId, fromMs, toMs, isDry, startedAtMs: nowMs, isResumed: false };
  });
}

/** Parts of whole seconds, which is what Stripe counts in: no row is in two of them, and none between. */
function cut(fromMs: number, toMs: number, parts: number) {
  const step = Math.max(1_000, Math.ceil((toMs - fromMs) / parts / 1_000) * 1_000);
  const slices: { readonly fromMs: number; readonly toMs: number }[] = [];
  for (let from = fromMs; from < toMs; from += step) slices.push({ fromMs: from, toMs: Math.min(from + step, toMs) });
  return slices;
}

const KEEP_ROWS = `insert into reconcile_row (run_id, txn_id, reference, type, currency, amount, balance_currency, balance_amount,
    fee, net, payment_intent, topup_id, at)
  select $1, r.* from json_to_recordset($2::json) as r(i text, r text, y text, c text, a bigint, b text, m bigint, f bigint, n bigint,
    p text, t text, w timestamptz)
  on conflict (run_id, txn_id) do update set reference = excluded.reference, type = excluded.type, currency = excluded.currency,
    amount = excluded.amount, balance_currency = excluded.balance_currency, balance_amount = excluded.balance_amount,
    fee = excluded.fee, net = excluded.net, payment_intent = excluded.payment_intent, topup_id = excluded.topup_id, at = excluded.at
  returning (xmax = 0) as is_new`;

/** Stores rows, and returns how many were not there. */
async function keepRows(client: pg.PoolClient, runId: string, rows: readonly BalanceRow[]): Promise<number> {
  // One statement cannot change a row twice; of a row that a page brings twice the last counts.
  const distinct = [...new Map(rows.map((row) => [row.id, row])).values()];
  const texts = distinct.map((row) => ({
    i: row.id,
    r: row.reference,
    y: row.type,
    c: row.currency,
    a: row.amountMinor.toString(),
    b: row.balanceCurrency,
    m: row.balanceAmountMinor.toString(),
    f: row.feeMinor.toString(),
    n: row.netMinor.toString(),
    p: row.paymentIntent,
    t: row.topupId,
    w: at(row.atMs),
  }));
  const kept = await client.query<{ is_new: boolean }>({
    name: 'reconcile-keep',
    text: KEEP_ROWS,
    values: [runId, JSON.stringify(texts)],
  });
  return kept.rows.filter((row) => row.is_new).length;
}

interface Ends {
  readonly reference: string;
  readonly ledger: readonly LedgerMovement[];
  readonly stripe: readonly StripeMovement[];
}

async function ownersOf(pool: pg.Pool, pairs: readonly Ends[]): Promise<ReadonlyMap<string, Owner>> {
  if (pairs.length === 0) return new Map();
  const payments = pairs.flatMap(({ reference, stripe }) => [
    reference,
    ...stripe.flatMap(({ paymentIntent }) => paymentIntent ?? []),
  ]);
  const topUps = pairs.flatMap(({ stripe }) => stripe.flatMap(({ topupId }) => topupId ?? []));
  const keys = pairs.flatMap(({ ledger }) => ledger.map(({ key }) => key));
  const named = await pool.query<{ name: string; tenant: string; account: string; status: string }>(
    `select payment_intent as name, tenant_id as tenant, account_id as account, status from topup where payment_intent = any($1::text[])
     union all
     select topup_id, tenant_id, account_id, status from topup where topup_id = any($2::text[])
     union all
     select idempotency_key, result ->> 'tenant', result ->> 'account', 'paid' from admin_request where idempotency_key = any($3::text[])`,
    [payments, topUps, keys],
  );
  const byName = new Map(
    named.rows.map(({ name, tenant, account, status }): [string, Owner] => [
      name,
      { tenant, account, isInReview: status === 'in_review' },
    ]),
  );
  const owners = new Map<string, Owner>();
  for (const { reference, ledger, stripe } of pairs) {
    const names = [
      reference,
      ...stripe.flatMap(({ paymentIntent, topupId }) => [topupId, paymentIntent]),
      ...ledger.map(({ key }) => key),
    ];
    const owner = names.flatMap((name) => (name === null ? [] : (byName.get(name) ?? [])))[0];
    if (owner !== undefined) owners.set(reference, owner);
  }
  return owners;
}
