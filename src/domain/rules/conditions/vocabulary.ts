import { DISTINCT_OF } from '../../features/distinct-values.ts';
import { FINE_MS, HISTORY_HOURS_MAX } from '../../features/feature-spec.ts';
import { DAY_MS, HOUR_MS } from '../../time.ts';
import { suggest } from '../did-you-mean.ts';
import { parseFeature } from '../feature-name.ts';
import type { PriceBook } from '../price-book.ts';
import { type Parsed, parseDuration } from '../units.ts';
import type { FeatureRead, NumberName, NumberUnit, TextName } from './condition.ts';

/** What a number is measured in, and the values it can have. */
export interface NumberFact {
  /** `own`: the unit of the rule's own feature; `money`: the price book's currency. */
  readonly unit: 'own' | 'money' | 'ratio' | 'days' | 'clock';
  readonly low: number;
  readonly high: number;
  readonly about: string;
}

const ANY = Number.POSITIVE_INFINITY;

/** Numbers a condition may name. */
export const NUMBERS: Readonly<Record<NumberName, NumberFact>> = {
  observed: { unit: 'own', low: 0, high: ANY, about: "what the rule's own window held" },
  expected: { unit: 'own', low: 0, high: ANY, about: 'what such a window usually holds' },
  lower: { unit: 'own', low: 0, high: ANY, about: 'the low end of the usual range' },
  upper: { unit: 'own', low: 0, high: ANY, about: 'the high end of the usual range' },
  threshold: { unit: 'own', low: 0, high: ANY, about: 'the rule would not fire below this' },
  z: { unit: 'ratio', low: -ANY, high: ANY, about: 'distance from the usual in spreads' },
  times: { unit: 'ratio', low: 0, high: ANY, about: 'observed divided by expected' },
  'account.age_days': { unit: 'days', low: 0, high: ANY, about: "days since the account's first event" },
  'wallet.posted': { unit: 'money', low: -ANY, high: ANY, about: 'the balance of the books' },
  'wallet.balance': { unit: 'money', low: -ANY, high: ANY, about: 'the same as wallet.posted' },
  'wallet.held': { unit: 'money', low: 0, high: ANY, about: 'money reserved by holds' },
  'wallet.available': { unit: 'money', low: -ANY, high: ANY, about: 'posted less held' },
  'wallet.quarantined': { unit: 'money', low: 0, high: ANY, about: 'usage recorded and not charged' },
  'now.hour': { unit: 'clock', low: 0, high: 23, about: 'hour of the day, UTC' },
  'now.weekday': { unit: 'clock', low: 1, high: 7, about: 'day of the week, UTC; 1 is Monday' },
};

/** Texts a condition may name. */
export const TEXTS: Readonly<Record<TextName, string>> = {
  account: 'the account',
  'wallet.status': 'active, frozen or thawing',
  'event.source': 'who reported the event that is being judged',
  'event.meter': 'the meter of the event that is being judged',
};

/** Functions a condition may call, with how they are written. */
export const FUNCTIONS = {
  spend: "spend('1h')",
  events: "events('1h')",
  altered: "altered('24h')",
  sum: "sum('output_tokens', '6h')",
  count: "count('auth', '1h')",
  distinct: "distinct('key', '24h')",
  list: "account in list('trusted')",
} as const;

export type FunctionName = keyof typeof FUNCTIONS;

export function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}

export function isNumberName(name: string): name is NumberName {
  return Object.hasOwn(NUMBERS, name);
}

export function isTextName(name: string): name is TextName {
  return Object.hasOwn(TEXTS, name);
}

/** The longest trailing window that is summed from five-minute buckets; longer ones are whole hours. */
const FINE_WINDOW_MAX_MS = 2 * HOUR_MS;

/** A mistake in the argument with this index. */
export type ReadResult =
  | { readonly ok: true; readonly read: FeatureRead }
  | { readonly ok: false; readonly argument: number; readonly problem: Extract<Parsed<never>, { ok: false }> };

/** The read behind a function call whose arguments are texts. */
export function readFor(name: Exclude<FunctionName, 'list'>, args: readonly string[], pricing: PriceBook): ReadResult {
  const windowAt = args.length - 1;
  const windowText = args[windowAt] ?? '';
  const window = parseWindow(windowText);
  if (!window.ok) return { ok: false, argument: windowAt, problem: window };
  const spelled = `${name}(${args.map((text) => `'${text}'`).join(',')})`;
  const field = args.length === 1 ? name : `${name}_${args[0]}`.replace(/\W/g, '_');
  if (name === 'distinct') {
    const [named = ''] = args;
    const of = DISTINCT_OF.find((known) => known === named);
    if (of === undefined) {
      const message = `different values of ${JSON.stringify(named)} are not counted.`;
      const problem = { ok: false, code: 'RULE-NAME-013', message, fix: suggest(named, DISTINCT_OF) } as const;
      return { ok: false, argument: 0, problem };
    }
    const unit: NumberUnit = { kind: 'count', name: 'count' };
    return { ok: true, read: { name: spelled, field, unit, windowMs: window.value, source: { kind: 'distinct', of } } };
  }
  const feature = parseFeature(featureText(name, args[0] ?? ''), pricing);
  if (!feature.ok) return { ok: false, argument: 0, problem: feature };
  const isFine = window.value <= FINE_WINDOW_MAX_MS;
  const source = {
    kind: 'sum',
    definition: feature.value.definition,
    bucket: isFine ? 'five_minutes' : 'hour',
    buckets: window.value / (isFine ? FINE_MS : HOUR_MS),
  } as const;
  return { ok: true, read: { name: spelled, field, unit: feature.value.unit, windowMs: window.value, source } };
}

function featureText(name: Exclude<FunctionName, 'list' | 'distinct'>, meter: string): string {
  if (name === 'sum') return `quantity('${meter}')`;
  return name === 'count' ? `count('${meter}')` : name;
}

function parseWindow(text: string): Parsed<number> {
  const parsed = parseDuration(text);
  if (!parsed.ok) return parsed;
  const ms = parsed.value;
  if (ms > HISTORY_HOURS_MAX * HOUR_MS) {
    const days = (HISTORY_HOURS_MAX * HOUR_MS) / DAY_MS;
    const message = `${text} is further back than the ${days} days that are kept.`;
    return { ok: false, code: 'RULE-STAT-012', message, fix: `${days}d or less` };
  }
  const step = ms <= FINE_WINDOW_MAX_MS ? FINE_MS : HOUR_MS;
  if (ms % step === 0) return parsed;
  const message = `${text} is not a whole number of ${step === HOUR_MS ? 'hours' : 'five minutes'}.`;
  return { ok: false, code: 'RULE-UNIT-008', message, fix: 'steps of 5min up to 2h, whole hours beyond, such as 6h' };
}
