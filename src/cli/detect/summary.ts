import type { SeriesIncident } from '../../domain/series/incident-list.ts';
import type { SeriesChannelChoice } from '../../domain/series/score-series.ts';
import { anomalyScore } from '../../domain/series/series-detector.ts';
import { cleanLabel } from '../../domain/text/clean.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../domain/time.ts';
import { timeField } from '../output/json.ts';
import { table } from '../output/table.ts';
import { count, time } from '../output/words.ts';
import type { DetectedFile } from './detect-file.ts';
import type { RowCount } from './tally.ts';

/** What a summary is about besides the file. */
export interface SummaryContext {
  readonly channel: SeriesChannelChoice;
  readonly out: string | undefined;
  readonly plot: string | undefined;
}

/** Headings of the incidents. */
export const INCIDENT_HEADS = ['WHEN', 'LINE', 'OBSERVED', 'EXPECTED', 'USUAL RANGE', 'HOW RARE'] as const;

const NAME_COLUMNS_MAX = 60;

/** The summary for people. */
export function summaryText(detected: DetectedFile, context: SummaryContext): string {
  const { scorer } = detected;
  const incidents = scorer.incidents.rarest();
  const total = scorer.incidents.total();
  const lines = [headline(detected, context)];
  if (total === 0) lines.push('No incidents: no row is rarer than one in a thousand.');
  else {
    lines.push(
      total > incidents.length
        ? `${count(total, 'incident')} (rarer than one row in a thousand), the ${incidents.length} rarest:`
        : `${count(total, 'incident')} (rarer than one row in a thousand), the rarest first:`,
      table(
        INCIDENT_HEADS.map((head, index) => ({ head, cell: (cells: readonly string[]) => cells[index] ?? '' })),
        incidents.map(incidentCells),
      ),
    );
  }
  if (context.out !== undefined) lines.push(`Rows with their scores: ${cleanLabel(context.out, NAME_COLUMNS_MAX)}`);
  if (context.plot !== undefined) lines.push(`Plot: ${cleanLabel(context.plot, NAME_COLUMNS_MAX)}`);
  return lines.join('\n');
}

function headline({ name, columns, scorer }: DetectedFile, { channel }: SummaryContext): string {
  const { tally } = scorer;
  const step = scorer.stepMs();
  const span =
    tally.firstMs === undefined || tally.lastMs === undefined
      ? ''
      : `, ${time(tally.firstMs)} to ${time(tally.lastMs)}`;
  const pace = step === 0 ? '' : `, one every ${stepText(step)}`;
  const value = cleanLabel(columns.names[columns.value] ?? '', NAME_COLUMNS_MAX);
  const rows = `${count(tally.rows, 'row')} of ${cleanLabel(name, NAME_COLUMNS_MAX)}`;
  return `${rows}, column ${value}${pace}${span}. Channel: ${channel}.`;
}

/** `5 min`, `1 h`, `90 s`. */
function stepText(ms: number): string {
  for (const [unitMs, unit] of [
    [DAY_MS, 'd'],
    [HOUR_MS, 'h'],
    [MINUTE_MS, 'min'],
    [SECOND_MS, 's'],
  ] as const) {
    if (ms >= unitMs && ms % unitMs === 0) return `${ms / unitMs} ${unit}`;
  }
  return `${Number((ms / SECOND_MS).toPrecision(3))} s`;
}

/** One incident as the cells of a table. */
export function incidentCells({ line, atMs, observed, judgement }: SeriesIncident): readonly string[] {
  const { expected, lower, upper, rarity } = judgement;
  return [
    atMs === undefined ? '–' : time(atMs),
    `${line}`,
    number(observed),
    expected === null ? '–' : number(expected),
    lower === null || upper === null ? '–' : `${number(lower)} to ${number(upper)}`,
    `1 row in ${oneIn(rarity)}`,
  ];
}

/** Beyond this a tail learned from thousands of rows says no more. */
const RARITY_SHOWN_MAX = 9;

/** 10 to the rarity, with two digits. */
function oneIn(rarity: number): string {
  const rows = 10 ** Math.min(rarity, RARITY_SHOWN_MAX);
  const text = Number(rows.toPrecision(2)).toLocaleString('en-US');
  return rarity > RARITY_SHOWN_MAX ? `${text} or rarer` : text;
}

