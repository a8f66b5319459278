import { z } from 'zod';
import { checkShape } from './check-shape.ts';
import { take } from './compile-context.ts';
import type { RuleList } from './lists.ts';
import { parseDate } from './units.ts';
import type { YamlSource } from './yaml-source.ts';

/** An exception that nobody has to look at again. */
const NEVER = 'never';

export const listShape = z.strictObject({
  why: z.string().min(1).max(1000).describe('What the list is for.'),
  owner: z.string().min(1).max(200).optional().describe('Who answers for it.'),
  entries: z
    .array(
      z.strictObject({
        value: z.string().min(1).max(256).describe('An account, or whatever the conditions compare with the list.'),
        until: z.string().describe('The date (midnight UTC) on which the entry ends, such as 2027-03-01; or never.'),
        why: z.string().min(1).max(1000).describe('Why it is listed.'),
        by: z.string().min(1).max(200).optional().describe('Who listed it.'),
      }),
    )
    .max(20_000)
    .describe('The values, each with an end.'),
});

/** Reads `lists/NAME.yaml`. Problems are reported on the source; undefined when there are any. */
export function readList(source: YamlSource, name: string, nowMs: number | undefined): RuleList | undefined {
  const document = checkShape(source, listShape);
  if (document === undefined) return undefined;
  const untilMs = new Map<string, number>();
  for (const [index, entry] of document.entries.entries()) {
    const at = ['entries', index];
    if (untilMs.has(entry.value)) {
      const message = `${JSON.stringify(entry.value)} is listed above as well.`;
      source.report([...at, 'value'], 'RULE-LIST-001', message, 'keep one');
    }
    const until = readUntil(source, [...at, 'until'], entry.until, nowMs);
    untilMs.set(entry.value, until);
  }
  return source.errors.length > 0 ? undefined : { name, untilMs };
}

function readUntil(
  source: YamlSource,
  at: readonly (string | number)[],
  text: string,
  nowMs: number | undefined,
): number {
  if (text === NEVER) {
    const message = 'An exception without end outlives the reason for it.';
    source.warn(at, 'RULE-LIST-003', message, 'until: with the date of the next look');
    return Number.POSITIVE_INFINITY;
  }
  const untilMs = take(source, at, parseDate(text));
  if (untilMs !== undefined && nowMs !== undefined && untilMs <= nowMs) {
    source.warn(at, 'RULE-LIST-002', `It ended on ${text}.`, 'remove the entry, or move its end');
  }
  return untilMs ?? Number.NEGATIVE_INFINITY;
}

/** Tells of lists that no rule uses, and of lists with nothing in force that a rule relies on. */
export function checkListUse(
  lists: readonly { readonly list: RuleList; readonly source: YamlSource }[],
  used: ReadonlySet<string>,
  nowMs: number | undefined,
): void {
  for (const { list, source } of lists) {
    if (!used.has(list.name)) {
      const fix = `use it, such as unless: account in list('${list.name}'), or delete it`;
      source.warn([], 'RULE-LIST-004', `No condition names list('${list.name}').`, fix);
    } else if (![...list.untilMs.values()].some((untilMs) => untilMs > (nowMs ?? Number.NEGATIVE_INFINITY))) {
      const message = `list('${list.name}') holds nothing now; the condition that uses it is the same for everybody.`;
      source.warn(['entries'], 'RULE-LIST-005', message, 'list a value, or remove the condition');
    }
  }
}
