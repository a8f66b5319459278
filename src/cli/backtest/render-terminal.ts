import { cleanText } from '../../domain/text/clean.ts';
import { wrapText } from '../../domain/text/wrap.ts';
import type { BacktestReport, LabelView, ScoreView } from '../../pipeline/backtest/report.ts';
import { money } from '../demo/report-values.ts';
import { facts, table } from '../output/table.ts';
import { count } from '../output/words.ts';
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

/** Rows of a list that a person reads at once; the JSON has all. */
const ROWS_MAX = 12;

/** A backtest for the terminal. */
export function renderBacktest(report: BacktestReport, columns: number): string {
  const wrap = (text: string) => wrapText(cleanText(text), columns).join('\n');
  const sections = [
    [historyText(report), ...report.warnings.map(({ code, message }) => `warning ${code}: ${message}`)]
      .map(wrap)
      .join('\n'),
    titled('What people would have been told', `${wrap(alertsText(report))}\n${wrap(moneyText(report))}`),
    titled('Rules', ruleTable(report)),
    freezeSection(report),
    ...(report.labels === null ? [] : labelSections(report.labels, report.currency, wrap)),
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

function titled(title: string, text: string): string {
  return text === '' ? '' : `${title}\n${text.replace(/^(?=.)/gm, '  ')}`;
}

function ruleTable({ rules }: BacktestReport): string {
  return table(
    [
      { head: 'rule', cell: ({ rule }) => rule },
      { head: 'mode', cell: ({ mode }) => mode },
      { head: 'incidents', align: 'right', cell: ({ incidents }) => String(incidents) },
      { head: 'per 1,000 account-days', align: 'right', cell: (rule) => rule.per1000AccountDays.toFixed(2) },
      { head: 'accounts', align: 'right', cell: ({ accounts }) => String(accounts) },
      { head: 'alerts', align: 'right', cell: ({ alerts }) => String(alerts) },
    ],
    rules,
  );
}

function freezeSection({ freezes, currency }: BacktestReport): string {
  if (freezes.length === 0) return '';
  const rows = [...freezes].sort((a, b) => Number(b.stopped) - Number(a.stopped)).slice(0, ROWS_MAX);
  const text = table(
    [
      { head: 'account', cell: ({ account }) => account },
      { head: 'frozen', cell: ({ at }) => timeText(at) },
      { head: 'by', cell: ({ rules }) => rules.join(' and ') },
      { head: 'stopped', align: 'right', cell: ({ stopped }) => money(stopped, currency) },
      { head: 'honest', align: 'right', cell: ({ friction }) => (friction === null ? '?' : money(friction, currency)) },
    ],
    rows,
  );
  return titled('Freezes', `${text}${more(freezes.length)}`);
}

function labelSections(labels: LabelView, currency: string, wrap: (text: string) => string): string[] {
  const [strict] = labels.budgets;
  const widest = labels.budgets.at(-1);
  const scores = [...labels.budgets, labels.decisions].map((score) =>
    titled(scoreTitle(score), wrap(capital(scoreText(score, currency)))),
  );
  if (strict === undefined || widest === undefined) return scores;
  return [
    ...scores,
    titled(
      `By family, at ${strict.budget} and ${widest.budget} false incidents`,
      familyTable(strict, widest, currency),
    ),
    titled(`By rule, at ${widest.budget} false incidents`, scoredRules(widest, currency)),
    titled(`Missed at ${widest.budget} false incidents`, missedList(widest, currency)),
    titled(`False incidents at a budget of ${widest.budget}`, falseList(widest)),
  ];
}

function familyTable(strict: ScoreView, wide: ScoreView, currency: string): string {
  return table(
    [
      { head: 'family', cell: ({ family }) => family },
      {
        head: `found at ${strict.budget}`,
        align: 'right',
        cell: ({ family }) => {
          const own = strict.families.find((other) => other.family === family);
          return own === undefined ? '–' : shareText(own.recall);
        },
      },
      { head: `found at ${wide.budget}`, align: 'right', cell: ({ recall }) => shareText(recall) },
      { head: 'plausibly', align: 'right', cell: ({ recall }) => rangeText(recall) },
      { head: 'lost before detection', cell: (row) => partText(row.lostBefore, row.loss, currency) },
    ],
    wide.families,
  );
}

function scoredRules({ rules }: ScoreView, currency: string): string {
  if (rules.length === 0) return 'No rule saw anything.';
  return table(
    [
      { head: 'rule', cell: ({ rule }) => rule },
      { head: 'precision', align: 'right', cell: ({ precision }) => shareText(precision) },
      { head: 'plausibly', align: 'right', cell: ({ precision }) => rangeText(precision) },
      { head: 'recall', align: 'right', cell: ({ recall }) => shareText(recall) },
      { head: 'first to find', align: 'right', cell: ({ first }) => String(first) },
      { head: 'saved', align: 'right', cell: ({ saved }) => money(saved, currency) },
    ],
    rules,
  );
}

function missedList({ attacks }: ScoreView, currency: string): string {
  const missed = attacks.filter(({ detectedAt }) => detectedAt === null);
  if (missed.length === 0) return 'None.';
  const rows = [...missed].sort((a, b) => Number(b.loss) - Number(a.loss)).slice(0, ROWS_MAX);
  const lines = rows.map(({ id, family, loss }) => [id, `${family}, ${money(loss, currency)}`] as const);
  return `${facts(lines.map(([id, text]) => [cleanText(id), cleanText(text)] as const))}${more(missed.length)}`;
}

function falseList({ falseIncidents }: ScoreView): string {
  if (falseIncidents.length === 0) return 'None.';
  const rows = [...falseIncidents].sort((a, b) => b.score - a.score).slice(0, ROWS_MAX);
  const text = table(
    [
      { head: 'account', cell: ({ account, source }) => account ?? `source ${source ?? '?'}` },
      { head: 'at', cell: ({ at }) => timeText(at) },
      { head: 'rule', cell: ({ rule }) => rule },
      { head: 'score', align: 'right', cell: ({ score }) => score.toFixed(2) },
      { head: 'what it was', cell: ({ confounder }) => confounder?.replaceAll('_', ' ') ?? '–' },
    ],
    rows,
  );
  return `${text}${more(falseIncidents.length)}`;
}

function more(total: number): string {
  return total <= ROWS_MAX ? '' : `\nand ${count(total - ROWS_MAX, 'other')}; --json lists all.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
