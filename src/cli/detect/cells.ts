/** What may stand between cells. */
export type Delimiter = ',' | ';' | '\t';

const DELIMITERS: readonly Delimiter[] = [',', ';', '\t'];
const QUOTE = '"';

/** The delimiter a header uses most, outside its quotes; undefined without a header, a comma for a single column. */
export function guessDelimiter(header: string | undefined): Delimiter | undefined {
  if (header === undefined || header === '') return undefined;
  // A quoted name may hold more of another delimiter than the header has of its own.
  const plain = header.replace(/"(?:[^"]|"")*"/g, '');
  let best: Delimiter = ',';
  let most = 0;
  for (const delimiter of DELIMITERS) {
    const count = plain.split(delimiter).length;
    if (count > most) {
      most = count;
      best = delimiter;
    }
  }
  return best;
}

/** The cells of a row as they stand, quotes and all. A quote means something at the beginning of a cell only. */
export function splitCells(text: string, delimiter: Delimiter): string[] {
  if (!text.includes(QUOTE)) return text.split(delimiter);
  const cells: string[] = [];
  let start = 0;
  for (;;) {
    const end = endOfCell(text, start, delimiter);
    cells.push(text.slice(start, end));
    if (end >= text.length) return cells;
    start = end + 1;
  }
}

/** What a cell says: without its quotes. */
export function cellText(cell: string): string {
  const trimmed = cell.trim();
  if (trimmed.length < 2 || !trimmed.startsWith(QUOTE) || !trimmed.endsWith(QUOTE)) return trimmed;
  return trimmed.slice(1, -1).replaceAll('""', QUOTE).trim();
}

function endOfCell(text: string, start: number, delimiter: Delimiter): number {
  let at = start;
  if (text[start] === QUOTE) {
    const close = closingQuote(text, start + 1);
    if (close === undefined) return text.length;
    at = close + 1;
  }
  const end = text.indexOf(delimiter, at);
  return end === -1 ? text.length : end;
}

/** Whether a line ends inside a quoted cell, when it began inside one or not. */
export function isOpenAtEnd(text: string, delimiter: Delimiter, isOpen: boolean): boolean {
  let at = 0;
  if (isOpen) {
    const close = closingQuote(text, 0);
    if (close === undefined) return true;
    at = text.indexOf(delimiter, close);
    if (at === -1) return false;
    at++;
  }
  for (;;) {
    if (text[at] === QUOTE) {
      const close = closingQuote(text, at + 1);
      if (close === undefined) return true;
      at = close + 1;
    }
    const end = text.indexOf(delimiter, at);
    if (end === -1) return false;
    at = end + 1;
  }
}

function closingQuote(text: string, from: number): number | undefined {
  for (let at = text.indexOf(QUOTE, from); at !== -1; at = text.indexOf(QUOTE, at + 2)) {
    if (text[at + 1] !== QUOTE) return at;
  }
  return undefined;
}
