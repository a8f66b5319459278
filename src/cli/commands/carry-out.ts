import { formatMoney } from '../../domain/money/nanos.ts';
import type { UsageTotal } from '../../pipeline/admin/admin-store.ts';
import type { AdminRequest } from '../../pipeline/admin/request.ts';
import type { Books, CliContext } from '../context.ts';
import type { CommonOptions } from '../options.ts';
import { type Answer, print } from '../output/print.ts';
import { count } from '../output/words.ts';
import { withBooks } from '../with-books.ts';
import { type ChangeOptions, type ChangeState, closing } from './change-view.ts';

/** Carries out what a command that changes something was asked for, once per key, and prints its answer. */
export async function carryOut<T extends { readonly isRepeated: boolean }>(
  context: CliContext,
  options: CommonOptions & ChangeOptions,
  command: {
    readonly work: (books: Books, request: AdminRequest) => Promise<T>;
    /** What is printed; the line about key and dry run is added to the text, unless there is nothing it could be about. */
    readonly answer: (result: T, change: ChangeState) => Answer & { readonly isUnchanged?: boolean };
  },
): Promise<void> {
  const request = {
    key: options.key ?? context.newKey(),
    actor: context.actor,
    reason: options.reason ?? null,
    nowMs: context.now(),
    dryRun: options.dryRun === true,
  };
  const result = await withBooks(context, (books) => command.work(books, request));
  const change = { key: request.key, dryRun: request.dryRun, isRepeated: result.isRepeated };
  const { json, text, isUnchanged = false } = command.answer(result, change);
  print(context, options.json, { json, text: isUnchanged ? text : `${text}\n${closing(change)}` });
}

/** The line about usage that a credit or a wider limit has posted; none when there was none. */
export function releasedLines(
  { events, amount }: UsageTotal,
  currency: string,
  { waitedFor = '', isOnlyTried = false } = {},
): readonly string[] {
  if (events === 0) return [];
  const posted = isOnlyTried ? 'Would post' : 'Posted';
  return [`${posted} ${count(events, 'event')} worth ${formatMoney(amount, currency)} that waited${waitedFor}.`];
}
