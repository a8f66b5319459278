import { isMissingValue, parseSeriesValue } from '../../domain/series/series-value.ts';
import { cellText, type Delimiter, splitCells } from './cells.ts';

/** What stands before the text of a cell: a byte order mark, a quote, blanks. Texts are bytes as latin1. */
const LEAD = /^(?:\u00ef\u00bb\u00bf)?\s*"?/;

/** Signs that spreadsheets take for the beginning of a formula or a command, the full-width ones in UTF-8 too. */
const FORMULA = /^\s*(?:[=+\-@|%\t\r]|\u00ef\u00bc(?:\u009d|\u008b|\u008d|\u00a0))/;

/** A row with nothing in it that a spreadsheet would run. */
export interface InertRow {
  readonly text: string;
  /** Cells that got an apostrophe in front. */
  readonly changed: number;
}

/**
 * Puts an apostrophe before cells that begin like a formula (OWASP, CSV injection). Numbers, with a sign too, and the ways to
 * say that nothing is there stay as they are, and so does every other byte of the row.
 */
export function inertRow(text: string, cells: readonly string[], delimiter: Delimiter): InertRow {
  let changed = 0;
  const inert = cells.map((cell) => {
    const lead = LEAD.exec(cell)?.[0] ?? '';
    if (!FORMULA.test(cell.slice(lead.length))) return cell;
    const content = cellText(cell);
    if (parseSeriesValue(content) !== undefined || isMissingValue(content)) return cell;
    changed++;
    return `${lead}'${cell.slice(lead.length)}`;
  });
  return changed === 0 ? { text, changed } : { text: inert.join(delimiter), changed };
}

/** The same for a row that is not split yet. */
export function inertLine(text: string, delimiter: Delimiter): InertRow {
  return inertRow(text, splitCells(text, delimiter), delimiter);
}
