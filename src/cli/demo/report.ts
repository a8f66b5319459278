import { cleanLabel } from '../../domain/text/clean.ts';
import { wrapText } from '../../domain/text/wrap.ts';
import { drawChart } from './chart.ts';
import type { DemoReport } from './demo-report.ts';
import { createPaint, type Page } from './paint.ts';
import { renderAlerts } from './report-alerts.ts';
import { renderFreezes, renderNotFrozen } from './report-losses.ts';
import { count, counted, money, seconds } from './report-values.ts';
import { QUARANTINE_WORDS, REJECTION_WORDS } from './report-words.ts';

export type { DemoReport } from './demo-report.ts';

const NAME_COLUMNS = 22;
const COUNT_COLUMNS = 9;
const NOTE_INDENT = NAME_COLUMNS + COUNT_COLUMNS + 3;
const COLUMNS_MIN = 60;
const COLUMNS_MAX = 100;

/** The end of the demo, for people. Pure: the same report gives the same text. Ends with a newline. */
export function renderDemoReport(report: DemoReport, options: { color: boolean; columns: number }): string {
  const columns = Math.min(COLUMNS_MAX, Math.max(COLUMNS_MIN, Math.floor(options.columns) || 80));
  const page: Page = { columns, paint: createPaint(options.color) };
  const sections = [
    section('What came in', renderCounts(report, page), page),
    section('Alerts', renderAlerts(report, page), page),
    section('Frozen wallets', renderFreezes(report, page), page),
    section('Attacks that were not frozen', renderNotFrozen(report, page), page),
    section(chartTitle(report), renderChart(report, page), page),
    section('Proof', renderProof(report, page), page),
    section('Next', renderNext(report, page), page),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

function section(title: string, lines: readonly string[], { paint }: Page): string {
  return lines.length === 0 ? '' : `${paint.bold(title)}\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}`;
}

function renderCounts(report: DemoReport, { columns, paint }: Page): string[] {
  const { events, timings, currency } = report;
  const speed = `${seconds(timings.replayMs)} (${count(timings.eventsPerSecond)} events/s)`;
  const opening =
    `${counted(events.received, 'event')} · ${counted(report.accounts, 'account')} · ` +
    `${counted(report.days, 'day')} of usage in ${speed}; the engine started in ${seconds(timings.engineStartMs)}.` +
    (report.seed === null ? '' : ` Seed ${report.seed}.`);
  const row = (name: string, value: number, note: string) => {
    const [first = '', ...rest] = wrapText(note, columns - 2 - NOTE_INDENT);
    const start = `${name.padEnd(NAME_COLUMNS)}${count(value).padStart(COUNT_COLUMNS)}   ${first}`.trimEnd();
    return [start, ...rest.map((line) => ' '.repeat(NOTE_INDENT) + line)];
  };
  const reasons = (of: Readonly<Record<string, number | undefined>>, words: Readonly<Record<string, string>>) =>
    Object.entries(of)
      .filter(([, value]) => (value ?? 0) > 0)
      .sort(([, a], [, b]) => (b ?? 0) - (a ?? 0))
      .flatMap(([name, value]) => row(`  ${name}`, value ?? 0, words[name] ?? '').map(paint.dim));
  const unaccounted = events.received - events.posted - events.duplicate - events.quarantined - events.rejected;
  return [
    ...wrapText(opening, columns - 2),
    ...row('posted', events.posted, `${money(report.money.charged, currency)} charged`),
    ...row('duplicate', events.duplicate, 'came again unchanged, charged once'),
    ...row('quarantined', events.quarantined, `${money(report.money.quarantined, currency)} kept, not charged`),
    ...reasons(events.quarantinedBy, QUARANTINE_WORDS),
    ...row('rejected', events.rejected, 'refused with the field, the value and the fix'),
    ...reasons(events.rejectedBy, REJECTION_WORDS),
    ...(unaccounted === 0
      ? []
      : row('unaccounted', unaccounted, 'a defect in Tollkeeper; please report it').map(paint.red)),
  ];
}

function chartTitle({ chart, currency }: DemoReport): string {
  return chart === undefined ? '' : `${cleanLabel(chart.account, 40)}, ${currency} per hour`;
}

function renderChart({ chart, currency }: DemoReport, { columns, paint }: Page): string[] {
  return chart === undefined ? [] : drawChart(chart, { currency, columns: columns - 2, paint });
}

function renderProof({ proof }: DemoReport, { paint, columns }: Page): string[] {
  const width = Math.max(...proof.map(({ claim }) => claim.length), 0);
  return proof.flatMap(({ claim, holds, detail }) => {
    const mark = holds ? paint.green('✓') : paint.red('✗');
    const [first = '', ...rest] = wrapText(detail, columns - 2 - 2 - width - 2);
    return [
      `${mark} ${claim.padEnd(width)}  ${paint.dim(first)}`,
      ...rest.map((line) => `${' '.repeat(width + 4)}${paint.dim(line)}`),
    ];
  });
}

type Suggestion = readonly [command: string, what: string];

const START: Suggestion = ['npx tollkeeper start', 'run it on your own usage'];
const AFTER_STORY: readonly Suggestion[] = [
  START,
  ['npx tollkeeper demo --events usage.ndjson', 'replay a file of yours in a throwaway database'],
  ['npx tollkeeper demo --seed 8', 'the same kinds of attacks on other accounts at other times'],
  ['npx tollkeeper demo --json', 'this report for programs, with the full text of every alert'],
];
const AFTER_FILE: readonly Suggestion[] = [
  START,
  ['npx tollkeeper ingest usage.ndjson', 'post a file of yours to books that stay'],
  ['npx tollkeeper demo', 'two weeks with attacks hidden in them, and what was found and missed'],
];

function renderNext({ seed }: DemoReport, { paint, columns }: Page): string[] {
  const next = seed === null ? AFTER_FILE : AFTER_STORY;
  const width = Math.max(...next.map(([command]) => command.length)) + 3;
  return next.flatMap(([command, what]) => {
    const [first = '', ...rest] = wrapText(what, columns - 2 - width);
    const start = `${paint.cyan(command)}${' '.repeat(width - command.length)}${first}`;
    return [start, ...rest.map((line) => ' '.repeat(width) + line)];
  });
}
