import type { RuleErrorCode } from '../load-error-codes.ts';
import type { NumberUnit } from './condition.ts';

/** The unit of a result, or why there is none. */
export type UnitResult =
  | { readonly ok: true; readonly unit: NumberUnit }
  | { readonly ok: false; readonly code: RuleErrorCode; readonly message: string; readonly fix: string };

/** How a unit is named in a sentence. */
export function nameOfUnit(unit: NumberUnit): string {
  switch (unit.kind) {
    case 'money':
      return `money (${unit.currency})`;
    case 'count':
      return unit.name === 'count' ? 'a count' : `a count of ${unit.name}s`;
    case 'ratio':
      return 'a ratio';
    case 'days':
      return 'days';
    case 'clock':
      return 'a time of day or week';
    case 'plain':
      return 'a plain number';
  }
}

/** How evidence names a unit. */
export function traceUnit(unit: NumberUnit): string {
  if (unit.kind === 'money') return 'nanos';
  return unit.kind === 'count' ? unit.name : unit.kind;
}

/** What two numbers have in common that are added, subtracted or compared; `shown` is how a plain number is written. */
export function commonUnit(left: NumberUnit, right: NumberUnit, plainText: string): UnitResult {
  if (left.kind === 'plain' || right.kind === 'plain') {
    const other = left.kind === 'plain' ? right : left;
    if (other.kind !== 'money') return { ok: true, unit: other };
    const message = `${plainText} has no currency, but the other side is ${nameOfUnit(other)}.`;
    return { ok: false, code: 'RULE-UNIT-001', message, fix: `${plainText} ${other.currency}` };
  }
  if (left.kind === 'count' && right.kind === 'count') {
    if (left.name === right.name || left.name === 'count' || right.name === 'count') {
      return { ok: true, unit: left.name === 'count' ? right : left };
    }
    const message = `${nameOfUnit(left)} stands against ${nameOfUnit(right)}.`;
    const fix = 'divide one by the other and compare the ratio with a number';
    return { ok: false, code: 'RULE-UNIT-015', message, fix };
  }
  if (left.kind === right.kind) return { ok: true, unit: left };
  const message = `${nameOfUnit(left)} stands against ${nameOfUnit(right)}.`;
  const kinds = [left.kind, right.kind];
  if (kinds.includes('money') && kinds.includes('count')) {
    const fix = 'money with money: spend(…) for an amount, or divide it by the count and compare with money';
    return { ok: false, code: 'RULE-UNIT-014', message, fix };
  }
  return { ok: false, code: 'RULE-UNIT-016', message, fix: 'compare numbers of one kind' };
}

/** The unit of a product. */
export function productUnit(left: NumberUnit, right: NumberUnit): UnitResult {
  if (isFactor(left)) return { ok: true, unit: right };
  if (isFactor(right)) return { ok: true, unit: left };
  if (left.kind === 'money' && right.kind === 'count') return { ok: true, unit: left };
  if (left.kind === 'count' && right.kind === 'money') return { ok: true, unit: right };
  return noUnit(left, right, 'times');
}

/** The unit of a quotient: an amount per thing is money, one amount by another a ratio. */
export function quotientUnit(left: NumberUnit, right: NumberUnit): UnitResult {
  if (isFactor(right)) return { ok: true, unit: left };
  if (left.kind === right.kind) return { ok: true, unit: { kind: 'ratio' } };
  if (left.kind === 'money' && (right.kind === 'count' || right.kind === 'days')) return { ok: true, unit: left };
  if (left.kind === 'count' && right.kind === 'days') return { ok: true, unit: left };
  return noUnit(left, right, 'divided by');
}

function isFactor(unit: NumberUnit): boolean {
  return unit.kind === 'plain' || unit.kind === 'ratio';
}

function noUnit(left: NumberUnit, right: NumberUnit, verb: string): UnitResult {
  const message = `${nameOfUnit(left)} ${verb} ${nameOfUnit(right)} is measured in nothing.`;
  return {
    ok: false,
    code: 'RULE-UNIT-017',
    message,
    fix: 'divide money by a count, or amounts of one kind by each other',
  };
}
