import { isCurrency } from '../rules/currencies.ts';
import { foldText, type TextTrick } from './fold-text.ts';
import type { Language } from './number-words.ts';

/** What a figure is of. `day` is a word that names one: `Tuesday`, `tomorrow`, `Mai`. */
export type FigureKind =
  | 'money'
  | 'percent'
  | 'times'
  | 'span'
  | 'number'
  | 'ordinal'
  | 'date'
  | 'time'
  | 'day'
  | 'currency'
  | 'identifier'
  | 'link';

/** One figure of a text. Equal keys mean the same thing, however they are written. */
export interface Figure {
  readonly kind: FigureKind;
  readonly key: string;
  /** Of a time of day, as written: `UTC`; of a date, its year. Empty when the text names none. */
  readonly detail: string;
  /** As it stands in the folded text. */
  readonly text: string;
  /** Where it begins in the folded text. */
  readonly at: number;
}

/** Every figure of a text, with the folded text they stand in and the tricks found on the way. */
export interface FoundFigures {
  readonly text: string;
  readonly figures: readonly Figure[];
  readonly tricks: readonly { readonly what: TextTrick; readonly found: string }[];
}

const MONTHS = [
  'jan(?:uar)?(?:uary)?|jän(?:ner)?',
  'feb(?:ruar)?(?:y)?',
  'mar(?:ch)?|märz|mär',
  'apr(?:il)?',
  'may|mai',
  'jun[ie]?',
  'jul[iy]?',
  'aug(?:ust)?',
  'sept?(?:ember)?',
  'oct(?:ober)?|okt(?:ober)?',
  'nov(?:ember)?',
  'dec(?:ember)?|dez(?:ember)?',
] as const;
const MONTH = `(?:${MONTHS.join('|')})`;
const END = String.raw`(?![\p{L}\p{N}_])`;
const DAY = String.raw`(\d{1,2})(?:st|nd|rd|th|\.)?`;
const NUMBER = String.raw`\d+(?:[.,' ]\d{3}(?!\d))*(?:[.,]\d+)?`;
const SIGN = String.raw`(?:(?<![\p{L}\p{N}])-)?`;
const SYMBOLS: Readonly<Record<string, string>> = {
  ...{ $: 'USD', US$: 'USD', C$: 'CAD', CA$: 'CAD', A$: 'AUD', AU$: 'AUD', NZ$: 'NZD', HK$: 'HKD', S$: 'SGD' },
  ...{ '€': 'EUR', '£': 'GBP', '¥': 'JPY', '₹': 'INR', '₽': 'RUB', '₩': 'KRW', '₿': 'BTC', '¢': 'cent' },
};
const SIGN_INSIDE = String.raw`-?`;
const SYMBOL = String.raw`(?:(?:US|CA?|AU?|NZ|HK|S)?\$|[€£¥₹₽₩₿¢])`;
const CURRENCY_WORD =
  '(?:dollars?|us-?dollar|euros?|pounds?|pfund|sterling|yen|yuan|francs?|franken|rupees?|rupien|cents?|bitcoins?)';
const WORD = new RegExp(`^${CURRENCY_WORD}$`, 'i');
const WORD_CODES: readonly (readonly [RegExp, string])[] = [
  [/dollar/, 'USD'],
  [/euro/, 'EUR'],
  [/pound|pfund|sterling/, 'GBP'],
  [/yen/, 'JPY'],
  [/cent/, 'cent'],
];
const SPANS: readonly (readonly [RegExp, string, number])[] = [
  [/^(?:ms|millisecond|millisekunde)/, 'ms', 1],
  [/^(?:min|minute)/, 'ms', 60_000],
  [/^(?:mon)/, 'month', 1],
  [/^(?:s$|sec|sek)/, 'ms', 1_000],
  [/^(?:h$|hr|hour|std|stunde)/, 'ms', 3_600_000],
  [/^(?:d$|day|tag)/, 'ms', 86_400_000],
  [/^(?:week|woche)/, 'ms', 604_800_000],
  [/^(?:year|jahr)/, 'year', 1],
];
const SPAN =
  '(?:milliseconds?|ms|seconds?|secs?|sekunden?|sek|s|minutes?|mins?|minuten?|hours?|hrs?|h|stunden?|std|days?|d|tag(?:e[ns]?)?|weeks?|wochen?|months?|monat(?:e[ns]?)?|years?|jahr(?:e[ns]?)?)';
