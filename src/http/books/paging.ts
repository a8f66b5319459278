import { z } from 'zod';
import { RequestProblem } from '../server/problem.ts';

const LIMIT = 50;
const LIMIT_MAX = 500;

/** What every list takes. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(LIMIT),
  cursor: z.string().max(1_000).optional().describe('`next` of the page before.'),
});

/** A page: its rows, and where the next one begins. */
export function pageSchema<Row extends z.ZodType>(row: Row) {
  return z.object({ data: z.array(row), next: z.string().nullable().describe('Send it as cursor; null at the end.') });
}

/** The row a cursor stands for; undefined without one. */
export function afterOf(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  // A text of our own survives the way back; anything else was never given out.
  const isOurs = text !== '' && Buffer.from(text, 'utf8').toString('base64url') === cursor && !text.includes('\u0000');
  if (isOurs) return text;
  throw new RequestProblem([{ field: 'query.cursor', message: 'is none that a list has given' }]);
}

/** Rows as a page. They were asked for with one more than the limit, which tells whether there is a next page. */
export function pageOf<Row, View>(
  rows: readonly Row[],
  limit: number,
  view: (row: Row) => View,
  nameOf: (row: Row) => string,
): { readonly data: View[]; readonly next: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next =
    rows.length > limit && last !== undefined ? Buffer.from(nameOf(last), 'utf8').toString('base64url') : null;
  return { data: shown.map(view), next };
}
