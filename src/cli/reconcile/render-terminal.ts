import { minorToNanos } from '../../domain/money/minor-units.ts';
import { formatExactMoney } from '../../domain/money/nanos.ts';
import { driftBasisPoints } from '../../domain/reconciliation/drift.ts';
import type { FeesOfDay } from '../../pipeline/reconcile/reconcile-port.ts';
import type { ReconcileReport, ReportItem } from '../../pipeline/reconcile/report.ts';
import { table } from '../output/table.ts';
import { count, inWords, time } from '../output/words.ts';

/** Differences shown in a terminal; the files have all. */
const ITEMS_SHOWN = 20;

const OUTCOMES = {
  healed: 'posted now',
  case: 'case is open',
  noted: 'nothing to do',
  would_heal: 'would be posted',
  would_open_case: 'would be a case',
} as const satisfies Record<ReportItem['outcome'], string>;

/** What was done about a difference, in words. */
export function outcomeWords({ outcome }: Pick<ReportItem, 'outcome'>): string {
  return OUTCOMES[outcome];
}

/** A run's report for people. */
export function reportText(report: ReconcileReport): string {
  const lines = [...headLines(report), '', ...currencyLines(report), ...feeLines(report.fees)];
  const { items } = report;
  if (items.length === 0) return [...lines, '', 'No differences.'].join('\n');
  lines.push('', itemTable(items.slice(0, ITEMS_SHOWN)));
  if (items.length > ITEMS_SHOWN)
    lines.push(`and ${items.length - ITEMS_SHOWN} more; --csv, --json and --html have all.`);
  return [...lines, ...nextLines(report)].join('\n');
}

/** What the run looked at, and what came of it: first lines of terminal and page. */
export function headLines(report: ReconcileReport): readonly string[] {
  const { totals, fromMs, toMs, isDry, isResumed } = report;
  const healed = report.items.filter(({ outcome }) => outcome === 'healed').length;
  const cases = report.items.filter(({ outcome }) => outcome === 'case').length;
  return [
    `Stripe and the ledger, ${time(fromMs)} to ${time(toMs)}${isDry ? ' (dry run: nothing was changed)' : ''}`,
    `${count(report.stripeRows, 'balance transaction')} · ${count(totals.pairs, 'movement')} compared · ${totals.agreed.toLocaleString('en-US')} agree · ${totals.foreign.toLocaleString('en-US')} not of wallets`,
    ...(isDry || report.items.length === 0 ? [] : [`${healed} posted now · ${cases} with a case`]),
    ...(report.settledMeanwhile === 0 ? [] : [`${report.settledMeanwhile} arrived while it ran`]),
    ...(isResumed ? ['Went on where an earlier run was cut off.'] : []),
  ];
}

/** Drift as money, share and age, a line for each currency. */
export function currencyLines({ totals, left, finishedAtMs }: ReconcileReport): readonly string[] {
  return [...totals.byCurrency].map(([currency, sums]) => {
    const drift = formatExactMoney(sums.driftNanos, currency);
    const share = percent(driftBasisPoints(sums));
    const stays = formatExactMoney(left.get(currency) ?? 0n, currency);
    const sides = `ledger ${formatExactMoney(sums.ledgerNanos, currency)} · Stripe ${formatExactMoney(sums.stripeNanos, currency)}`;
    if (sums.driftNanos === 0n) return `${currency}  ${sides} · no drift`;
    const age = totals.oldestMs === null ? '' : `, oldest ${ageText(finishedAtMs - totals.oldestMs)}`;
    return `${currency}  ${sides} · drift ${drift} (${share} of what moved${age}), ${stays} of it left`;
  });
}

function feeLines(fees: readonly FeesOfDay[]): readonly string[] {
  const sums = new Map<string, { fee: bigint; transactions: number }>();
  for (const { currency, feeMinor, transactions } of fees) {
    const sum = sums.get(currency) ?? { fee: 0n, transactions: 0 };
    sums.set(currency, { fee: sum.fee + feeMinor, transactions: sum.transactions + transactions });
  }
  return [...sums].map(
    ([currency, { fee, transactions }]) =>
      `${currency}  Stripe took ${formatExactMoney(minorToNanos(fee, currency), currency)} in fees on ${count(transactions, 'movement')}`,
  );
}

function itemTable(items: readonly ReportItem[]): string {
  return table(
    [
      { head: 'CAUSE', cell: ({ cause }) => inWords(cause) },
      { head: 'ABOUT', cell: ({ reference }) => reference },
      { head: 'ACCOUNT', cell: ({ owner }) => owner?.account ?? '–' },
      { head: 'LEDGER', align: 'right', cell: (item) => formatExactMoney(item.ledgerNanos, item.currency) },
      { head: 'STRIPE', align: 'right', cell: (item) => formatExactMoney(item.stripeNanos, item.currency) },
      { head: 'SINCE', cell: ({ sinceMs }) => time(sinceMs) },
      { head: 'DONE', cell: outcomeWords },
    ],
    items,
  );
}

function nextLines({ items, unlooked, isDry }: ReconcileReport): readonly string[] {
  return [
    ...(unlooked === 0 ? [] : [`${count(unlooked, 'more difference')} left for the next run.`]),
    ...(items.some(({ outcome }) => outcome === 'case') ? ['Next: tollkeeper stripe cases'] : []),
    ...(isDry ? ['Next: the same command without --dry-run'] : []),
  ];
}

/** `1.25 %` of parts per ten thousand. */
export function percent(basisPoints: bigint): string {
  return `${basisPoints / 100n}.${(basisPoints % 100n).toString().padStart(2, '0')} %`;
}

/** `3 days`, `5 hours`, `12 minutes`. */
export function ageText(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 120) return count(minutes, 'minute');
  return minutes < 48 * 60 ? count(Math.floor(minutes / 60), 'hour') : count(Math.floor(minutes / 1_440), 'day');
}
