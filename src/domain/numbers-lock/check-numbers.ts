import { type Figure, type FoundFigures, findFigures, TEXT_MAX } from './figures.ts';
import { foldText } from './fold-text.ts';
import type { Language } from './number-words.ts';

/** One thing that a text may say. */
export interface LockFact {
  /** As the template writes it: `$412.80`, `Thursday at 10:00 Europe/Berlin`, `Acme Robotics`. */
  readonly text: string;
  /** `name`: not ours to read as figures; digits in it belong to it. Otherwise every figure in the text counts. */
  readonly kind?: 'figure' | 'name';
  /**
   * Words that tie the figure to its meaning, lower case: one of them must begin a word of the same sentence. Without them
   * a figure may be attached to anything.
   */
  readonly near?: readonly string[];
  /** `never`: a sentence that denies (`not`, `kein`) may not hold it. `always`: only such a sentence may. */
  readonly denied?: 'never' | 'always';
}

/** What a text is held to. */
export interface LockEvidence {
  readonly language: Language;
  readonly facts: readonly LockFact[];
  /** Fixed sentences of the template: their figures and names count as facts, and nothing else may be added to them. */
  readonly prose?: readonly string[];
}

/** Why a text may not be delivered. */
export interface LockProblem {
  readonly what:
    | 'unknown_figure'
    | 'wrong_meaning'
    | 'unknown_name'
    | 'joined_figures'
    | 'too_long'
    | FoundFigures['tricks'][number]['what'];
  /** What was found, at most 80 characters. */
  readonly found: string;
}

const NAME_MARK = '¤';
// The point of `3. März` ends no sentence.
const SENTENCE_END =
  /[!?\n]|[:;](?=\s|$)|\.(?=\s|$)(?!\s+(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)\p{L}*(?!\p{L}))/gu;
const DENIES =
  /(?<!\p{L})(?:not|no|never|none|without|nothing|neither|nor|cannot|kein\p{L}*|nicht|nie|niemals|nichts|ohne|weder)(?!\p{L})|n't(?!\p{L})/iu;
const GREETING =
  /^[ \n]*(?:hi|hello|hey|dear|hallo|guten (?:tag|morgen|abend)|liebe[rs]?|sehr geehrte[rs]?)(?: (?:mr|mrs|ms|dr|herr|frau)\.?)? ([^,!\n]{1,200})/iu;
/** Capitalised words that name nobody. */
const NO_NAMES = new Set(
  "I I'm I'll I've API APIs URL ID OK PS FAQ USD EUR GBP UTC GMT CET CEST Mr Mrs Ms Dr".split(' '),
);
const GREETED_ANYBODY = /^(?:there|team|all|everyone|zusammen|leute|damen und herren)$/i;

/**
 * Holds a text to its evidence: every number, amount, percent, span, date, time, named day, currency, id, link and (in
 * English, and in any greeting) name must be a fact, in this or an equal form: `412.80`, `$412.80`, `USD 412.80`, `four
 * hundred twelve dollars`; `2 days`, `48 hours`. Rounding is a fact only when a fact is written so. Hidden characters,
 * look-alike letters, entities, odd numerals and number words of other tongues are refused wherever they stand. Returns no
 * problem for a text that may be delivered.
 *
 * Two ways to use it. For text that a model or a person has written freely, such as an edited draft, call it with one fact
 * per figure, each with the words it belongs to:
 * ```ts
 * checkNumbers(draft, {
 *   language: 'en',
 *   facts: [
 *     { text: '$50.00', near: ['top-up', 'payment'] },
 *     { text: '$6.12', near: ['balance'], denied: 'never' },
 *     { text: 'Thursday at 10:00 Europe/Berlin', near: ['try', 'retry'] },
 *     { text: 'Ana', kind: 'name' },
 *     { text: 'https://pay.example.com/t/123' },
 *   ],
 *   prose: ['Until then your service keeps running at 25 % of its usual rate.'],
 * });
 * ```
 * For a model that only changes the tone, prefer slots (`checkRewrite` in `slots.ts`): it never sees a figure and cannot
 * swap two. `problemWords` says a problem to people.
 */
