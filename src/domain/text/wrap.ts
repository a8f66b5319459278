import { displayWidth } from './clean.ts';

/** Lines of at most `columnsMax` columns, broken at spaces. A longer word gets a line of its own, cut to fit. */
export function wrapText(text: string, columnsMax: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((part) => cutWord(part, columnsMax))) {
    const candidate = line === '' ? word : `${line} ${word}`;
    if (line !== '' && displayWidth(candidate) > columnsMax) {
      lines.push(line);
      line = word;
    } else {
      line = candidate;
    }
  }
  if (line !== '') lines.push(line);
  return lines;
}

/**
 * Paragraphs beside a label, indented alike:
 * ```
 * At risk      $587.00 more by tonight …
 *              of which $50.00 …
 * ```
 */
export function labelled(
  label: string,
  paragraphs: readonly string[],
  layout: { indent: number; columns: number },
): string {
  const lines = paragraphs.flatMap((paragraph) => wrapText(paragraph, layout.columns - layout.indent));
  return lines.map((line, index) => (index === 0 ? label : '').padEnd(layout.indent) + line).join('\n');
}

function cutWord(word: string, columnsMax: number): string[] {
  if (displayWidth(word) <= columnsMax) return [word];
  const pieces: string[] = [];
  let piece = '';
  for (const character of word) {
    if (displayWidth(piece + character) > columnsMax) {
      pieces.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...pieces, piece];
}
