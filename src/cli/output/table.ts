import { cleanLabel, displayWidth } from '../../domain/text/clean.ts';

/** One column: its heading, which side it leans to, and how wide text may get. */
export interface Column<Row> {
  readonly head: string;
  readonly align?: 'right';
  readonly columnsMax?: number;
  readonly cell: (row: Row) => string;
}

const COLUMNS_MAX = 48;

/** Rows under headings, aligned by what a terminal shows. Cells are cleaned: ids and names are the customers' choice. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) =>
    columns.map(({ cell, columnsMax = COLUMNS_MAX }) => cleanLabel(cell(row), columnsMax)),
  );
  const heads = columns.map(({ head }) => head);
  const widths = columns.map((_, index) =>
    Math.max(...[heads, ...cells].map((line) => displayWidth(line[index] ?? ''))),
  );
  const lines = [heads, ...cells].map((line) =>
    columns
      .map(({ align }, index) => {
        const text = line[index] ?? '';
        const space = ' '.repeat((widths[index] ?? 0) - displayWidth(text));
        return align === 'right' ? space + text : text + space;
      })
      .join('  ')
      .trimEnd(),
  );
  return lines.join('\n');
}

/** Names beside values, one a line, the values aligned. Values are shown as they are given: clean them first. */
export function facts(pairs: readonly (readonly [name: string, value: string | undefined])[]): string {
  const shown = pairs.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...shown.map(([name]) => displayWidth(name)));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
