import { replaceScalar, scalarsUnder, type YamlScalar } from './edit-yaml.ts';

/** A rule with one value moved a step. */
export interface Mutant {
  /** Where: `detect.threshold`. */
  readonly place: string;
  readonly from: string;
  readonly to: string;
  /** The whole file with that one change. */
  readonly text: string;
}

/** A step is half as much again, or two thirds: near enough for a careless edit, far enough for a test to notice. */
const STEP = 1.5;

/** Values that stand for an operator: each is moved to the next. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  compare: ['all', 'hour_of_day', 'hour_of_week'],
  method: ['raw', 'log', 'mad', 'log_mad'],
};

/** What these say is not decided by a number: another kind or feature is another rule. */
const IDENTITY = new Set(['kind', 'of']);

const OPERATORS: readonly (readonly [string, string])[] = [
  ['>=', '>'],
  ['<=', '<'],
  ['==', '!='],
  ['!=', '=='],
  ['>', '>='],
  ['<', '<='],
  ['&&', '||'],
  ['||', '&&'],
];

/** Every mutant of a rule file: thresholds, operators and windows under `detect`, `when` and `unless`. */
export function mutantsOf(text: string): readonly Mutant[] {
  const detect = scalarsUnder(text, 'detect').filter(({ place }) => !IDENTITY.has(String(place.at(-1))));
  const conditions = ['when', 'unless'].flatMap((key) => scalarsUnder(text, key));
  return [
    ...detect.flatMap((scalar) => variants(scalar).map((to) => mutantOf(text, scalar, to))),
    ...conditions.flatMap((scalar) => conditionVariants(scalar.text).map((to) => mutantOf(text, scalar, to))),
  ];
}

function mutantOf(text: string, scalar: YamlScalar, to: string): Mutant {
  return { place: scalar.place.join('.'), from: scalar.text, to, text: replaceScalar(text, scalar, to) };
}

function variants({ place, value, text }: YamlScalar): string[] {
  const choices = CHOICES[String(place.at(-1))];
  if (choices !== undefined) {
    const at = choices.indexOf(String(value));
    return at === -1 ? [] : [choices[(at + 1) % choices.length] ?? ''];
  }
  if (typeof value === 'number') return steps(value, Number.isInteger(value)).map(String);
  return typeof value === 'string' ? textVariants(text) : [];
}

/** Durations, shares and amounts, in or out of quotes; nothing for other text. */
function textVariants(text: string): string[] {
  const match = /^(["']?)(\d+(?:\.\d+)?)(min|h|d|%| [A-Z]{3})\1$/.exec(text);
  if (match === null) return [];
  const [, quote = '', digits = '', unit = ''] = match;
  if (unit === 'min' || unit === 'h' || unit === 'd') {
    return durationSteps(Number(digits), unit).map((moved) => `${quote}${moved}${quote}`);
  }
  const decimals = digits.split('.')[1]?.length ?? 0;
  return [
    ...new Set(steps(Number(digits), false).map((moved) => moved.toFixed(Math.max(decimals, unit === '%' ? 0 : 2)))),
  ]
    .filter((moved) => moved !== digits)
    .map((moved) => `${quote}${moved}${unit}${quote}`);
}

function steps(value: number, isWhole: boolean): number[] {
  const moved = [value * STEP, value / STEP].map((step) => (isWhole ? Math.round(step) : Number(step.toPrecision(4))));
  if (isWhole && value >= 1) moved[0] = Math.max(moved[0] ?? 0, value + 1);
  return [...new Set(moved)].filter((step) => step !== value && step >= 0);
}

/** Twice and half: windows come in whole steps of their unit, or of the next smaller one. */
function durationSteps(value: number, unit: 'min' | 'h' | 'd'): string[] {
  const twice = `${value * 2}${unit}`;
  if (value % 2 === 0) return [twice, `${value / 2}${unit}`];
  if (unit === 'd') return [twice, `${value * 12}h`];
  return unit === 'h' ? [twice, `${value * 30}min`] : [twice];
}

/** A condition with one operator, number or window moved. */
function conditionVariants(text: string): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/>=|<=|==|!=|&&|\|\||>|</g)) {
    const other = OPERATORS.find(([operator]) => operator === match[0])?.[1] ?? '';
    found.push(spliced(text, match.index, match[0], other));
  }
  for (const match of text.matchAll(/(?<![\w.'"])\d+(?:\.\d+)?(?![\w.])/g)) {
    const isWhole = !match[0].includes('.');
    for (const moved of steps(Number(match[0]), isWhole))
      found.push(spliced(text, match.index, match[0], String(moved)));
  }
  for (const match of text.matchAll(/(?<=["'])(\d+)(min|h|d)(?=["'])/g)) {
    const unit = match[2] === 'min' ? 'min' : match[2] === 'h' ? 'h' : 'd';
    for (const moved of durationSteps(Number(match[1]), unit)) found.push(spliced(text, match.index, match[0], moved));
  }
  return found;
}

function spliced(text: string, at: number, from: string, to: string): string {
  return text.slice(0, at) + to + text.slice(at + from.length);
}
