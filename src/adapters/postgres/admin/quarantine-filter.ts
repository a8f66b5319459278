import { formatIso } from '../../../domain/time.ts';
import type { UsageFilter, UsagePart } from '../../../pipeline/admin/quarantine-store.ts';

/** Conditions of a filter on quarantine `q`, and their values, numbered from `first`. */
export function filterSql(
  filter: UsageFilter,
  first = 1,
): { readonly sql: string; readonly values: readonly unknown[] } {
  const { tenant, account, reason, meter, source, fromMs, toMs } = filter;
  const conditions: readonly (readonly [string, unknown])[] = [
    ['q.tenant_id =', tenant],
    ['q.account_id =', account],
    ['q.reason =', reason],
    ['q.meter =', meter],
    ['q.source =', source],
    ['q.event_time >=', fromMs === undefined ? undefined : formatIso(fromMs)],
    ['q.event_time <', toMs === undefined ? undefined : formatIso(toMs)],
  ];
  const given = conditions.filter(([, value]) => value !== undefined);
  return {
    sql: given.map(([condition], index) => `${condition} $${first + index}`).join(' and '),
    values: given.map(([, value]) => value),
  };
}

/** Condition of a part of a wallet's usage on quarantine `q`, and its values, numbered from `first`; all without a part. */
export function partSql(part: UsagePart | undefined, first: number): ReturnType<typeof filterSql> {
  if (part === undefined) return { sql: 'true', values: [] };
  const { sql, values } = filterSql(part.filter, first);
  // A row without the value that is asked for does not fit, and so belongs to the rest.
  return { sql: part.isRest ? `(${sql}) is not true` : sql, values };
}
