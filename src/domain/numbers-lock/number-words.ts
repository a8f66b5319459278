/** Languages that templates exist in. */
export type Language = 'en' | 'de';

const EN_SMALL =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const EN_TENS = '- - twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const DE_SMALL =
  'null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn'.split(
    ' ',
  );
const DE_TENS = '- - zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig'.split(' ');

const EN_VALUES = new Map<string, number>([
  ...EN_SMALL.map((word, value) => [word, value] as const),
  ...EN_TENS.map((word, tens) => [word, tens * 10] as const),
]);
const SCALES = new Map<string, number>([
  ['hundred', 100],
  ['thousand', 1_000],
  ['million', 1_000_000],
  ['millions', 1_000_000],
  ['billion', 1_000_000_000],
  ['dozen', 12],
  ['dozens', 12],
  ['hundreds', 100],
  ['thousands', 1_000],
  ['dutzend', 12],
  ['million', 1_000_000],
  ['millionen', 1_000_000],
  ['milliarde', 1_000_000_000],
  ['milliarden', 1_000_000_000],
]);

/** Words that are numbers in tongues our texts are never written in; those that also mean something else here are left out. */
const FOREIGN = new Set(
  (
    'deux trois quatre cinq neuf onze douze treize quatorze quinze seize vingt trente quarante cinquante soixante ' +
    'dos cuatro cinco siete ocho nueve diez doce trece catorce quince veinte treinta cuarenta cincuenta sesenta cien ciento mil ' +
    'tre quattro cinque sette nove dieci undici dodici venti trenta quaranta cinquanta cento mille ' +
    'dois três quatro oito dez vinte trinta quarenta cem twee drie vijf zes zeven negen tien twintig dertig honderd duizend ' +
    'dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć sto tysiąc yksi kaksi kolme tres trettio'
  ).split(' '),
);

/** Words that stand for a factor or share: `double`, `halb`. */
const FACTORS = new Map<string, string>([
  ['half', '0.5'],
  ['halved', '0.5'],
  ['quarter', '0.25'],
  ['twice', '2×'],
  ['double', '2×'],
  ['doubled', '2×'],
  ['thrice', '3×'],
  ['triple', '3×'],
  ['tripled', '3×'],
  ['quadruple', '4×'],
  ['tenfold', '10×'],
  ['hälfte', '0,5'],
  ['halb', '0,5'],
  ['halbe', '0,5'],
  ['halben', '0,5'],
  ['viertel', '0,25'],
  ['doppelt', '2×'],
  ['doppelte', '2×'],
  ['doppelten', '2×'],
  ['verdoppelt', '2×'],
  ['dreifach', '3×'],
  ['dreifache', '3×'],
  ['zehnfache', '10×'],
  ['couple', '2'],
  ['paar', '2'],
]);

const EN_ORDINALS =
  'second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth'.split(
    ' ',
  );
const DE_ORDINALS =
  'zweit dritt viert fünft sechst siebt acht neunt zehnt elft zwölft dreizehnt vierzehnt fünfzehnt'.split(' ');

/**
 * A word, lower case, as what it counts: a value, a scale that multiplies what stands before it, a factor as digits, or an
 * ordinal. Undefined for words that are no numbers. `one`, `a` and German `ein` are left to the reader of the sentence.
 */
export function numberWord(
  word: string,
  language: Language,
):
  | { readonly kind: 'value' | 'scale' | 'ordinal'; readonly value: number }
  | { readonly kind: 'factor'; readonly text: string }
  | { readonly kind: 'foreign' }
  | undefined {
  const scale = SCALES.get(word);
  if (scale !== undefined) return { kind: 'scale', value: scale };
  const english = EN_VALUES.get(word);
  if (english !== undefined && word !== '-') return { kind: 'value', value: english };
  // In an English text `elf` is no number; in German it is.
  const german = language === 'de' || word.length > 4 ? germanNumber(word) : undefined;
  if (german !== undefined) return { kind: 'value', value: german };
  const factor = FACTORS.get(word);
  if (factor !== undefined) return { kind: 'factor', text: factor };
  const ordinal = EN_ORDINALS.indexOf(word);
  if (ordinal >= 0) return { kind: 'ordinal', value: ordinal + 2 };
  const germanOrdinal = /^(\p{L}+t)e[nmrs]?$/u.exec(word)?.[1];
  const place = germanOrdinal === undefined || language !== 'de' ? -1 : DE_ORDINALS.indexOf(germanOrdinal);
  if (place >= 0 && !/^achte/.test(word)) return { kind: 'ordinal', value: place + 2 };
  return FOREIGN.has(word) ? { kind: 'foreign' } : undefined;
}

/** The value of an English run of number words: `four hundred and twelve`. */
export function englishRun(words: readonly { readonly kind: 'value' | 'scale'; readonly value: number }[]): number {
  let total = 0;
  let group = 0;
  for (const word of words) {
    if (word.kind === 'value') group += word.value;
    else if (word.value === 100 || word.value === 12) group = Math.max(1, group) * word.value;
    else {
      total += Math.max(1, group) * word.value;
      group = 0;
    }
  }
  return total + group;
}

/** `vierhundertzwölf`, `zweiundzwanzig`, `dreißigtausend`; undefined for any other word. */
function germanNumber(word: string): number | undefined {
  const spelled = word.replaceAll('dreissig', 'dreißig').replaceAll('zwoelf', 'zwölf').replaceAll('fuenf', 'fünf');
  const thousand = /^(.*)tausend(.*)$/.exec(spelled);
  if (thousand !== null) {
    const [, before = '', after = ''] = thousand;
    return joined(below(before, 1), below(after, 0), 1_000);
  }
  return belowThousand(spelled);
}

function below(text: string, otherwise: number): number | undefined {
  return text === '' ? otherwise : belowThousand(text);
}

function belowThousand(text: string): number | undefined {
  const hundred = /^(.*)hundert(?:und)?(.*)$/.exec(text);
  if (hundred === null) return belowHundred(text);
  const [, before = '', after = ''] = hundred;
  return joined(before === '' ? 1 : smallOf(before), after === '' ? 0 : belowHundred(after), 100);
}

function belowHundred(text: string): number | undefined {
  const small = smallOf(text);
  if (small !== undefined) return small;
  for (const [tens, word] of DE_TENS.entries()) {
    if (text === word && tens > 1) return tens * 10;
    if (tens > 1 && text.endsWith(`und${word}`)) {
      const ones = smallOf(text.slice(0, -word.length - 3));
      return ones === undefined || ones > 9 ? undefined : tens * 10 + ones;
    }
  }
  return undefined;
}

function smallOf(text: string): number | undefined {
  if (text === 'ein') return 1;
  const value = DE_SMALL.indexOf(text);
  return value < 0 ? undefined : value;
}

function joined(factor: number | undefined, rest: number | undefined, scale: number): number | undefined {
  return factor === undefined || rest === undefined ? undefined : factor * scale + rest;
}
