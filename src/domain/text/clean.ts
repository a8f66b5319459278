/**
 * What must not reach a terminal, log, page or message from text that customers control: C0 and C1 controls (which
 * carry escape sequences), line and paragraph separators, bidi marks and overrides, invisible characters that make
 * two ids look alike, tag characters, and lone surrogates.
 */
const UNPRINTABLE =
  /[\p{Cc}\p{Cs}\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]|\u034f|\u17b4|\u17b5/gu;

/** More combining marks than any language stacks: they would paint over the lines above and below. */
const STACKED_MARKS = /(\p{M}{3})\p{M}+/gu;

const REPLACEMENT = '\ufffd';

/**
 * Text that stays on its own line and reads in the order it is stored. What is taken out leaves a `�` behind, because
 * an id with a hidden character in it must not look like the id without.
 */
export function cleanText(text: string): string {
  return text.replace(UNPRINTABLE, REPLACEMENT).replace(STACKED_MARKS, `$1${REPLACEMENT}`);
}

/** Clean text of at most this many columns. The middle is cut, since ids tell each other apart at their ends. */
export function cleanLabel(text: string, columnsMax: number): string {
  const characters = Array.from(cleanText(text.length > 4096 ? text.slice(0, 4096) : text));
  if (columnsOf(characters) <= columnsMax) return characters.join('');
  const tailMax = Math.floor((columnsMax - 1) / 3);
  const tail = takeColumns(characters.reverse(), tailMax).reverse().join('');
  const head = takeColumns(characters.reverse(), columnsMax - 1 - columnsOf(Array.from(tail))).join('');
  return `${head}…${tail}`;
}

/** Columns a clean text takes in a terminal: two for East Asian wide characters and emoji, none for combining marks. */
export function displayWidth(text: string): number {
  return columnsOf(text);
}

function columnsOf(characters: Iterable<string>): number {
  let columns = 0;
  for (const character of characters) columns += columnsOfOne(character);
  return columns;
}

function columnsOfOne(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (/\p{M}/u.test(character)) return 0;
  return isWide(code) ? 2 : 1;
}

// The ranges of Unicode's East Asian Width W and F, coarsely: too wide an estimate only wraps a line early.
function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

function takeColumns(characters: readonly string[], columnsMax: number): string[] {
  const taken: string[] = [];
  let columns = 0;
  for (const character of characters) {
    columns += columnsOfOne(character);
    if (columns > columnsMax) break;
    taken.push(character);
  }
  return taken;
}
