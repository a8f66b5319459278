import { cleanLabel } from '../../domain/text/clean.ts';
import type { BacktestReport, LabelView, ScoreView } from '../../pipeline/backtest/report.ts';
import { money } from '../demo/report-values.ts';
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

/** Rows of a table in a comment; longer lists belong into the HTML report or the JSON. */
const ROWS_MAX = 10;

/** Text that customers chose, as one harmless cell of a Markdown table or line. */
export function markdownText(text: string): string {
  const label = cleanLabel(text, 60);
  // Entities keep every renderer from reading it as markup; a backslash would not survive inside tables of all of them.
  return label.replace(/[&<>|`*_[\]()#!~\\@:/]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A table of cells that are Markdown already. */
export function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const aligned = heads.map((head) => (head.endsWith('→') ? '--:' : '---'));
  const names = heads.map((head) => head.replace(/ ?→$/, ''));
  return [names, aligned, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A backtest as a comment on a pull request: the figures first, the tables folded away. */
export function renderMarkdown(report: BacktestReport): string {
  const { currency, labels } = report;
  const parts = [
    '### Backtest',
    `${historyText(report)} Ruleset \`${report.ruleset.slice(0, 12)}\`.`,
    ...report.warnings.map(({ code, message }) => `> **${code}** ${markdownMessage(message)}`),
    `- ${alertsText(report)}\n- ${moneyText(report)}${labels === null ? '' : scoreLines(labels, currency)}`,
    details('Rules', ruleTable(report)),
    ...(labels === null ? [] : labelParts(labels, currency)),
    report.freezes.length === 0 ? '' : details(`Freezes (${report.freezes.length})`, freezeTable(report)),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

// A message of ours with names of others in it: no tables or code in it, only what could become markup.
function markdownMessage(text: string): string {
  return cleanLabel(text, 400).replace(/[<>`*_[\]\\@]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function details(title: string, body: string): string {
  return `<details><summary>${title}</summary>\n\n${body}\n\n</details>`;
}

function scoreLines(labels: LabelView, currency: string): string {
  return [...labels.budgets, labels.decisions]
    .map((score) => `\n- ${scoreTitle(score)}: ${scoreText(score, currency)}`)
    .join('');
}

function ruleTable({ rules }: BacktestReport): string {
  const heads = ['rule', 'mode', 'incidents →', 'per 1,000 account-days →', 'accounts →', 'alerts →'];
  const rows = rules.map(({ rule, mode, incidents, per1000AccountDays, accounts, alerts }) => {
    return [rule, mode, String(incidents), per1000AccountDays.toFixed(2), String(accounts), String(alerts)];
  });
  return markdownTable(heads, rows);
}

function freezeTable({ freezes, currency }: BacktestReport): string {
  const rows = [...freezes].sort((a, b) => Number(b.stopped) - Number(a.stopped)).slice(0, ROWS_MAX);
  return markdownTable(
    ['account', 'frozen', 'by', 'stopped →', 'honest →'],
    rows.map(({ account, at, rules, stopped, friction }) => [
      markdownText(account),
      timeText(at),
      rules.join(', '),
      money(stopped, currency),
      friction === null ? '?' : money(friction, currency),
    ]),
  );
}

function labelParts(labels: LabelView, currency: string): string[] {
  const widest = labels.budgets.at(-1);
  if (widest === undefined) return [];
  return [
    details('Families', familyTable(widest, currency)),
    details('Precision and recall of every rule', scoredRules(widest, currency)),
    details(
      `Missed attacks and false incidents at ${widest.budget}`,
      `${missed(widest, currency)}\n\n${falses(widest)}`,
    ),
  ];
}

function familyTable({ families }: ScoreView, currency: string): string {
  return markdownTable(
    ['family', 'found →', 'plausibly →', 'lost before detection →'],
    families.map(({ family, recall, lostBefore, loss }) => {
      return [markdownText(family), shareText(recall), rangeText(recall), partText(lostBefore, loss, currency)];
    }),
  );
}

function scoredRules({ rules }: ScoreView, currency: string): string {
  return markdownTable(
    ['rule', 'precision →', 'plausibly →', 'recall →', 'first →', 'saved →'],
    rules.map(({ rule, precision, recall, first, saved }) => {
      return [
        rule,
        shareText(precision),
        rangeText(precision),
        shareText(recall),
        String(first),
        money(saved, currency),
      ];
    }),
  );
}

function missed({ attacks }: ScoreView, currency: string): string {
  const rows = attacks.filter(({ detectedAt }) => detectedAt === null).sort((a, b) => Number(b.loss) - Number(a.loss));
  if (rows.length === 0) return 'No attack was missed.';
  return markdownTable(
    ['missed', 'family', 'stolen →'],
    rows
      .slice(0, ROWS_MAX)
      .map(({ id, family, loss }) => [markdownText(id), markdownText(family), money(loss, currency)]),
  );
}

function falses({ falseIncidents }: ScoreView): string {
  if (falseIncidents.length === 0) return 'No false incident.';
  const rows = [...falseIncidents].sort((a, b) => b.score - a.score).slice(0, ROWS_MAX);
  return markdownTable(
    ['false incident', 'at', 'rule', 'score →', 'what it was'],
    rows.map(({ account, source, at, rule, score, confounder }) => [
      markdownText(account ?? `source ${source ?? '?'}`),
      timeText(at),
      rule,
      score.toFixed(2),
      confounder === null ? '–' : markdownText(confounder.replaceAll('_', ' ')),
    ]),
  );
}
