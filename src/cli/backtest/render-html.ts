import type { BacktestReport, LabelView, ScoreView } from '../../pipeline/backtest/report.ts';
import { money } from '../demo/report-values.ts';
import { mostPerDay, plotAlerts, plotCaught, plotCurve, plotMoney, plotSaved, showsBudget } from './plots.ts';
import {
  alertsText,
  historyText,
  moneyText,
  partText,
  rangeText,
  scoreText,
  scoreTitle,
  shareText,
  timeText,
} from './report-text.ts';
import { escapeText } from './svg.ts';

/** Rows of a table on the page; the JSON has all. */
const ROWS_MAX = 50;

// No script, no font, no image from anywhere: the page is one file, and nothing in it can run.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d9dee5;--paper:#fff;--card:#f6f8fa;
--watch:#e0b040;--review:#e07b39;--freeze:#c0392b;--good:#1d8348;--bad:#c0392b;--neutral:#2e6da4;--before:#8fb3d9}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa5b4;--line:#333c48;--paper:#12161c;--card:#1b212a;
--watch:#d9b24c;--review:#e58a4e;--freeze:#e35d4f;--good:#4cc38a;--bad:#e35d4f;--neutral:#6ab0f3;--before:#46688f}}
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:62rem;margin:2rem auto;padding:0 1rem;overflow-wrap:break-word}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}h3{font-size:.95rem;margin:.2rem 0}p.soft,figcaption{color:var(--soft)}
.warning{border-left:4px solid var(--watch);padding:.2rem .8rem;background:var(--card)}
.grid2{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr));gap:1rem}figure{margin:0;background:var(--card);padding:.6rem;border-radius:6px;min-width:0}
h3{overflow-wrap:anywhere}figcaption{font-size:.87rem}
table{border-collapse:collapse;width:100%;min-width:40rem;font-size:.87rem}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--line)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td,th{max-width:22rem;vertical-align:top}td.n,th.n{white-space:nowrap}.scroll{overflow-x:auto}
/* Narrower than its minimum a wide plot is scrolled: its labels would be too small to read. */
svg{width:100%;height:auto;display:block}svg.wide{min-width:50rem}.grid{stroke:var(--line);stroke-width:1}.axis{fill:var(--soft);font:13px system-ui,sans-serif}
.end{text-anchor:end}.mid{text-anchor:middle}.watch{fill:var(--watch)}.review{fill:var(--review)}.freeze{fill:var(--freeze)}
.before{fill:var(--before)}.since{fill:var(--review)}.line{fill:none;stroke-width:2}.line.good{stroke:var(--good)}.line.bad{stroke:var(--bad)}
.line.neutral{stroke:var(--neutral)}.limit,.usual{fill:none;stroke:var(--soft);stroke-width:1.5;stroke-dasharray:5 4}.usual.high{stroke-dasharray:2 4}
.mark{stroke:var(--freeze);stroke-width:1.5}.key{white-space:nowrap;margin-left:.9em}.key i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em}`;

/** A backtest as one page that needs nothing else: plots, tables, light and dark. */
export function renderHtml(report: BacktestReport): string {
  const { labels, currency } = report;
  const body = [
    '<h1>Backtest</h1>',
    `<p>${escapeText(historyText(report))} History: ${escapeText(report.history, 200)}. Ruleset ${escapeText(report.ruleset.slice(0, 12))}.</p>`,
    ...report.warnings.map(({ code, message }) => `<p class="warning"><b>${code}</b> ${escapeText(message)}</p>`),
    `<p>${escapeText(alertsText(report))} ${escapeText(moneyText(report))}</p>`,
    labels === null ? '' : scoreList(labels, currency),
    alertsPart(report),
    caughtPart(report),
    labels === null ? '' : labelPlots(report, labels),
    `<h2>Rules</h2>${ruleTable(report)}`,
    report.freezes.length === 0 ? '' : `<h2>Freezes</h2>${freezeTable(report)}`,
    labels === null ? '' : labelTables(labels, currency),
  ];
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}"><title>Backtest</title><style>${STYLE}</style></head><body>`,
    ...body.filter((part) => part !== ''),
    '</body></html>',
    '',
  ].join('\n');
}

