import { AppError } from '../../errors.ts';
import type { BalanceRow, ReconcileStore, Run, Slice, StripeBalance } from './reconcile-port.ts';

/** Slices read at once: Stripe answers 25 requests a second, each after a tenth of one. */
const AT_ONCE = 4;
/** Rows kept at once. */
const KEEP_ROWS = 1_000;
/** Times a slice is looked at again because something new came in while it was read. */
const LOOKS_MAX = 20;

export interface ReadParts {
  readonly balance: StripeBalance;
  readonly store: Pick<ReconcileStore, 'slices' | 'keep'>;
}

/**
 * Reads Stripe's balance transactions of a run's window into the store. The place of every slice is kept with its rows, so a
 * run that was cut off goes on where it was. Never holds more than a few pages of each slice.
 */
export async function readStripe(parts: ReadParts, run: Run): Promise<void> {
  const open = (await parts.store.slices(run.runId)).filter(({ isDone }) => !isDone);
  const work = open[Symbol.iterator]();
  const worker = async () => {
    for (const slice of work) await readSlice(parts, run, slice);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, open.length) }, worker));
}

async function readSlice(parts: ReadParts, run: Run, slice: Slice): Promise<void> {
  await readOn(parts, run, slice, slice.after);
  // Lists begin with the newest: what came in while older pages were read stands before them. Read until nothing is new.
  for (let look = 0; look < LOOKS_MAX; look++) {
    if (!(await lookAtHead(parts, run, slice))) break;
  }
  await parts.store.keep(run.runId, [], { sliceNo: slice.sliceNo, after: null, isDone: true });
}

async function readOn({ balance, store }: ReadParts, run: Run, slice: Slice, from: string | null): Promise<void> {
  const { sliceNo, fromMs, toMs } = slice;
  let after = from;
  let waiting: BalanceRow[] = [];
  let keeping: Promise<unknown> = Promise.resolve();
  const flush = async () => {
    const rows = waiting;
    waiting = [];
    await keeping;
    // The next pages are fetched while these are stored.
    keeping = rows.length === 0 ? Promise.resolve() : store.keep(run.runId, rows, { sliceNo, after, isDone: false });
    keeping.catch(() => undefined);
  };
  for (;;) {
    const page: Awaited<ReturnType<StripeBalance['page']>> | undefined = await balance
      .page({ fromMs, toMs, after })
      .catch((error: unknown) => {
        // The row that pages went on after is gone: from the beginning, what is known is known.
        if (after !== null && error instanceof AppError && error.code === 'STRIPE_NOT_FOUND') return undefined;
        throw error;
      });
    if (page === undefined) {
      after = null;
      continue;
    }
    waiting.push(...page.rows);
    after = page.rows.at(-1)?.id ?? after;
    if (waiting.length >= KEEP_ROWS) await flush();
    if (!page.hasMore) break;
  }
  await flush();
  await keeping;
}

/** Whether the newest rows of a slice had something that was not known; reads on until they have not. */
async function lookAtHead({ balance, store }: ReadParts, run: Run, slice: Slice): Promise<boolean> {
  const { sliceNo, fromMs, toMs } = slice;
  let after: string | null = null;
  let isNew = false;
  for (;;) {
    const page: Awaited<ReturnType<StripeBalance['page']>> = await balance.page({ fromMs, toMs, after });
    const added = await store.keep(run.runId, page.rows, { sliceNo, after: null, isDone: false });
    isNew ||= added > 0;
    after = page.rows.at(-1)?.id ?? null;
    if (added === 0 || !page.hasMore) return isNew;
  }
}
