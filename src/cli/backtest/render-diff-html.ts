import type { DiffReport, FrozenView, SideView } from '../../pipeline/backtest/diff-report.ts';
import { money } from '../demo/report-values.ts';
import { figure, htmlPage, htmlTable, legend } from './html-page.ts';
import { type PairOfBars, plotPairs } from './plot-pairs.ts';
import { amountLabel } from './plots.ts';
import { diffFigures, diffSummary, flipLines, flipTitle, ruleLines } from './render-diff.ts';
import { timeText } from './report-text.ts';
import { escapeText } from './svg.ts';

/** A comparison as one page that needs nothing else. */
export function renderDiffHtml(report: DiffReport): string {
  const { currency } = report;
  const rules = ruleLines(report).map((line) => `<li>${escapeText(line)}</li>`);
  return htmlPage('Rules compared', [
    '<h1>What this change of rules does</h1>',
    `<p>${escapeText(diffSummary(report), 2_000)} History: ${escapeText(report.history, 200)}.</p>`,
    ...report.warnings.map(({ code, message }) => `<p class="warning"><b>${code}</b> ${escapeText(message)}</p>`),
    report.a.ruleset === report.b.ruleset ? '' : figuresPart(report),
    rules.length === 0 ? '' : `<h2>Rules</h2><ul>${rules.join('')}</ul>`,
    frozenPart('Newly frozen by B', report.newlyFrozen, currency),
    frozenPart('Released by B', report.released, currency),
    ...report.flips.map((flip) => {
      const lines = flipLines(flip, currency).map((line) => `<li>${escapeText(line, 1_000)}</li>`);
      return `<h2>${escapeText(flipTitle(flip))}</h2><ul>${lines.join('')}</ul>`;
    }),
  ]);
}

function figuresPart(report: DiffReport): string {
  const { a, b, currency } = report;
  const key = legend([
    ['before', 'A'],
    ['neutral', 'B'],
  ]);
  const pair = (name: string, of: (side: SideView) => string | number): PairOfBars => {
    return { name, a: Number(of(a)), b: Number(of(b)) };
  };
  const isLabelled = a.score !== null;
  const amounts = [
    pair(isLabelled ? 'stolen, caught in time' : 'above the usual', ({ caught }) => caught),
    pair('stopped', ({ stopped }) => stopped),
    ...(isLabelled ? [pair('of it honest', ({ friction }) => friction ?? 0)] : []),
  ];
  const counts = [
    pair('alerts', ({ alerts }) => alerts),
    pair('accounts frozen', ({ frozenAccounts }) => frozenAccounts),
  ];
  const table = htmlTable(
    [
      { head: '', cell: ({ what }) => what },
      { head: 'A', isNumber: true, cell: (row) => row.a },
      { head: 'B', isNumber: true, cell: (row) => row.b },
    ],
    diffFigures(report),
  );
  const plots = [
    figure(
      plotPairs('Money of both sides', amounts, (value) => amountLabel(value, currency)),
      `Money.${key}`,
    ),
    figure(plotPairs('Alerts and freezes of both sides', counts, String), `Alerts and freezes.${key}`),
  ];
  return `<h2>Both sides</h2><div class="grid2">${plots.join('')}</div>${table}`;
}

function frozenPart(title: string, rows: readonly FrozenView[], currency: string): string {
  if (rows.length === 0) return '';
  const table = htmlTable(
    [
      { head: 'account', cell: ({ account }) => account },
      { head: 'first frozen', cell: ({ at }) => timeText(at) },
      { head: 'by', cell: ({ rules }) => rules.join(' and ') },
      { head: 'stopped', isNumber: true, cell: ({ stopped }) => money(stopped, currency) },
      {
        head: 'of it honest',
        isNumber: true,
        cell: ({ friction }) => (friction === null ? '?' : money(friction, currency)),
      },
    ],
    rows,
  );
  return `<h2>${title} (${rows.length})</h2>${table}`;
}
