import { assert } from '../assert.ts';
import type { LedgerMovement, Pair, StripeMovement } from './movement.ts';

/** Rows in ascending order of their reference (by code unit), a batch at a time. */
export type SortedBatches<T> = AsyncIterable<readonly T[]>;

/**
 * Merges two sorted streams into what both sides say of each Stripe object. Holds one batch of each and one pair, however
 * many rows there are. A stream that is not sorted is an error of its source and thrown.
 */
export async function* pairUp(
  ledger: SortedBatches<LedgerMovement>,
  stripe: SortedBatches<StripeMovement>,
): AsyncGenerator<Pair, void, undefined> {
  const ours = new SortedRows(ledger);
  const theirs = new SortedRows(stripe);
  for (;;) {
    if (ours.isEmpty) await ours.refill();
    if (theirs.isEmpty) await theirs.refill();
    const reference = lesser(ours.next, theirs.next);
    if (reference === undefined) return;
    yield { reference, ledger: await ours.take(reference), stripe: await theirs.take(reference) };
  }
}

class SortedRows<T extends { readonly reference: string }> {
  readonly #batches: AsyncIterator<readonly T[]>;
  #batch: readonly T[] = [];
  #place = 0;
  #isOver = false;
  #last = '';

  constructor(batches: SortedBatches<T>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  get isEmpty(): boolean {
    return !this.#isOver && this.#place >= this.#batch.length;
  }

  /** Reference of the row that comes next; undefined at the end. */
  get next(): string | undefined {
    return this.#batch[this.#place]?.reference;
  }

  async refill(): Promise<void> {
    while (this.isEmpty) {
      const { value, done } = await this.#batches.next();
      this.#isOver = done === true;
      this.#batch = done === true ? [] : value;
      this.#place = 0;
    }
  }

  async take(reference: string): Promise<readonly T[]> {
    const taken: T[] = [];
    for (;;) {
      if (this.isEmpty) await this.refill();
      const row = this.#batch[this.#place];
      if (row === undefined || row.reference !== reference) return taken;
      assert(row.reference >= this.#last, 'rows come in the order of their reference');
      this.#last = row.reference;
      this.#place++;
      taken.push(row);
    }
  }
}

function lesser(left: string | undefined, right: string | undefined): string | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return left < right ? left : right;
}
