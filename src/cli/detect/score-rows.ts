import { createIncidentList, type IncidentList, type SeriesIncident } from '../../domain/series/incident-list.ts';
import {
  createScorer,
  type ScoredRow,
  type SeriesChannelChoice,
  type SeriesScorer,
} from '../../domain/series/score-series.ts';
import { parseSeriesTime } from '../../domain/series/series-time.ts';
import { isMissingValue, parseSeriesValue } from '../../domain/series/series-value.ts';
import { cellText, type Delimiter, splitCells } from './cells.ts';
import { ADDED_COLUMNS, CHANNEL_COLUMNS, type Columns } from './columns.ts';
import { inertLine, inertRow } from './inert-cells.ts';
import type { Row } from './rows.ts';
import { countRow, type DetectTally, startTally } from './tally.ts';

/** Incidents that a summary keeps. */
const INCIDENTS_KEPT_MAX = 20;

/** What a plot is told of every row that has a score. */
export type RowListener = (row: SeriesIncident, score: number) => void;

/** The rows of one file on their way through: what is written back, and what is counted. */
export interface RowScorer {
  /** The header with the added names; empty when the file has none. */
  readonly header: (row: Row) => string;
  /** The row as it stood, with the added cells. */
  readonly row: (row: Row) => string;
  readonly tally: DetectTally;
  readonly incidents: IncidentList;
  readonly stepMs: () => number;
}

/**
 * Scores rows as they come. Cells that were there are handed back byte for byte, unless a spreadsheet would run one and `isRaw` is not
 * asked for. What has no score gets empty cells.
 */
export function createRowScorer(
  columns: Columns,
  delimiter: Delimiter,
  channel: SeriesChannelChoice,
  listen: RowListener,
  isRaw: boolean,
): RowScorer {
  const scorer = createScorer(channel);
  const tally = startTally();
  const incidents = createIncidentList(INCIDENTS_KEPT_MAX);
  const added: readonly string[] = channel === 'both' ? [...ADDED_COLUMNS, ...CHANNEL_COLUMNS] : ADDED_COLUMNS;
  const blank = delimiter.repeat(added.length);
  const width = columns.names.length;

  const judge = (row: Row): string => {
    if (row.text.trim() === '' && width > 1) return row.text + row.end;
    tally.rows++;
    const cells = splitCells(row.text, delimiter);
    if (cells.length !== width) countRow(tally.uneven, row.line);
    // A row that is too short is filled up, so that the added cells stand under their names.
    const inert = isRaw ? { text: row.text, changed: 0 } : inertRow(row.text, cells, delimiter);
    if (inert.changed > 0) countRow(tally.formula, row.line);
    const text = cells.length < width ? inert.text + delimiter.repeat(width - cells.length) : inert.text;
    const read = readRow(cells, columns, tally, row.line);
    if (read === undefined) return text + blank + row.end;
    noteTime(tally, read.atMs, row.line);
    const scored = scorer.next(read);
    tally.scored++;
    const { judgement, score } = scored;
    const told = { row: tally.rows - 1, line: row.line, atMs: read.atMs, observed: read.value, judgement };
    incidents.add(told);
    listen(told, score);
    return text + delimiter + addedCells(scored, delimiter) + row.end;
  };
  return {
    header: (row) =>
      (isRaw ? row.text : inertLine(row.text, delimiter).text) +
      delimiter +
      added.join(delimiter) +
      (row.end === '' ? '\n' : row.end),
    row: judge,
    tally,
    incidents,
    stepMs: stepOf(scorer),
  };
}

function stepOf(scorer: SeriesScorer): () => number {
  return () => scorer.stepMs();
}

function readRow(cells: readonly string[], columns: Columns, tally: DetectTally, line: number) {
  const text = cellText(cells[columns.value] ?? '');
  const value = parseSeriesValue(text);
  if (value === undefined) {
    countRow(isMissingValue(text) ? tally.missing : tally.unreadableValue, line);
    return undefined;
  }
  if (columns.timestamp === undefined) return { value, atMs: undefined };
  const atMs = parseSeriesTime(cellText(cells[columns.timestamp] ?? ''));
  if (atMs === undefined) {
    countRow(tally.unreadableTime, line);
    return undefined;
  }
  return { value, atMs };
}

function noteTime(tally: DetectTally, atMs: number | undefined, line: number): void {
  if (atMs === undefined) return;
  const { lastMs } = tally;
  if (lastMs !== undefined && atMs === lastMs) countRow(tally.repeated, line);
  if (lastMs !== undefined && atMs < lastMs) countRow(tally.backward, line);
  tally.firstMs ??= atMs;
  tally.lastMs = Math.max(lastMs ?? atMs, atMs);
}

const SCORE_DIGITS = 12;
const VALUE_DIGITS = 9;

function addedCells({ judgement, score, channels }: ScoredRow, delimiter: Delimiter): string {
  const { expected, lower, upper } = judgement;
  let text = score.toPrecision(SCORE_DIGITS);
  for (const value of [expected, lower, upper]) text += delimiter + (value === null ? '' : shortNumber(value));
  for (const own of channels) text += delimiter + own.toPrecision(SCORE_DIGITS);
  return text;
}

function shortNumber(value: number): string {
  return `${Number(value.toPrecision(VALUE_DIGITS))}`;
}
