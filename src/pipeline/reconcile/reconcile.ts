import { formatExactMoney } from '../../domain/money/nanos.ts';
import type { Tally } from '../../domain/reconciliation/drift.ts';
import type { Difference, Judging } from '../../domain/reconciliation/judge-pair.ts';
import { DAY_MS, MINUTE_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { MoneyStore } from '../stripe/money-store.ts';
import { compare, count, type Found, lookAgainAt } from './compare.ts';
import { readStripe } from './read-stripe.ts';
import type { FeesOfDay, ReconcileStore, Run, StripeBalance } from './reconcile-port.ts';
import { type Outcome, type ReconcileReport, type ReportItem, reportJson } from './report.ts';

/** A webhook may take so long before its absence is a difference. */
const GRACE_MS = 15 * MINUTE_MS;
/** Posted later than this after Stripe moved the money is late. */
const LATE_MS = DAY_MS;
/** Differences looked at in one run: each asks Stripe a few times. */
const DIFFERENCES_MAX = 2_000;
/** Parts of the window that are read on their own. */
const SLICES = 8;

export interface ReconcileParts {
  readonly balance: StripeBalance;
  readonly store: ReconcileStore;
  readonly money: Pick<MoneyStore, 'alone' | 'openCase'>;
  /** The door that webhooks go through: fetches a payment and posts what is not posted. */
  readonly settle: (paymentIntent: string) => Promise<unknown>;
  readonly now: () => number;
}

export interface ReconcileRequest {
  readonly fromMs: number;
  readonly toMs: number;
  /** Compares and reports; heals nothing and opens no case. */
  readonly dryRun: boolean;
  readonly differencesMax?: number;
}

/**
 * Compares Stripe's balance with the cash in the ledger over a window, heals what is safe and opens cases for the rest. One
 * run at a time; run again, it finds what is healed healed and the cases open, and changes nothing.
 */
export function reconcile(parts: ReconcileParts, request: ReconcileRequest): Promise<ReconcileReport> {
  return parts.money.alone('reconcile', async () => {
    const { fromMs, toMs, dryRun: isDry, differencesMax = DIFFERENCES_MAX } = request;
    const { store, now } = parts;
    const run = await store.begin({ fromMs, toMs, isDry }, SLICES, now());
    await readStripe(parts, run);
    const judging: Judging = { nowMs: now(), graceMs: GRACE_MS, lateMs: LATE_MS };
    const { tally, found, unlooked } = await compare(store, run, { judging, differencesMax });
    const { standing, settledMeanwhile } = await confirm(parts, found, { run, judging, tally });
    const items = await act(parts, standing, { run, judging });
    for (const item of items) tally.differ(item);
    const { rows, fees } = await store.counts(run.runId);
    const report: ReconcileReport = {
      ...run,
      finishedAtMs: now(),
      stripeRows: rows,
      totals: tally.totals(),
      left: leftOf(items),
      items,
      settledMeanwhile,
      unlooked,
      fees,
    };
    await store.finish(run, { ...reportJson(report), items: undefined }, wholeDays(fees, run), now());
    return report;
  });
}

/** Looks at every difference again; what is none any more is counted as agreed. */
async function confirm(
  parts: ReconcileParts,
  found: readonly Found[],
  { run, judging, tally }: { readonly run: Run; readonly judging: Judging; readonly tally: Tally },
) {
  const standing: Found[] = [];
  let settledMeanwhile = 0;
  for (const one of found) {
    const { pair, verdict } = await lookAgainAt(parts, one, { run, judging });
    if (verdict.is === 'differs') {
      standing.push({ pair, difference: verdict.difference });
      continue;
    }
    count(tally, pair, verdict);
    if (verdict.is === 'agrees') settledMeanwhile++;
  }
  return { standing, settledMeanwhile };
}

async function act(
  parts: ReconcileParts,
  standing: readonly Found[],
  looking: { readonly run: Run; readonly judging: Judging },
): Promise<readonly ReportItem[]> {
  const { isDry } = looking.run;
  const refusals = isDry ? new Map<string, string>() : await heal(parts, standing);
  const items: ReportItem[] = [];
  for (const one of standing) {
    const { difference } = one;
    if (isDry) items.push({ ...difference, outcome: intentFor(difference) });
    else items.push(await settleOne(parts, one, { ...looking, refusals }));
  }
  return items;
}

/** Posts what webhooks should have posted, once for each payment; returns why some could not be. */
async function heal(parts: ReconcileParts, standing: readonly Found[]): Promise<ReadonlyMap<string, string>> {
  const refusals = new Map<string, string>();
  const payments = new Set(
    standing.flatMap(({ difference }) => (canHeal(difference) ? [difference.paymentIntent] : [])),
  );
  for (const payment of payments) {
    if (payment === null) continue;
    try {
      await parts.settle(payment);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      refusals.set(payment, error.message);
    }
  }
  return refusals;
}

async function settleOne(
  parts: ReconcileParts,
  found: Found,
  {
    run,
    judging,
    refusals,
  }: { readonly run: Run; readonly judging: Judging; readonly refusals: ReadonlyMap<string, string> },
): Promise<ReportItem> {
  const { difference } = found;
  if (difference.cause === 'timing') return { ...difference, outcome: 'noted' };
  if (canHeal(difference)) {
    const { verdict } = await lookAgainAt(parts, found, { run, judging });
    // Healed late is late, and healed all the same.
    if (verdict.is !== 'differs' || verdict.difference.cause === 'timing') {
      return {
        ...difference,
        outcome: 'healed',
        because: `${difference.because} Posted by reconciliation ${run.runId}.`,
      };
    }
  }
  const refusal = difference.paymentIntent === null ? undefined : refusals.get(difference.paymentIntent);
  const because = refusal === undefined ? difference.because : `${difference.because} ${refusal}`;
  await openCase(parts, { ...difference, because });
  return { ...difference, because, outcome: 'case' };
}

function canHeal({ cause, paymentIntent }: Difference): boolean {
  return cause === 'webhook_lost' && paymentIntent !== null;
}

function intentFor(difference: Difference): Outcome {
  if (difference.cause === 'timing') return 'noted';
  return canHeal(difference) ? 'would_heal' : 'would_open_case';
}

async function openCase(
  { money, now }: ReconcileParts,
  { cause, reference, currency, ledgerNanos, stripeNanos, owner, because }: Difference,
): Promise<void> {
  const ledger = formatExactMoney(ledgerNanos, currency);
  const stripe = formatExactMoney(stripeNanos, currency);
  await money.openCase(
    {
      kind: `reconcile_${cause}`,
      subject: reference,
      title: `${reference}: the ledger has ${ledger}, Stripe has ${stripe}. ${because}`.slice(0, 400),
      tenant: owner?.tenant ?? null,
      account: owner?.account ?? null,
      detail: { cause, currency, ledgerNanos: ledgerNanos.toString(), stripeNanos: stripeNanos.toString() },
    },
    now(),
  );
}

function leftOf(items: readonly ReportItem[]): ReadonlyMap<string, bigint> {
  const left = new Map<string, bigint>();
  for (const { currency, driftNanos, outcome } of items) {
    if (outcome === 'healed' || outcome === 'noted') continue;
    const size = driftNanos < 0n ? -driftNanos : driftNanos;
    left.set(currency, (left.get(currency) ?? 0n) + size);
  }
  return left;
}

/** Days that lie wholly in the window: of the others only a part was read. */
function wholeDays(fees: readonly FeesOfDay[], { fromMs, toMs, isDry }: Run): readonly FeesOfDay[] {
  return isDry ? [] : fees.filter(({ dayMs }) => dayMs >= fromMs && dayMs + DAY_MS <= toMs);
}
