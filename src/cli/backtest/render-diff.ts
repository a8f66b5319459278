import { formatWindow } from '../../domain/rules/say.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { wrapText } from '../../domain/text/wrap.ts';
import type { DiffReport, EvidenceView, FlipView, FrozenView, SideView } from '../../pipeline/backtest/diff-report.ts';
import { money } from '../demo/report-values.ts';
import { table } from '../output/table.ts';
import { count } from '../output/words.ts';
import { markdownTable, markdownText } from './render-markdown.ts';
import { shareText, timeText } from './report-text.ts';

/** Accounts listed; the JSON has all. */
const ROWS_MAX = 12;

/** One figure of both sides. */
export interface DiffRow {
  readonly what: string;
  readonly a: string;
  readonly b: string;
}

/** A comparison for the terminal. */
export function renderDiff(report: DiffReport, columns: number): string {
  const wrap = (text: string) => wrapText(cleanText(text), columns).join('\n');
  const sections = [
    [diffSummary(report), ...report.warnings.map(({ code, message }) => `warning ${code}: ${message}`)]
      .map(wrap)
      .join('\n'),
    report.a.ruleset === report.b.ruleset
      ? ''
      : table(
          [
            { head: '', cell: ({ what }) => what },
            { head: 'A', align: 'right', cell: ({ a }) => a },
            { head: 'B', align: 'right', cell: ({ b }) => b },
          ],
          diffFigures(report),
        ),
    titled('Rules', ruleLines(report).join('\n')),
    titled(`Newly frozen by B (${report.newlyFrozen.length})`, frozenTable(report.newlyFrozen, report.currency)),
    titled(`Released by B (${report.released.length})`, frozenTable(report.released, report.currency)),
    ...report.flips.map((flip) => titled(flipTitle(flip), flipLines(flip, report.currency).map(wrap).join('\n'))),
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

/** A comparison as a comment on a pull request. */
export function renderDiffMarkdown(report: DiffReport): string {
  const { currency } = report;
  const frozen = (title: string, rows: readonly FrozenView[]) =>
    rows.length === 0
      ? ''
      : `<details><summary>${title} (${rows.length})</summary>\n\n${markdownTable(
          ['account', 'frozen', 'by', 'stopped →', 'honest →'],
          rows.slice(0, ROWS_MAX).map(({ account, at, rules, stopped, friction }) => {
            const honest = friction === null ? '?' : money(friction, currency);
            return [markdownText(account), timeText(at), rules.join(', '), money(stopped, currency), honest];
          }),
        )}\n\n</details>`;
  const flips = report.flips.map((flip) => {
    const lines = flipLines(flip, currency).map((line) => `- ${plain(line)}`);
    return `**${plain(flipTitle(flip))}**\n\n${lines.join('\n')}`;
  });
  const parts = [
    '### What this change of rules does',
    plain(diffSummary(report)),
    ...report.warnings.map(({ code, message }) => `> **${code}** ${plain(message)}`),
    markdownTable(
      ['', 'A →', 'B →'],
      diffFigures(report).map(({ what, a, b }) => [what, a, b]),
    ),
    ruleLines(report)
      .map((line) => `- ${line}`)
      .join('\n'),
    frozen('Newly frozen', report.newlyFrozen),
    frozen('Released', report.released),
    ...flips,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function plain(text: string): string {
  return cleanText(text).replace(/[<>`*_[\]\\@|#]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function titled(title: string, text: string): string {
  return text === '' ? '' : `${cleanText(title)}\n${text.replace(/^(?=.)/gm, '  ')}`;
}

/** One paragraph on what was compared and what came of it. */
export function diffSummary(report: DiffReport): string {
  const { a, b, accounts, days, events, harsher, milder } = report;
  const names = `A is ${a.name} (${a.ruleset.slice(0, 12)}), B is ${b.name} (${b.ruleset.slice(0, 12)}).`;
  if (a.ruleset === b.ruleset) return `${names} The rules are the same: nothing to compare.`;
  const played = `${count(events, 'event')} of ${count(accounts, 'account')} over ${Math.round(days)} days.`;
  if (report.isEmpty) return `${names} ${played} Both decide the same about every account.`;
  const changed = `B is harsher on ${count(harsher, 'account')} and milder on ${count(milder, 'account')}.`;
  return `${names} ${played} ${changed}`;
}

/** What both sides come to, figure by figure; none when they are the same. */
export function diffFigures({ a, b, currency }: DiffReport): DiffRow[] {
  if (a.ruleset === b.ruleset) return [];
  const row = (what: string, of: (side: SideView) => string): DiffRow => ({ what, a: of(a), b: of(b) });
  const isLabelled = a.score !== null;
  const rows = [
    row('alerts', ({ alerts }) => String(alerts)),
    row('alerts a day', ({ alertsPerDay }) => alertsPerDay.toFixed(2)),
    row('accounts frozen', ({ frozenAccounts }) => String(frozenAccounts)),
    row(isLabelled ? 'stolen money caught in time' : 'money above the usual in alerts', (s) =>
      money(s.caught, currency),
    ),
    row('usage stopped by freezes', ({ stopped }) => money(stopped, currency)),
  ];
  if (!isLabelled) return rows;
  return [
    ...rows,
    row('of it honest (friction)', ({ friction }) => money(friction ?? '0', currency)),
    row('precision', ({ score }) => (score === null ? '–' : shareText(score.precision))),
    row('recall', ({ score }) => (score === null ? '–' : shareText(score.recall))),
  ];
}

/** A line for every rule that one side changed or that had a part in alerts. */
export function ruleLines({ rules }: DiffReport): string[] {
  return rules.map(({ rule, change, from, to, alertsA, alertsB }) => {
    const parts = `part in ${alertsA} alerts of A and ${alertsB} of B`;
    if (change === 'added') return `${rule}: added (${to}); ${parts}`;
    if (change === 'removed') return `${rule}: removed (was ${from}); ${parts}`;
    if (change === 'none') return `${rule}: ${parts}`;
    return `${rule}: ${change} ${from} → ${to}; ${parts}`;
  });
}

function frozenTable(rows: readonly FrozenView[], currency: string): string {
  if (rows.length === 0) return '';
  const text = table(
    [
      { head: 'account', cell: ({ account }) => account },
      { head: 'first frozen', cell: ({ at }) => timeText(at) },
      { head: 'by', cell: ({ rules }) => rules.join(' and ') },
      { head: 'stopped', align: 'right', cell: ({ stopped }) => money(stopped, currency) },
      { head: 'honest', align: 'right', cell: ({ friction }) => (friction === null ? '?' : money(friction, currency)) },
    ],
    rows.slice(0, ROWS_MAX),
  );
  return rows.length > ROWS_MAX ? `${text}\nand ${rows.length - ROWS_MAX} others; --json lists all.` : text;
}

/** Who is decided differently, and how. */
export function flipTitle({ account, from, to, label }: FlipView): string {
  const known = label === null ? '' : label === 'honest' ? ', honest by the labels' : `, ${label} by the labels`;
  return `${account}: ${from} → ${to}${known}`;
}

/** What both sides saw then. */
export function flipLines({ at, evidence }: FlipView, currency: string): string[] {
  const lines = (side: string, views: readonly EvidenceView[]) => {
    if (views.length === 0) return [`${side} has nothing to say.`];
    return views.map((view) => `${side} ${evidenceText(view, currency)}`);
  };
  const [first = '', ...rest] = [...lines('A:', evidence.a), ...lines('B:', evidence.b)];
  return [`${first} (${timeText(at)})`, ...rest];
}

function evidenceText(
  { rule, mode, fires, observed, threshold, unit, windowMs, say, reason }: EvidenceView,
  currency: string,
) {
  const amount = (value: number) =>
    unit === 'nanos' ? money((value / 1e9).toFixed(9), currency) : `${Math.round(value * 100) / 100} ${unit}`;
  const name = mode === 'live' ? rule : `${rule} (${mode})`;
  if (fires) return `${name} fires. ${say}`.trimEnd();
  const seen = `${name} is quiet: ${amount(observed)} in ${formatWindow(windowMs)}`;
  return threshold === null ? `${seen}; ${reason ?? 'it cannot say'}` : `${seen}, fires from ${amount(threshold)}`;
}