function scoreList(labels: LabelView, currency: string): string {
  const items = [...labels.budgets, labels.decisions].map(
    (score) => `<li><b>${escapeText(scoreTitle(score))}:</b> ${escapeText(scoreText(score, currency))}</li>`,
  );
  return `<ul>${items.join('')}</ul>`;
}

function alertsPart(report: BacktestReport): string {
  const isShown = showsBudget(report.alerts, mostPerDay(report));
  const budget = `Per day${isShown ? '; dashed: the budget' : `; the budget of ${report.alerts.budgetPerDay} a day lies above the plot`}.`;
  const key = legend(['watch', 'review', 'freeze'].map((name) => [name, name]));
  return `<h2>Alerts over time</h2>${figure(plotAlerts(report), `${budget}${key}`)}`;
}

/** A plot with its caption below; what is too wide for the screen is scrolled alone. */
function figure(plot: string, caption: string): string {
  return `<figure><div class="scroll">${plot}</div><figcaption>${caption}</figcaption></figure>`;
}

function caughtPart({ caught, currency }: BacktestReport): string {
  if (caught.length === 0) return '';
  const figures = caught.map((one) => {
    const title = `<h3>${escapeText(one.account, 60)}</h3>`;
    const words = `${one.outcome}, ${timeText(one.at)}, by ${one.rules.join(' and ')}. ${one.say}`;
    return `<figure>${title}${plotCaught(one, currency)}<figcaption>${escapeText(words)}</figcaption></figure>`;
  });
  const key = legend([
    ['before', 'before the alert'],
    ['since', 'since the alert'],
  ]);
  const note = `<p class="soft">Spend per hour. Dashed: the usual; dotted: the highest usual.${key}</p>`;
  return `<h2>Caught accounts against their baselines</h2>${note}<div class="grid2">${figures.join('')}</div>`;
}

function labelPlots(report: BacktestReport, labels: LabelView): string {
  const curveKey = legend([
    ['good', 'recall'],
    ['neutral', 'precision'],
  ]);
  const moneyKey = legend([
    ['good', 'stolen usage stopped'],
    ['bad', 'honest usage stopped (friction)'],
  ]);
  const savedKey = legend([
    ['good', 'stolen usage saved'],
    ['bad', 'lost before detection'],
  ]);
  const axis = 'Against false incidents per 1,000 account-days.';
  const frozen =
    report.freezes.length === 0
      ? 'No wallet would have been frozen, so both stay at zero.'
      : 'What the ruleset\u2019s own freezes would have stopped, summed.';
  const curves = [
    figure(plotCurve(labels), `${axis}${curveKey}`),
    figure(plotSaved(labels, report.currency), `If the first alert about an attack ends it. ${axis}${savedKey}`),
  ];
  return [
    `<h2>Precision, recall and money</h2><div class="grid2">${curves.join('')}</div>`,
    `<h2>Saved and friction</h2>${figure(plotMoney(report), `${frozen}${moneyKey}`)}`,
  ].join('\n');
}

function legend(entries: readonly (readonly string[])[]): string {
  return entries
    .map(
      ([css = '', text = '']) =>
        ` <span class="key"><i style="background:var(--${css === 'since' ? 'review' : css})"></i>${escapeText(text)}</span>`,
    )
    .join('');
}

interface Column<Row> {
  readonly head: string;
  readonly isNumber?: boolean;
  readonly cell: (row: Row) => string;
}

function htmlTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const css = (column: Column<Row>) => (column.isNumber === true ? ' class="n"' : '');
  const head = columns.map((column) => `<th${css(column)}>${escapeText(column.head)}</th>`).join('');
  const body = rows.slice(0, ROWS_MAX).map((row) => {
    return `<tr>${columns.map((column) => `<td${css(column)}>${escapeText(column.cell(row), 120)}</td>`).join('')}</tr>`;
  });
  const rest =
    rows.length > ROWS_MAX ? `<p class="soft">and ${rows.length - ROWS_MAX} more; --json lists all.</p>` : '';
  return `<div class="scroll"><table><tr>${head}</tr>${body.join('')}</table></div>${rest}`;
}

