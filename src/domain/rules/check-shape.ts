import { z } from 'zod';
import { suggest } from './did-you-mean.ts';
import type { RuleErrorCode } from './load-error-codes.ts';
import type { YamlPath, YamlSource } from './yaml-source.ts';

/**
 * Checks a file against its schema and reports every difference at its own place. Returns the typed value, or
 * undefined after reporting.
 */
export function checkShape<T>(source: YamlSource, schema: z.ZodType<T>): T | undefined {
  if (source.value === undefined) return undefined;
  const parsed = schema.safeParse(source.value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) reportIssue(source, schema, issue);
  return undefined;
}

type Issue = z.core.$ZodIssue;

function reportIssue(source: YamlSource, schema: z.ZodType, issue: Issue): void {
  const at = issue.path.filter((step): step is string | number => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) reportUnknownKey(source, schema, at, key);
    return;
  }
  if (at.length > 0 && !source.has(at)) {
    const key = String(at.at(-1));
    const owner = at.length === 1 ? 'The file' : String(at.slice(0, -1).join('.'));
    source.report(at.slice(0, -1), 'RULE-SHAPE-002', `${owner} has no ${key}.`, `add ${key}:`);
    return;
  }
  const { code, message, fix } = explain(issue, at, valueAt(source.value, at));
  source.report(at, code, message, fix);
}

function reportUnknownKey(source: YamlSource, schema: z.ZodType, at: YamlPath, key: string): void {
  const place = source.locateKey([...at, key]);
  source.report(place, 'RULE-SHAPE-001', `${JSON.stringify(key)} is not known here.`, suggest(key, keysAt(schema, at)));
}

function explain(issue: Issue, at: YamlPath, value: unknown): { code: RuleErrorCode; message: string; fix: string } {
  const key = String(at.at(-1) ?? 'the file');
  const shown = JSON.stringify(value) ?? 'nothing';
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(key, shown, issue.expected, value);
    case 'invalid_union':
      return wrongType(key, shown, 'text or a number', value);
    case 'invalid_value': {
      const allowed = issue.values.map(String);
      return {
        code: 'RULE-SHAPE-020',
        message: `${key}: ${shown} is not allowed.`,
        fix: suggest(String(value), allowed),
      };
    }
    case 'too_big':
    case 'too_small': {
      const bound = issue.code === 'too_big' ? `at most ${issue.maximum}` : `at least ${issue.minimum}`;
      const isNumber = issue.origin === 'number' || issue.origin === 'int';
      const code = isNumber ? 'RULE-SHAPE-018' : 'RULE-SHAPE-019';
      const what = isNumber ? '' : issue.origin === 'array' ? ' entries' : ' characters';
      return { code, message: `${key}: ${cut(shown)} is out of range.`, fix: `${bound}${what}` };
    }
    default:
      return {
        code: 'RULE-SHAPE-019',
        message: `${key}: ${cut(shown)} is not written as it must be.`,
        fix: issue.message,
      };
  }
}

function wrongType(key: string, shown: string, expected: string, value: unknown) {
  const names: Record<string, string> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    array: 'a list',
    object: 'keys and values',
  };
  const wanted = names[expected] ?? expected;
  const isQuotable = expected === 'string' && (typeof value === 'number' || typeof value === 'boolean');
  const fix = isQuotable ? `quote it: "${String(value)}"` : `write ${wanted}`;
  const code: RuleErrorCode = 'RULE-SHAPE-003';
  return { code, message: `${key}: ${cut(shown)} is not ${wanted}.`, fix };
}

function cut(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}

function valueAt(value: unknown, at: YamlPath): unknown {
  let current = value;
  for (const step of at) {
    if (Array.isArray(current) && typeof step === 'number') current = current[step];
    else if (isRecord(current)) current = current[step];
    else return undefined;
  }
  return current;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// The keys a schema allows at a path, for "did you mean".
function keysAt(schema: unknown, at: YamlPath): string[] {
  const bare = unwrap(schema);
  if (at.length === 0) return bare instanceof z.ZodObject ? Object.keys(bare.shape) : [];
  const [step, ...rest] = at;
  if (bare instanceof z.ZodObject && typeof step === 'string') return keysAt(bare.shape[step], rest);
  if (bare instanceof z.ZodArray) return keysAt(bare.element, rest);
  return [];
}

function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return unwrap(schema.unwrap());
  return schema;
}
