import type { BacktestReport, LabelView, ScoreView } from '../../pipeline/backtest/report.ts';
import { money } from '../demo/report-values.ts';
import { figure, htmlPage, htmlTable, legend } from './html-page.ts';
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
  return htmlPage('Backtest', body);
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
