import type { CurrencyTotals, Totals } from '../../domain/reconciliation/drift.ts';
import type { Difference } from '../../domain/reconciliation/judge-pair.ts';
import type { FeesOfDay, Run } from './reconcile-port.ts';

/** What was done about a difference. */
export type Outcome =
  | 'healed'
  | 'case'
  /** Nothing has to be done. */
  | 'noted'
  | 'would_heal'
  | 'would_open_case';

export interface ReportItem extends Difference {
  readonly outcome: Outcome;
}

/** What a run found. */
export interface ReconcileReport extends Run {
  readonly finishedAtMs: number;
  /** Balance transactions of Stripe's in the window. */
  readonly stripeRows: number;
  readonly totals: Totals;
  /** What is still off after healing, by currency: nano-units, without what will settle by itself. */
  readonly left: ReadonlyMap<string, bigint>;
  readonly items: readonly ReportItem[];
  /** Differences that were on their way when the two sides were read, and are none now. */
  readonly settledMeanwhile: number;
  /** Differences beyond the number one run looks at; the next run goes on. */
  readonly unlooked: number;
  readonly fees: readonly FeesOfDay[];
}

/** The report as JSON: money as decimal texts of nano-units, times in epoch milliseconds. */
export function reportJson(report: ReconcileReport) {
  const { totals, left, items, fees, ...rest } = report;
  return {
    ...rest,
    pairs: totals.pairs,
    agreed: totals.agreed,
    foreign: totals.foreign,
    byCause: totals.byCause,
    oldestMs: totals.oldestMs,
    currencies: [...totals.byCurrency].map(([currency, sums]) => ({
      currency,
      ...textsOf(sums),
      leftNanos: (left.get(currency) ?? 0n).toString(),
    })),
    fees: fees.map(({ feeMinor, turnoverMinor, ...fee }) => ({
      ...fee,
      feeMinor: feeMinor.toString(),
      turnoverMinor: turnoverMinor.toString(),
    })),
    items: items.map(itemJson),
  };
}

function itemJson({ ledgerNanos, stripeNanos, driftNanos, owner, ...item }: ReportItem) {
  return {
    ...item,
    tenant: owner?.tenant ?? null,
    account: owner?.account ?? null,
    ledgerNanos: ledgerNanos.toString(),
    stripeNanos: stripeNanos.toString(),
    driftNanos: driftNanos.toString(),
  };
}

function textsOf({ ledgerNanos, stripeNanos, turnoverNanos, driftNanos }: CurrencyTotals) {
  return {
    ledgerNanos: ledgerNanos.toString(),
    stripeNanos: stripeNanos.toString(),
    turnoverNanos: turnoverNanos.toString(),
    driftNanos: driftNanos.toString(),
  };
}