const ZONE = String.raw`(?: ?(UTC[+-]\d{1,2}(?::\d{2})?|[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+|[A-Z]{2,5}(?![\p{L}\p{N}])))?`;

type Reader = (match: RegExpExecArray, language: Language) => Read | undefined;

// In order: what is longer or more exact comes first.
const RULES: readonly (readonly [FigureKind, string, Reader])[] = [
  ['link', String.raw`(?:[a-z][a-z0-9+.-]*:\/\/|www\.)[^\s<>"]+`, ([text]) => link(text)],
  ['link', String.raw`[^\s<>"@]+@[^\s<>"@]+\.\p{L}{2,}`, ([text]) => link(text)],
  ['link', String.raw`\p{L}[\p{L}\p{N}-]*(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}(?:/[^\s<>"]*)?`, ([text]) => link(text)],
  [
    'date',
    String.raw`(\d{4})-(\d{2})-(\d{2})(?:T(?=\d)|${END})`,
    ([, year = '', month = '', day = '']) => date(day, Number(month), year),
  ],
  [
    'date',
    String.raw`${DAY} (?:of )?(${MONTH})\.?${END}(?:,? (\d{4})${END}(?!:))?`,
    ([, day = '', month = '', year = '']) => date(day, monthOf(month), year),
  ],
  [
    'date',
    String.raw`(${MONTH})\.? ${DAY}(?![\p{L}\p{N}:]|[.,]\d)(?:,? (\d{4})${END}(?!:))?`,
    ([, month = '', day = '', year = '']) => date(day, monthOf(month), year),
  ],
  [
    'date',
    String.raw`(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})?${END}`,
    ([, day = '', month = '', year = '']) => date(day, Number(month), year),
  ],
  ['date', String.raw`\d{1,4}/\d{1,2}(?:/\d{2,4})?${END}`, ([text]) => ({ key: `slashed:${text}`, detail: '' })],
  ['time', String.raw`(\d{1,2})(?::(\d{2})(?::(\d{2})(?:\.\d+)?)?)? ?([ap])\.?m\.?${END}${ZONE}`, time12],
  ['time', String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: Uhr${END})?(Z${END})?${ZONE}`, time24],
  ['time', String.raw`(\d{1,2}) Uhr${END}(?: (\d{2})${END})?()()${ZONE}`, time24],
  [
    'money',
    String.raw`(${SIGN})(${SYMBOL}) ?(${SIGN_INSIDE}${NUMBER})${END}(?=(?: ([A-Z]{3})${END})?)`,
    ([, sign = '', symbol = '', number = '', code = ''], language) =>
      money({ sign, number, currency: isCode(code) ? code : currencyOf(symbol) }, language),
  ],
  [
    'money',
    String.raw`(${SIGN})([A-Z]{3}) ?(${SIGN_INSIDE}${NUMBER})${END}`,
    ([, sign = '', code = '', number = ''], language) =>
      isCode(code) ? money({ sign, number, currency: code }, language) : undefined,
  ],
  [
    'money',
    String.raw`(${SIGN})(${NUMBER}) ?(${SYMBOL})`,
    ([, sign = '', number = '', symbol = ''], language) =>
      money({ sign, number, currency: currencyOf(symbol) }, language),
  ],
  [
    'money',
    String.raw`(${SIGN})(${NUMBER})[ -]?([A-Z]{3}|${CURRENCY_WORD})${END}`,
    ([, sign = '', number = '', word = ''], language) =>
      isCode(word) || WORD.test(word) ? money({ sign, number, currency: currencyOf(word) }, language) : undefined,
  ],
  [
    'percent',
    String.raw`(${SIGN})(${NUMBER})[ -]?(?:%|percent${END}|per cent${END}|prozent${END}|pct${END})`,
    ([, sign = '', number = ''], language) => amount('percent', sign + number, language),
  ],
  [
    'times',
    String.raw`(${SIGN})(${NUMBER}) ?(?:[×x]${END}|-?fold${END}|-?fach(?:e[nrs]?)?${END}|times${END}|mal${END})`,
    ([, sign = '', number = ''], language) => amount('times', sign + number, language),
  ],
  [
    'span',
    String.raw`(${SIGN})(${NUMBER})[ -]?(${SPAN})${END}`,
    ([, sign = '', number = '', unit = ''], language) => span(sign + number, unit, language),
  ],
  ['ordinal', String.raw`(\d+)(?:st|nd|rd|th)${END}`, ([, number = '']) => ({ key: `ordinal:${number}`, detail: '' })],
  [
    'identifier',
    String.raw`(?=[\p{L}\p{N}_-]*[\p{N}_])(?=[\p{L}\p{N}_-]*[\p{L}_])[\p{L}\p{N}_]+(?:-[\p{L}\p{N}_]+)*`,
    ([text]) => ({ key: `identifier:${text}`, detail: '' }),
  ],
  [
    'number',
    String.raw`(${SIGN})(${NUMBER})`,
    ([, sign = '', number = ''], language) => amount('number', sign + number, language),
  ],
  [
    'day',
    String.raw`(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag)s?)${END}`,
    ([text]) => day(text),
  ],
  [
    'day',
    String.raw`(?:today|tonight|tomorrow|yesterday|midnight|noon|heute|übermorgen|gestern|vorgestern|mitternacht)${END}`,
    ([text]) => day(text),
  ],
  [
    'day',
    String.raw`morgen${END}`,
    // With a capital it is the time of day, as in a greeting.
    ([text]) => (text === 'morgen' ? day(text) : undefined),
  ],
  [
    'day',
    String.raw`(?:january?|februar|february|march|märz|april|june?|juni|july|juli|august|september|october|oktober|november|december|dezember)${END}`,
    // `march` and `august` in lower case are a walk and a manner.
    ([text]) => (/^\p{Lu}/u.test(text) ? day(text) : undefined),
  ],
  [
    'currency',
    String.raw`${CURRENCY_WORD}${END}|[A-Z]{3}${END}|${SYMBOL}`,
    ([text]) =>
      isCode(text) || WORD.test(text) || !/^[A-Za-z]/.test(text)
        ? { key: `currency:${currencyOf(text)}`, detail: '' }
        : undefined,
  ],
];

interface Read {
  readonly key: string;
  readonly detail: string;
}

const ALL = RULES.map(([kind, pattern, read]) => ({
  kind,
  pattern: new RegExp(`(?<![\\p{L}\\p{N}_])(?:${pattern})`, 'iuy'),
  read,
}));

/** Longest text that is looked through; a message of ours is far shorter. */
export const TEXT_MAX = 40_000;

/** Finds every figure: numbers, amounts, spans, dates, times, named days, currencies, ids and links. */
export function findFigures(input: string, language: Language): FoundFigures {
  const { text, tricks } = foldText(input, language);
  const figures: Figure[] = [];
  for (let at = 0; at < text.length; ) {
    const found = figureAt(text, at, language);
    if (found === undefined) {
      at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
      continue;
    }
    figures.push(found);
    at += found.text.length;
  }
  return { text, figures: inherited(figures, text), tricks };
}

function figureAt(text: string, at: number, language: Language): Figure | undefined {
  for (const { kind, pattern, read } of ALL) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) continue;
    const figure = read(match, language);
    if (figure !== undefined) return { kind, ...figure, text: match[0], at };
  }
  return undefined;
}

/** Ranges share what stands once: `$4–21`, `4 to 21 hours`, `14:02–16:02 UTC`. */
function inherited(figures: readonly Figure[], text: string): readonly Figure[] {
  return figures.map((figure, index) => {
    const [next, previous] = [figures[index + 1], figures[index - 1]];
    const isRange = (left: Figure, right: Figure, joint: RegExp) =>
      joint.test(text.slice(left.at + left.text.length, right.at));
    if (figure.kind === 'time' && figure.detail === '' && next?.kind === 'time') {
      if (isRange(figure, next, /^ ?(?:–|-|to|until|and|bis|und) ?$/i)) return { ...figure, detail: next.detail };
    }
    if (figure.kind !== 'number') return figure;
    if (next !== undefined && MEASURED.has(next.kind) && isRange(figure, next, /^ ?(?:–|-|to|and|bis|und) ?$/i))
      return withUnitOf(figure, next);
    if (previous?.kind === 'money' && isRange(previous, figure, /^ ?(?:–|-|to|bis) ?$/i))
      return withUnitOf(figure, previous);
    return figure;
  });
}

const MEASURED = new Set<FigureKind>(['money', 'percent', 'times', 'span']);

function withUnitOf(figure: Figure, model: Figure): Figure {
  const value = figure.key.slice('number:'.length);
  if (model.kind === 'span') {
    const read = span(value, /[\p{L}]+$/u.exec(model.text)?.[0] ?? '', 'en');
    return read === undefined ? figure : { ...figure, kind: 'span', key: read.key };
  }
  const unit = model.kind === 'money' ? model.key.slice(model.key.lastIndexOf(':')) : '';
  return { ...figure, kind: model.kind, key: `${model.kind}:${value}${unit}` };
}

function link(text: string): Read {
  return { key: `link:${text.replace(/[.,;:!?)\]]+$/, '')}`, detail: '' };
}

function day(text: string): Read {
  return { key: `day:${text.toLowerCase().replace(/(?<=day|tag|woch)s$/, '')}`, detail: '' };
}

function date(day: string, month: number, year: string): Read {
  return { key: `date:${month}-${Number(day)}`, detail: year.length === 2 ? `20${year}` : year };
}

function monthOf(word: string): number {
  return MONTHS.findIndex((month) => new RegExp(`^(?:${month})$`, 'i').test(word)) + 1;
}

function time12([, hour = '', minute = '00', second = '', half = '', zone = '']: RegExpExecArray): Read {
  const hours = (Number(hour) % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
  return time(Number(hour) > 12 ? Number(hour) : hours, minute, second, zone);
}

function time24([, hour = '', minute = '00', second = '', zulu = '', zone = '']: RegExpExecArray): Read {
  return time(Number(hour), minute, second, zulu === '' ? zone : 'UTC');
}

function time(hours: number, minute: string, second: string, zone: string): Read {
  const seconds = second === '' || Number(second) === 0 ? '' : `:${second}`;
  // `14:02 Uhr Sie` and `at 14:02 OK` name no zone.
  return {
    key: `time:${hours}:${minute === '' ? '00' : minute}${seconds}`,
    detail: /^[A-Z]{2}|\//.test(zone) ? zone : '',
  };
}

function money(
  { sign, number, currency }: { readonly sign: string; readonly number: string; readonly currency: string },
  language: Language,
): Read {
  return { key: `money:${decimal(sign + number, language)}:${currency}`, detail: '' };
}

function amount(kind: 'percent' | 'times' | 'number', number: string, language: Language): Read {
  return { key: `${kind}:${decimal(number, language)}`, detail: '' };
}

function span(number: string, unit: string, language: Language): Read | undefined {
  const found = SPANS.find(([pattern]) => pattern.test(unit.toLowerCase()));
  if (found === undefined) return undefined;
  const [, base, factor] = found;
  const value = decimal(number, language);
  const exact = /^-?\d{1,12}(?:\.\d{1,3})?$/.test(value);
  return { key: `span:${exact && factor > 1 ? Math.round(Number(value) * factor) : value}:${base}`, detail: '' };
}

function isCode(word: string): boolean {
  return isCurrency(word);
}

function currencyOf(word: string): string {
  if (isCurrency(word)) return word;
  const symbol = SYMBOLS[word.toUpperCase()] ?? SYMBOLS[word];
  return symbol ?? WORD_CODES.find(([pattern]) => pattern.test(word.toLowerCase()))?.[1] ?? word.toLowerCase();
}

/**
 * A number as plain decimal text without zeros at its ends. One that is not written as the language writes numbers keeps
 * its own form and equals nothing else: `412,80` in English might be anything.
 */
function decimal(text: string, language: Language): string {
  const [point, group] = language === 'de' ? [',', '.'] : ['.', ','];
  const sign = text.startsWith('-') ? '-' : '';
  const plain = text.replace(/^-+/, '').replace(/[ ']/g, '');
  const [whole = '', fraction = '', ...more] = plain.split(point);
  const grouped = whole.split(group);
  const isGrouped =
    grouped.length === 1 || (/^\d{1,3}$/.test(grouped[0] ?? '') && grouped.slice(1).every((part) => part.length === 3));
  if (more.length > 0 || !isGrouped || fraction.includes(group)) return `?${sign}${plain}`;
  const digits = grouped.join('').replace(/^0+(?=\d)/, '');
  const rest = fraction.replace(/0+$/, '');
  const value = rest === '' ? digits : `${digits}.${rest}`;
  return value === '0' ? '0' : sign + value;
}
