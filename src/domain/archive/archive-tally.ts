import type { ArchivedEntry } from './archived-entry.ts';

/** Counts and sums the entries of a file, without keeping any of them. */
export class ArchiveTally {
  readonly #sums = new Map<string, bigint>();
  rows = 0;
  firstKey: string | null = null;
  lastKey: string | null = null;

  add({ eventKey, currency, amount }: ArchivedEntry): void {
    this.rows++;
    this.#sums.set(currency, (this.#sums.get(currency) ?? 0n) + amount);
    // The text of a uuid sorts as the uuid does.
    if (this.firstKey === null || eventKey < this.firstKey) this.firstKey = eventKey;
    if (this.lastKey === null || eventKey > this.lastKey) this.lastKey = eventKey;
  }

  /** Nano-units per currency as decimal text, in the order of the currencies' names. */
  get sums(): Readonly<Record<string, string>> {
    const sorted = [...this.#sums].sort(([left], [right]) => (left < right ? -1 : 1));
    return Object.fromEntries(sorted.map(([currency, sum]) => [currency, sum.toString()]));
  }
}
