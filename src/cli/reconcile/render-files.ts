import { formatDecimal, formatExactMoney } from '../../domain/money/nanos.ts';
import { formatIso } from '../../domain/time.ts';
import type { ReconcileReport, ReportItem } from '../../pipeline/reconcile/report.ts';
import { htmlPage, htmlTable } from '../backtest/html-page.ts';
import { escapeText } from '../backtest/svg.ts';
import { inWords, time } from '../output/words.ts';
import { currencyLines, headLines, outcomeWords } from './render-terminal.ts';

const COLUMNS: readonly (readonly [string, (item: ReportItem) => string])[] = [
  ['cause', ({ cause }) => cause],
  ['reference', ({ reference }) => reference],
  ['payment_intent', ({ paymentIntent }) => paymentIntent ?? ''],
  ['tenant', ({ owner }) => owner?.tenant ?? ''],
  ['account', ({ owner }) => owner?.account ?? ''],
  ['currency', ({ currency }) => currency],
  ['ledger', ({ ledgerNanos }) => formatDecimal(ledgerNanos)],
  ['stripe', ({ stripeNanos }) => formatDecimal(stripeNanos)],
  ['drift', ({ driftNanos }) => formatDecimal(driftNanos)],
  ['since', ({ sinceMs }) => formatIso(sinceMs)],
  ['outcome', ({ outcome }) => outcome],
  ['because', ({ because }) => because],
];

/** The differences, a row each. Cells that a spreadsheet would compute are made text. */
export function reportCsv({ items }: ReconcileReport): string {
  const head = COLUMNS.map(([name]) => name).join(',');
  const rows = items.map((item) => COLUMNS.map(([, cell]) => csvCell(cell(item))).join(','));
  return `${[head, ...rows].join('\r\n')}\r\n`;
}

function csvCell(text: string): string {
  const isFormula = /^[=+@\t\r]|^-(?!\d)/.test(text);
  const safe = isFormula ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The report as one page. */
export function reportHtml(report: ReconcileReport): string {
  const paragraphs = (lines: readonly string[]) => lines.map((line) => `<p>${escapeText(line)}</p>`).join('');
  const [title = '', ...rest] = headLines(report);
  return htmlPage(title, [
    `<h1>${escapeText(title)}</h1>`,
    paragraphs(rest),
    '<h2>Drift</h2>',
    paragraphs(currencyLines(report)),
    '<h2>Differences</h2>',
    report.items.length === 0 ? '<p>None.</p>' : itemTable(report.items),
    report.unlooked === 0 ? '' : `<p class="warning">${report.unlooked} more are left for the next run.</p>`,
    `<p class="soft">Run ${escapeText(report.runId)}, finished ${escapeText(time(report.finishedAtMs))}.</p>`,
  ]);
}

function itemTable(items: readonly ReportItem[]): string {
  return htmlTable(
    [
      { head: 'Cause', cell: ({ cause }) => inWords(cause) },
      { head: 'About', cell: ({ reference }) => reference },
      { head: 'Account', cell: ({ owner }) => owner?.account ?? '–' },
      { head: 'Ledger', isNumber: true, cell: (item) => formatExactMoney(item.ledgerNanos, item.currency) },
      { head: 'Stripe', isNumber: true, cell: (item) => formatExactMoney(item.stripeNanos, item.currency) },
      { head: 'Since', cell: ({ sinceMs }) => time(sinceMs) },
      { head: 'Done', cell: outcomeWords },
      { head: 'Why', cell: ({ because }) => because },
    ],
    items,
  );
}
