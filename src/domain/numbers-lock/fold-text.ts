import { englishRun, type Language, numberWord } from './number-words.ts';

/** Text as it is compared, and the tricks that were found while folding it. */
export interface FoldedText {
  readonly text: string;
  readonly tricks: readonly { readonly what: TextTrick; readonly found: string }[];
}

/** Ways in which a text can show something else than it holds. */
export type TextTrick =
  | 'hidden_character'
  | 'odd_number'
  | 'other_script'
  | 'mixed_digits'
  | 'encoded'
  | 'foreign_number';

// Controls, marks of direction, zero-width characters, fillers, tags, variation selectors, blanks that are not spaces.
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Me}\p{Variation_Selector}\u115f\u1160\u2028\u2029\u2800\u3164\uffa0]|\u034f|\u17b4|\u17b5/gu;
const ODD_NUMBER = /[\p{No}\p{Nl}]/gu;
const ENCODED = /&#?\w{1,12};|\\u\{?[0-9a-f]{2,6}|\\x[0-9a-f]{2}|(?:%[0-9a-f]{2}){2,}|=[0-9A-F]{2}=/giu;
// Letters of English and German, with what names in Latin script commonly have.
const FOREIGN_LETTER = /(?![A-Za-z\u00c0-\u017f])\p{L}/u;

/**
 * One way of writing for each thing: plain digits, plain spaces and dashes, number words as digits. What the text hides or
 * encodes is told as a trick and taken out, so that it neither joins nor parts figures unseen.
 */
export function foldText(input: string, language: Language): FoldedText {
  const tricks: { what: TextTrick; found: string }[] = [];
  const tell = (what: TextTrick, found: string) => tricks.push({ what, found });
  // A line break inside a paragraph is a space: mail is wrapped anywhere, also inside a figure.
  const lines = input
    .replaceAll('\r\n', '\n')
    .split(/\n[ \t]*\n\s*/)
    .map((paragraph) => paragraph.replace(/[\n\t]/g, ' '))
    .join(' \n ');
  for (const [found] of lines.replaceAll('\n', ' ').matchAll(HIDDEN)) tell('hidden_character', codeOf(found));
  let text = lines.replace(HIDDEN, (found) => (found === '\n' ? found : ''));
  for (const [found] of text.matchAll(ODD_NUMBER)) tell('odd_number', found);
  for (const [found] of text.matchAll(ENCODED)) tell('encoded', found);
  text = text.normalize('NFKC');
  for (const [found] of text.matchAll(/\p{M}+/gu)) tell('hidden_character', codeOf(found));
  for (const [word] of text.matchAll(/[\p{L}\p{N}]+/gu)) if (FOREIGN_LETTER.test(word)) tell('other_script', word);
  for (const [run] of text.matchAll(/\p{Nd}+/gu))
    if (new Set(Array.from(run, zeroOf)).size > 1) tell('mixed_digits', run);
  text = text
    .replace(/\p{Nd}/gu, (digit) => String((digit.codePointAt(0) ?? 0) - zeroOf(digit)))
    .replace(/(?<=\d)[٫](?=\d)/g, language === 'de' ? ',' : '.')
    .replace(/(?<=\d)[٬](?=\d)/g, language === 'de' ? '.' : ',')
    .replace(/[\u2010-\u2012\u2212\uff0d\ufe63]/g, '-')
    .replace(/[\u2013-\u2015]/g, '–')
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .replace(/[^\S\n]+/g, ' ');
  return { text: wordsAsDigits(text, language, (word) => tell('foreign_number', word)), tricks };
}

/** Digits of every script come in runs of ten from zero. */
function zeroOf(digit: string): number {
  const code = digit.codePointAt(0) ?? 0;
  for (let zero = code; ; zero -= 1) {
    if (code - zero >= 10 || !/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) return zero;
  }
}

/** Characters before a word that decide what it means. */
const LOOK_BACK = 24;
const NOT_COUNTED_AFTER = /(?:\b(?:no|any|every|each|some|this|that|which)[ -])$/i;
const UNITS =
  '(?:second|minute|hour|day|week|month|year|sekunde|minute|stunde|tag|woche|monat|jahr|euro|dollar|pound|cent|percent|per cent|prozent)';
const ONE_UNIT = new RegExp(`^ ${UNITS}\\b`, 'i');

function wordsAsDigits(text: string, language: Language, tellForeign: (word: string) => void): string {
  const run = /\p{L}+(?:[ -]+(?:and |und )?\p{L}+)*/gu;
  return text.replace(run, (phrase, at: number) => {
    const parts = phrase.split(/([ -]+)/);
    const out: string[] = [];
    for (let index = 0; index < parts.length; ) {
      const before = (text.slice(Math.max(0, at - LOOK_BACK), at) + out.join('')).slice(-LOOK_BACK);
      const [taken, said] = readRun(parts, index, { language, before, tellForeign });
      out.push(said);
      index += taken;
    }
    return out.join('');
  });
}

interface Surroundings {
  readonly language: Language;
  readonly before: string;
  readonly tellForeign: (word: string) => void;
}

/** How many parts from `start` make one number, and what stands for them. */
function readRun(parts: readonly string[], start: number, around: Surroundings): readonly [number, string] {
  const { language, before, tellForeign } = around;
  const word = (parts[start] ?? '').toLowerCase();
  const rest = parts.slice(start + 1).join('');
  const unchanged = [1, parts[start] ?? ''] as const;
  if (word === 'a' || word === 'an' || /^eine?[nmrs]?$/.test(word)) {
    // `$5 a day` is a rate; `a day` alone is one day.
    const counts = ONE_UNIT.test(rest) && !/[\d%$€£]\s*$|\b[A-Z]{3} $/.test(before);
    return counts ? [1, '1'] : unchanged;
  }
  if (word === 'one' && (NOT_COUNTED_AFTER.test(before) || /^ (?:another|of|by)\b/i.test(rest))) return unchanged;
  const first = numberWord(word, language);
  if (first === undefined) return unchanged;
  if (first.kind === 'foreign') {
    tellForeign(word);
    return unchanged;
  }
  if (first.kind === 'factor') return [1, first.text];
  if (first.kind === 'ordinal') return [1, isUnitOfTime(word, before) ? (parts[start] ?? '') : `${first.value}th`];
  const words = [{ kind: first.kind, value: first.value }];
  let taken = 1;
  for (let index = start + 2; index < parts.length; index += 2) {
    const isJoint = /^(?:and|und)$/i.test(parts[index] ?? '') && index + 2 < parts.length;
    const next = numberWord((parts[isJoint ? index + 2 : index] ?? '').toLowerCase(), language);
    if (next === undefined || (next.kind !== 'value' && next.kind !== 'scale')) break;
    // `six and seven` are two numbers; `four hundred and twelve` is one.
    const previous = words.at(-1);
    const isSmallAfterSmall =
      next.kind === 'value' && previous?.kind === 'value' && (previous.value < 20 || next.value > 9 || isJoint);
    if (isSmallAfterSmall) break;
    words.push({ kind: next.kind, value: next.value });
    if (isJoint) index += 2;
    taken = index - start + 1;
  }
  // After digits a scale multiplies them: `1.2 million`. Kept as a number of its own, it is found and refused.
  return [taken, String(englishRun(words))];
}

/** `30 seconds` and `a second` are spans, `the second` is a place. */
function isUnitOfTime(word: string, before: string): boolean {
  return word === 'second' && /(?:\d|\ba|\bper) $/.test(before);
}

function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