export function checkNumbers(text: string, evidence: LockEvidence): readonly LockProblem[] {
  if (text.length > TEXT_MAX) return [{ what: 'too_long', found: `${text.length} characters, at most ${TEXT_MAX}` }];
  const { language } = evidence;
  const known = knownFacts(evidence);
  const named = withoutNames(text, known.names, language);
  const { text: folded, figures, tricks } = findFigures(named, language);
  const problems: LockProblem[] = tricks.map(({ what, found }) => ({ what, found: shortened(found) }));
  const zones = new Set(figures.flatMap(({ kind, detail }) => (kind === 'time' && detail !== '' ? [detail] : [])));
  for (const [index, figure] of figures.entries()) {
    const verdict = judge(figure, { known, sentence: sentenceAt(folded, figure), zones, language });
    if (verdict !== undefined) problems.push({ what: verdict, found: shortened(figure.text) });
    const next = figures[index + 1];
    if (next !== undefined && isJoined(figure, next, folded))
      problems.push({ what: 'joined_figures', found: shortened(folded.slice(figure.at, next.at + next.text.length)) });
  }
  problems.push(
    ...unknownNames(folded, known.words, language).map((found) => ({ what: 'unknown_name' as const, found })),
  );
  return problems;
}

/** A problem as a sentence. */
export function problemWords({ what, found }: LockProblem): string {
  const quoted = JSON.stringify(found);
  const words: Readonly<Record<LockProblem['what'], string>> = {
    unknown_figure: `${quoted} is not among the facts`,
    wrong_meaning: `${quoted} is a fact about something else than its sentence says`,
    unknown_name: `${quoted} is a name that is not among the facts`,
    joined_figures: `${quoted} stand together as if they were one number`,
    too_long: `the text is too long (${found})`,
    hidden_character: `it holds a hidden character (${found})`,
    odd_number: `${quoted} is a number that can be misread`,
    other_script: `${quoted} is written in letters of another script`,
    mixed_digits: `${quoted} mixes digits of several scripts`,
    encoded: `${quoted} hides a character behind a code`,
    foreign_number: `${quoted} is a number in another language`,
  };
  return words[what];
}

interface KnownFacts {
  readonly byKey: ReadonlyMap<string, readonly { readonly detail: string; readonly fact: LockFact | null }[]>;
  readonly names: readonly string[];
  /** Every word of facts and prose, for capitalised words. */
  readonly words: ReadonlySet<string>;
}

function knownFacts({ language, facts, prose = [] }: LockEvidence): KnownFacts {
  const byKey = new Map<string, { detail: string; fact: LockFact | null }[]>();
  const names = facts.filter(({ kind }) => kind === 'name').map(({ text }) => text);
  const learn = (key: string, entry: { detail: string; fact: LockFact | null }) => {
    byKey.set(key, [...(byKey.get(key) ?? []), entry]);
  };
  const read = (text: string, fact: LockFact | null) => {
    for (const { kind, key, detail } of findFigures(text, language).figures) {
      learn(key, { detail, fact });
      if (kind !== 'money') continue;
      const [, value = '', currency = ''] = key.split(':');
      learn(`currency:${currency}`, { detail: '', fact: null });
      // An amount may stand without its currency where it has cents: nothing else is written so.
      if (value.includes('.')) learn(`number:${value}`, { detail, fact });
    }
  };
  for (const fact of facts) if (fact.kind !== 'name') read(fact.text, fact);
  for (const text of prose) read(text, null);
  const words = [...facts.map(({ text }) => text), ...prose].flatMap((text) =>
    Array.from(foldText(text, language).text.matchAll(/\p{L}[\p{L}'’]*/gu), ([word]) => word),
  );
  return { byKey, names, words: new Set(words) };
}

/**
 * Takes names out of the text, so that their digits and letters are not read as ours. One that itself reads as an amount
 * or a number counts as a name only in quotes: an account called `$0.00` must not vouch for `You owe $0.00`.
 */
function withoutNames(text: string, names: readonly string[], language: Language): string {
  const sorted = [...new Set(names)].filter((name) => name.trim() !== '').sort((a, b) => b.length - a.length);
  let rest = text;
  for (const name of sorted) {
    const isPlain = findFigures(name, language).figures.every(({ kind }) => kind === 'identifier' || kind === 'link');
    for (const [open, close] of [
      ['“', '”'],
      ['„', '“'],
      ['"', '"'],
      ['«', '»'],
    ] as const)
      rest = rest.replaceAll(`${open}${name}${close}`, NAME_MARK);
    if (isPlain) rest = replaceWhole(rest, name);
  }
  return rest;
}

function replaceWhole(text: string, name: string): string {
  const escaped = name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}_/@])${escaped}(?![\\p{L}\\p{N}_])`, 'gu'), NAME_MARK);
}

function judge(
  figure: Figure,
  context: { known: KnownFacts; sentence: string; zones: ReadonlySet<string>; language: Language },
): 'unknown_figure' | 'wrong_meaning' | undefined {
  const { known, sentence, zones } = context;
  const candidates = (known.byKey.get(figure.key) ?? []).filter(({ detail }) => isSameDetail(figure, detail, zones));
  if (candidates.length === 0) return 'unknown_figure';
  const denies = DENIES.test(sentence);
  const fits = candidates.some(({ fact }) => {
    if (fact === null) return true;
    if (fact.denied === 'never' && denies) return false;
    if (fact.denied === 'always' && !denies) return false;
    return fact.near === undefined || fact.near.some((word) => startsAWord(sentence, word));
  });
  return fits ? undefined : 'wrong_meaning';
}

/** A year or a zone may be left out where the fact's is plain; it may never be another. */
function isSameDetail(figure: Figure, detail: string, zones: ReadonlySet<string>): boolean {
  if (figure.kind !== 'date' && figure.kind !== 'time') return true;
  if (figure.detail === detail) return true;
  if (figure.detail !== '') return false;
  if (figure.kind === 'date') return true;
  // One zone named anywhere in the text is everybody's; with two, each time needs its own.
  return zones.size === 1 && zones.has(detail);
}

function startsAWord(sentence: string, word: string): boolean {
  const escaped = word.toLowerCase().replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}])${escaped}`, 'u').test(sentence.toLowerCase());
}

