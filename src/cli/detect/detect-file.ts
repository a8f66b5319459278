import type { SeriesChannelChoice } from '../../domain/series/score-series.ts';
import { openInput } from '../ingest/open-input.ts';
import type { Delimiter } from './cells.ts';
import { type ColumnChoice, type Columns, chooseColumns } from './columns.ts';
import type { RowSink } from './row-sink.ts';
import { type Row, type RowBatch, readRows } from './rows.ts';
import { createRowScorer, type RowListener, type RowScorer } from './score-rows.ts';

/** Rows that are looked at before columns are guessed. */
const ROWS_TO_GUESS = 50;

/** What is to be done with a file. */
export interface DetectRequest {
  readonly file: string;
  readonly choice: Omit<ColumnChoice, 'file'>;
  readonly channel: SeriesChannelChoice;
  readonly listen: RowListener;
  /** Cells that a spreadsheet would run come back as they are. */
  readonly isRaw: boolean;
  /** Told now and then how many rows are done. */
  readonly onProgress: (rows: number) => void;
}

/** A file that has been scored to its end, or to where its reader stopped. */
export interface DetectedFile {
  /** The file's name, or `stdin`. */
  readonly name: string;
  readonly columns: Columns;
  readonly scorer: RowScorer;
}

/** Reads, scores and writes a file in one pass. Memory holds one chunk of it; reading waits for writing. */
export async function detectFile(request: DetectRequest, sink: RowSink): Promise<DetectedFile> {
  const input = await openInput(request.file);
  const batches = readRows(input)[Symbol.asyncIterator]();
  const { first, delimiter } = await firstRows(batches);
  const columns = chooseColumns(first, delimiter, { ...request.choice, file: input.name });
  const scorer = createRowScorer(columns, delimiter, request.channel, request.listen, request.isRaw);
  let isHeaderDue = columns.hasHeader;
  let rows: readonly Row[] = first;
  for (;;) {
    let text = '';
    for (const row of rows) {
      if (isHeaderDue && row.text.trim() !== '') {
        text += scorer.header(row);
        isHeaderDue = false;
      } else text += isHeaderDue ? row.text + row.end : scorer.row(row);
    }
    const isWanted = await sink.write(text);
    request.onProgress(scorer.tally.rows);
    if (!isWanted) break;
    const next = await batches.next();
    if (next.done === true) break;
    rows = next.value.rows;
  }
  await batches.return?.();
  return { name: input.name, columns, scorer };
}

/** The first rows of a file, at least as many as guessing needs. */
async function firstRows(
  batches: AsyncIterator<RowBatch, void, undefined>,
): Promise<{ readonly first: readonly Row[]; readonly delimiter: Delimiter }> {
  const first: Row[] = [];
  let delimiter: Delimiter = ',';
  while (first.length <= ROWS_TO_GUESS) {
    const next = await batches.next();
    if (next.done === true) break;
    delimiter = next.value.delimiter;
    for (const row of next.value.rows) first.push(row);
  }
  return { first, delimiter };
}