function number(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e12 || size < 1e-4)) return value.toExponential(3);
  return Number(value.toPrecision(size >= 1e5 ? 9 : 5)).toLocaleString('en-US', { maximumFractionDigits: 9 });
}

/** The summary for programs. */
export function summaryJson(detected: DetectedFile, { channel, out, plot }: SummaryContext) {
  const { columns, scorer, name } = detected;
  const { tally } = scorer;
  const step = scorer.stepMs();
  return {
    file: name,
    channel,
    timestampColumn: columns.timestamp === undefined ? null : (columns.names[columns.timestamp] ?? null),
    valueColumn: columns.names[columns.value] ?? null,
    guessed: columns.guessed,
    rows: tally.rows,
    scored: tally.scored,
    withoutValue: tally.missing.count,
    unreadableValue: tally.unreadableValue.count,
    unreadableTime: tally.unreadableTime.count,
    unevenRows: tally.uneven.count,
    formulaRows: tally.formula.count,
    repeatedTimes: tally.repeated.count,
    backwardTimes: tally.backward.count,
    stepSeconds: step === 0 ? null : step / SECOND_MS,
    from: timeField(tally.firstMs ?? null),
    to: timeField(tally.lastMs ?? null),
    incidentsTotal: scorer.incidents.total(),
    incidents: scorer.incidents.rarest().map(({ row, line, atMs, observed, judgement }) => ({
      row,
      line,
      at: timeField(atMs ?? null),
      observed,
      expected: judgement.expected,
      lower: judgement.lower,
      upper: judgement.upper,
      rarity: judgement.rarity,
      anomalyScore: anomalyScore(judgement.rarity),
    })),
    out: out ?? null,
    plot: plot ?? null,
  };
}

/** Things about the rows that their owner should know, one line each. */
export function warnings({ columns, scorer }: DetectedFile): readonly string[] {
  const { repeated, backward, missing, unreadableValue, unreadableTime, uneven, formula } = scorer.tally;
  const lines: string[] = [];
  if (repeated.count + backward.count > 0) {
    const what = [
      repeated.count === 0
        ? ''
        : `${count(repeated.count, 'row')} ${repeated.count === 1 ? 'repeats' : 'repeat'} a time`,
      backward.count === 0
        ? ''
        : `${count(backward.count, 'row')} ${backward.count === 1 ? 'goes' : 'go'} back in time`,
    ].filter((part) => part !== '');
    const first = Math.min(repeated.firstLine ?? Number.MAX_VALUE, backward.firstLine ?? Number.MAX_VALUE);
    lines.push(
      `warning: ${what.join(' and ')}, first on line ${first}; scored in the order of the file. Sort it by time if that is not meant.`,
    );
  }
  const blank = (rows: RowCount, what: string) => {
    if (rows.count === 0) return;
    lines.push(`note: ${count(rows.count, 'row')} ${what} (first on line ${rows.firstLine}).`);
  };
  blank(missing, 'without a value got no score');
  blank(unreadableValue, 'with a value that is no number got no score');
  blank(unreadableTime, 'with a time that cannot be read got no score');
  blank(formula, 'with a cell that a spreadsheet would run got an apostrophe before it; --raw leaves it');
  blank(uneven, `with another number of cells than the ${columns.hasHeader ? 'header' : 'first row'}`);
  return lines;
}

/** What was guessed, so that nobody has to guess what was guessed. */
export function guessNote({ columns, name }: DetectedFile): string | undefined {
  if (columns.guessed.length === 0) return undefined;
  const shown = (index: number) => JSON.stringify(cleanLabel(columns.names[index] ?? '', NAME_COLUMNS_MAX));
  const times =
    columns.timestamp === undefined
      ? 'no column of times, so rows count as evenly spaced and no day is learned'
      : `times from ${shown(columns.timestamp)}`;
  const options = columns.guessed.map((which) => `--${which}`).join(' and ');
  const header = columns.hasHeader ? '' : ' It has no header.';
  return `note: ${cleanLabel(name, NAME_COLUMNS_MAX)}: ${times}, values from ${shown(columns.value)} (guessed; ${options} say otherwise).${header}`;
}