function sentenceAt(text: string, { at, text: figure }: Figure): string {
  let from = 0;
  for (const { index } of text.matchAll(SENTENCE_END)) {
    if (index < at) from = index + 1;
    else if (index >= at + figure.length) return text.slice(from, index);
  }
  return text.slice(from);
}

const JOINABLE = new Set<Figure['kind']>(['number', 'money', 'percent']);

/** `412 80` and `$4 12.80`: two figures that read as one. */
function isJoined(left: Figure, right: Figure, text: string): boolean {
  const between = text.slice(left.at + left.text.length, right.at);
  if (!/^\s*$/.test(between)) return false;
  return (JOINABLE.has(left.kind) || left.kind === 'currency') && JOINABLE.has(right.kind);
}

function unknownNames(text: string, words: ReadonlySet<string>, language: Language): readonly string[] {
  const found: string[] = [];
  const greeted = GREETING.exec(text)?.[1]?.trim() ?? '';
  if (greeted !== '' && !GREETED_ANYBODY.test(greeted)) {
    const isKnown = (word: string) => words.has(word) || words.has(word.replace(/'s?$/, ''));
    for (const [word] of greeted.matchAll(/\p{L}[\p{L}']*/gu)) if (!isKnown(word)) found.push(shortened(word));
  }
  // In German every noun has a capital; there only greetings are looked at.
  if (language === 'de') return found;
  for (const { 0: word, index } of text.matchAll(/\p{Lu}[\p{L}']*/gu)) {
    const isInside = /[\p{L}\p{N}_@/.-]/u.test(text.charAt(index - 1));
    const opensSentence = /(?:^|[.!?:;\n>*"“„(–·])\s*$/u.test(text.slice(Math.max(0, index - 8), index));
    const plain = word.replace(/'(?:s|re|ll|ve|d)?$/, '');
    if (isInside || opensSentence || NO_NAMES.has(word) || NO_NAMES.has(plain)) continue;
    if (!words.has(word) && !words.has(plain) && !DAYS_AND_MONTHS.test(plain)) found.push(shortened(word));
  }
  return found;
}

/** Held to the facts as figures already. */
const DAYS_AND_MONTHS =
  /^(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)$/;

function shortened(text: string): string {
  const one = text.replace(/\s+/g, ' ');
  return one.length <= 80 ? one : `${one.slice(0, 79)}…`;
}
