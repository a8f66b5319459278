import type { FeatureUnit } from '../features/feature-unit.ts';
import type { RuleConditions } from './compile-conditions.ts';
import { createCompileContext } from './compile-context.ts';
import type { NumberUnit } from './conditions/condition.ts';
import { spellingOf } from './conditions/scope.ts';
import { isNumberName, isTextName, NUMBERS } from './conditions/vocabulary.ts';
import { suggest } from './did-you-mean.ts';
import type { YamlPath, YamlSource } from './yaml-source.ts';

/** Values a test gives for what its series cannot hold, by the name conditions use; amounts in the feature's unit. */
export type Given = ReadonlyMap<string, number | string>;

/** Reads `given:` of a test. Problems are reported on the source. */
export function readGiven(
  source: YamlSource,
  at: YamlPath,
  given: Readonly<Record<string, string | number>>,
  { conditions, currency }: { readonly conditions: RuleConditions; readonly currency: string },
): Given {
  const values = new Map<string, number | string>();
  const possible = [...conditions.reads.map(({ name }) => name), ...[...conditions.names].filter(isFromOutside)];
  for (const [key, value] of Object.entries(given)) {
    const name = spellingOf(key);
    if (!possible.includes(name)) {
      const isOwn = isNumberName(name) && !isFromOutside(name);
      const message = isOwn ? `${name} comes from the series.` : `The conditions of this rule do not ask for ${key}.`;
      const fix = possible.length === 0 ? 'remove it' : suggest(name, possible);
      source.report(source.locateKey([...at, key]), 'RULE-TEST-008', message, fix);
      continue;
    }
    const unit = unitFor(name, conditions, currency);
    const amount =
      unit === 'text' ? readText(source, [...at, key], value) : readNumber(source, [...at, key], value, unit);
    if (amount !== undefined) values.set(name, amount);
  }
  return values;
}

/** Whether a series says nothing about it. */
function isFromOutside(name: string): boolean {
  return isTextName(name) || (isNumberName(name) && NUMBERS[name].unit === 'money');
}

function unitFor(name: string, { reads }: RuleConditions, currency: string): NumberUnit | 'text' {
  if (isTextName(name)) return 'text';
  return reads.find((read) => read.name === name)?.unit ?? { kind: 'money', currency };
}

function readText(source: YamlSource, at: YamlPath, value: string | number): string | undefined {
  if (typeof value === 'string') return value;
  source.report(at, 'RULE-TEST-009', `${value} is a number; this is a text.`, `quote it: "${value}"`);
  return undefined;
}

function readNumber(source: YamlSource, at: YamlPath, value: string | number, unit: NumberUnit): number | undefined {
  if (unit.kind !== 'money' && typeof value === 'string') {
    const message = `${JSON.stringify(value)} is text; this is a number.`;
    source.report(at, 'RULE-TEST-009', message, 'a plain number, without quotes');
    return undefined;
  }
  // A wallet can be in debt.
  const isDebt = unit.kind === 'money' && typeof value === 'string' && value.startsWith('-');
  const feature: FeatureUnit = unit.kind === 'money' ? unit : { kind: 'count', name: 'count' };
  const amount = createCompileContext(source, [], feature).amount(at, isDebt ? value.slice(1) : value);
  return amount === undefined || !isDebt ? amount : -amount;
}