function ruleTable({ rules }: BacktestReport): string {
  return htmlTable(
    [
      { head: 'rule', cell: ({ rule }) => rule },
      { head: 'what it looks for', cell: ({ title }) => title },
      { head: 'mode', cell: ({ mode }) => mode },
      { head: 'incidents', isNumber: true, cell: ({ incidents }) => String(incidents) },
      { head: 'per 1,000 account-days', isNumber: true, cell: (rule) => rule.per1000AccountDays.toFixed(2) },
      { head: 'accounts', isNumber: true, cell: ({ accounts }) => String(accounts) },
      { head: 'alerts', isNumber: true, cell: ({ alerts }) => String(alerts) },
    ],
    rules,
  );
}

function freezeTable({ freezes, currency }: BacktestReport): string {
  return htmlTable(
    [
      { head: 'account', cell: ({ account }) => account },
      { head: 'frozen', cell: ({ at }) => timeText(at) },
      { head: 'by', cell: ({ rules }) => rules.join(' and ') },
      { head: 'stopped', isNumber: true, cell: ({ stopped }) => money(stopped, currency) },
      {
        head: 'of it honest',
        isNumber: true,
        cell: ({ friction }) => (friction === null ? '?' : money(friction, currency)),
      },
    ],
    [...freezes].sort((a, b) => Number(b.stopped) - Number(a.stopped)),
  );
}

function labelTables(labels: LabelView, currency: string): string {
  const widest = labels.budgets.at(-1);
  if (widest === undefined) return '';
  const at = `at ${widest.budget} false incidents per 1,000 account-days`;
  return [
    `<h2>Families, ${at}</h2>${familyTable(widest, currency)}`,
    `<h2>Rules against labels, ${at}</h2>${scoredRules(widest, currency)}`,
    `<h2>Missed attacks</h2>${missedTable(widest, currency)}`,
    `<h2>False incidents</h2>${falseTable(widest)}`,
  ].join('\n');
}

function familyTable({ families }: ScoreView, currency: string): string {
  return htmlTable(
    [
      { head: 'family', cell: ({ family }) => family },
      { head: 'found', isNumber: true, cell: ({ recall }) => shareText(recall) },
      { head: 'plausibly', isNumber: true, cell: ({ recall }) => rangeText(recall) },
      { head: 'lost before detection', isNumber: true, cell: (row) => partText(row.lostBefore, row.loss, currency) },
    ],
    families,
  );
}

function scoredRules({ rules }: ScoreView, currency: string): string {
  return htmlTable(
    [
      { head: 'rule', cell: ({ rule }) => rule },
      { head: 'precision', isNumber: true, cell: ({ precision }) => shareText(precision) },
      { head: 'plausibly', isNumber: true, cell: ({ precision }) => rangeText(precision) },
      { head: 'recall', isNumber: true, cell: ({ recall }) => shareText(recall) },
      { head: 'first to find', isNumber: true, cell: ({ first }) => String(first) },
      { head: 'saved', isNumber: true, cell: ({ saved }) => money(saved, currency) },
    ],
    rules,
  );
}

function missedTable({ attacks }: ScoreView, currency: string): string {
  const missed = attacks.filter(({ detectedAt }) => detectedAt === null);
  if (missed.length === 0) return '<p>None.</p>';
  return htmlTable(
    [
      { head: 'attack', cell: ({ id }) => id },
      { head: 'family', cell: ({ family }) => family },
      { head: 'stolen', isNumber: true, cell: ({ loss }) => money(loss, currency) },
    ],
    [...missed].sort((a, b) => Number(b.loss) - Number(a.loss)),
  );
}

function falseTable({ falseIncidents }: ScoreView): string {
  if (falseIncidents.length === 0) return '<p>None.</p>';
  return htmlTable(
    [
      { head: 'account', cell: ({ account, source }) => account ?? `source ${source ?? '?'}` },
      { head: 'at', cell: ({ at }) => timeText(at) },
      { head: 'rule', cell: ({ rule }) => rule },
      { head: 'score', isNumber: true, cell: ({ score }) => score.toFixed(2) },
      { head: 'what it was', cell: ({ confounder }) => confounder?.replaceAll('_', ' ') ?? '–' },
    ],
    [...falseIncidents].sort((a, b) => b.score - a.score),
  );
}
