import type { RuleErrorCode } from './load-error-codes.ts';

/** A rule or settings file is a page or two. */
export const FILE_BYTES_MAX = 256 * 1024;

/** A list may hold thousands of accounts. */
export const LIST_BYTES_MAX = 1024 * 1024;

/** Nesting of any file we define is below ten. */
export const DEPTH_MAX = 16;

/** Eight spaces a level are plenty. */
const INDENT_MAX = DEPTH_MAX * 8;

interface TextProblem {
  readonly code: RuleErrorCode;
  readonly message: string;
  readonly fix: string;
  readonly line: number;
  readonly col: number;
  /** Parsing it would be unsafe or pointless. */
  readonly isFatal: boolean;
}

// Zero-width and direction-changing characters (Unicode TR 36, "Trojan Source") and the byte order mark.
const INVISIBLE = /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/u;
// Control characters other than tab, line feed and carriage return.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029]/u;

/** What is wrong with a file before it is parsed, or undefined. */
export function findTextProblem(text: string, bytesMax = FILE_BYTES_MAX): TextProblem | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > bytesMax) {
    const message = `${bytes} bytes; a file of this kind may have ${bytesMax}.`;
    return { code: 'RULE-SHAPE-011', message, fix: 'split it', line: 1, col: 1, isFatal: true };
  }
  const deep = findDepth(text);
  if (deep !== undefined) {
    const message = `more than ${DEPTH_MAX} levels.`;
    return { code: 'RULE-SHAPE-012', message, fix: 'flatten it', ...placeIn(text, deep), isFatal: true };
  }
  const control = CONTROL.exec(text);
  if (control !== null) {
    const message = `${codePoint(control[0])} is not text.`;
    return {
      code: 'RULE-SHAPE-014',
      message,
      fix: 'delete the character',
      ...placeIn(text, control.index),
      isFatal: true,
    };
  }
  const invisible = INVISIBLE.exec(text);
  if (invisible !== null) {
    const message = `${codePoint(invisible[0])} cannot be seen, or changes the direction of what follows.`;
    return {
      code: 'RULE-SHAPE-013',
      message,
      fix: 'delete the character',
      ...placeIn(text, invisible.index),
      isFatal: true,
    };
  }
  return undefined;
}

// The parser recurses, so the worst nesting must be refused before it runs. Brackets in quoted text are counted too;
// sixteen unclosed ones in a sentence are not worth a second tokenizer.
function findDepth(text: string): number | undefined {
  let open = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '[' || character === '{') open++;
    else if (character === ']' || character === '}') open = Math.max(0, open - 1);
    if (open > DEPTH_MAX) return index;
  }
  return findBlockDepth(text);
}

// Block nesting is a matter of line beginnings: `- - - x`, or one space more than the level around it.
function findBlockDepth(text: string): number | undefined {
  let start = 0;
  for (const line of text.split('\n')) {
    let at = 0;
    let dashes = 0;
    for (; ; at++) {
      if ((line[at] === '-' || line[at] === '?') && line[at + 1] === ' ') dashes++;
      else if (line[at] !== ' ') break;
    }
    if (dashes > DEPTH_MAX || (at > INDENT_MAX && at < line.length)) return start + at;
    start += line.length + 1;
  }
  return undefined;
}

function placeIn(text: string, index: number): { line: number; col: number } {
  const before = text.slice(0, index).split('\n');
  return { line: before.length, col: (before.at(-1)?.length ?? 0) + 1 };
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
