import type { FeatureUnit } from '../features/feature-unit.ts';
import { formatMoney } from '../money/nanos.ts';
import { HOUR_MS, MINUTE_MS } from '../time.ts';

/** Fields a `say` template may name, and what they hold. */
export const SAY_FIELDS = {
  observed: 'what the window held',
  expected: 'what such a window usually holds',
  lower: 'the low end of the usual range',
  upper: 'the high end of the usual range',
  threshold: 'the rule would not have fired below this',
  window: 'length of the window',
  times: 'observed divided by expected',
  z: 'distance from the usual in spreads',
} as const;

export type SayField = keyof typeof SAY_FIELDS;

/** A parsed template: literal text and fields, in order. */
export type SayTemplate = readonly (
  | { readonly text: string }
  | { readonly field: SayField }
  | { readonly read: number }
)[];

/** The value of a read that a sentence names, in its unit. */
export interface SayRead {
  readonly value: number;
  readonly unit: FeatureUnit;
}

/** Numbers a sentence is made from; amounts in the feature's unit (nano-units for money). */
export interface SayValues {
  readonly observed: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
  readonly threshold: number;
  readonly windowMs: number;
  readonly times: number | undefined;
  readonly z: number | undefined;
}

/** Whether a word is a field of `say`. */
export function isSayField(word: string): word is SayField {
  return Object.hasOwn(SAY_FIELDS, word);
}

/**
 * Splits a template. `reads` are the fields that the rule's conditions offer. Unknown fields are returned by name, so that
 * the loader can point at them.
 */
export function parseSay(
  text: string,
  reads: readonly string[] = [],
): { readonly template: SayTemplate; readonly unknown: readonly string[] } {
  const template: ({ text: string } | { field: SayField } | { read: number })[] = [];
  const unknown: string[] = [];
  for (const part of text.split(/(\{[^{}]*\})/)) {
    if (part === '') continue;
    if (!part.startsWith('{') || !part.endsWith('}')) {
      // A lone brace is a field that was cut; printed as it stands it would look like a broken alert.
      if (/[{}]/.test(part)) unknown.push(part.slice(0, 20));
      template.push({ text: part });
      continue;
    }
    const word = part.slice(1, -1).trim();
    if (isSayField(word)) template.push({ field: word });
    else if (reads.includes(word)) template.push({ read: reads.indexOf(word) });
    else unknown.push(word);
  }
  return { template, unknown };
}

/** The finished sentence. Holds only our own text and numbers, so it needs no escaping for control characters. */
export function renderSay(
  template: SayTemplate,
  values: SayValues,
  unit: FeatureUnit,
  reads: readonly SayRead[] = [],
): string {
  return template
    .map((part) => {
      if ('text' in part) return part.text;
      if ('field' in part) return renderField(part.field, values, unit);
      const read = reads[part.read];
      return read === undefined ? 'unknown' : formatAmount(read.value, read.unit);
    })
    .join('');
}

function renderField(field: SayField, values: SayValues, unit: FeatureUnit): string {
  switch (field) {
    case 'window':
      return formatWindow(values.windowMs);
    case 'times':
      return values.times === undefined ? 'many times' : `${formatNumber(values.times)}×`;
    case 'z':
      return values.z === undefined ? 'n/a' : formatNumber(values.z);
    default:
      return formatAmount(values[field], unit);
  }
}

/**
 * `$412.80` for money, `12,300` for counts, whose unit the sentence names itself. The one way a rule's numbers are
 * written, so that no text shows the same figure twice in two forms. Never throws: it is written with the usage itself.
 */
export function formatAmount(value: number, unit: FeatureUnit): string {
  if (!Number.isFinite(value)) return 'unknown';
  return unit.kind === 'money' ? formatMoney(BigInt(Math.round(value)), unit.currency) : formatNumber(value);
}

/** `30 minutes`, `6 hours`, `2 days`. */
export function formatWindow(ms: number): string {
  if (ms % (24 * HOUR_MS) === 0) return plural(ms / (24 * HOUR_MS), 'day');
  if (ms % HOUR_MS === 0) return plural(ms / HOUR_MS, 'hour');
  return plural(ms / MINUTE_MS, 'minute');
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function formatNumber(value: number): string {
  const decimals = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : 1;
  return groupThousands(value.toFixed(decimals));
}

function groupThousands(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
