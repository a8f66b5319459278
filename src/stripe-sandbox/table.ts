import type { Params } from './http/params.ts';
import { invalidRequest, noSuch } from './stripe-fault.ts';

const LIMIT_STANDARD = 10;
const LIMIT_MAX = 100;

/** What every stored object has. */
export interface Row {
  readonly id: string;
  /** Unix seconds; objects of API v2 have text here. */
  readonly created?: number | string;
}

/** A page of Stripe's. */
export interface Page<T> {
  readonly object: 'list';
  readonly data: T[];
  readonly has_more: boolean;
  readonly url: string;
}

/** Objects of one kind in order of creation; lists are newest first, like Stripe's. */
export class Table<T extends Row> {
  readonly #kind: string;
  readonly #rows: T[] = [];
  readonly #places = new Map<string, number>();
  readonly #gone = new Set<string>();

  /** The kind as Stripe's messages say it: `No such customer`. */
  constructor(kind: string) {
    this.#kind = kind;
  }

  add(row: T): T {
    this.#places.set(row.id, this.#rows.length);
    this.#rows.push(row);
    return row;
  }

  find(id: string): T | undefined {
    const place = this.#places.get(id);
    return place === undefined || this.#gone.has(id) ? undefined : this.#rows[place];
  }

  get(id: string, param = 'id'): T {
    const row = this.find(id);
    if (row === undefined) throw noSuch(this.#kind, id, param);
    return row;
  }

  /** Takes a row out; its id stays known, so that a page that begins after it still works. */
  remove(id: string): T {
    const row = this.get(id);
    this.#gone.add(id);
    return row;
  }

  /** Every row, and the ids of those taken out, for a file. */
  dump(): { readonly rows: readonly T[]; readonly gone: readonly string[] } {
    return { rows: this.#rows, gone: [...this.#gone] };
  }

  /** Takes in what `dump` gave; the table must be new. */
  restore({ rows, gone }: { readonly rows: readonly T[]; readonly gone: readonly string[] }): void {
    for (const row of rows) this.add(row);
    for (const id of gone) this.#gone.add(id);
  }

  /** How many rows were ever added. */
  get size(): number {
    return this.#rows.length;
  }

  /** In order of creation. */
  all(): T[] {
    return this.#rows.filter(({ id }) => !this.#gone.has(id));
  }

  /** One page by `limit`, `starting_after`, `ending_before`, and `created` with its bounds. */
  page(url: string, params: Params, matches: (row: T) => boolean = () => true): Page<T> {
    const limit = limitOf(params);
    const inWindow = createdFilter(params);
    const wanted = (row: T) => !this.#gone.has(row.id) && inWindow(row) && matches(row);
    const after = params.text('starting_after');
    const before = params.text('ending_before');
    if (after !== undefined && before !== undefined) {
      throw invalidRequest('You cannot specify both starting_after and ending_before.', { param: 'starting_after' });
    }
    const [found, hasMore] =
      before === undefined
        ? this.#walk(this.#startOf(after, 'starting_after'), -1, limit, wanted)
        : this.#walk(this.#startOf(before, 'ending_before'), 1, limit, wanted);
    const data = before === undefined ? found : found.reverse();
    return { object: 'list', data, has_more: hasMore, url };
  }

  #startOf(id: string | undefined, param: string): number {
    if (id === undefined) return this.#rows.length;
    const place = this.#places.get(id);
    if (place === undefined) throw noSuch(this.#kind, id, param);
    return place;
  }

  #walk(from: number, step: 1 | -1, limit: number, wanted: (row: T) => boolean): [T[], boolean] {
    const found: T[] = [];
    for (let at = from + step; at >= 0 && at < this.#rows.length; at += step) {
      const row = this.#rows[at];
      if (row === undefined || !wanted(row)) continue;
      if (found.length === limit) return [found, true];
      found.push(row);
    }
    return [found, false];
  }
}

/** What every list route takes. */
export const PAGE_PARAMS = ['limit', 'starting_after', 'ending_before', 'expand'] as const;

function limitOf(params: Params): number {
  const limit = params.integer('limit') ?? LIMIT_STANDARD;
  if (limit < 1) throw invalidRequest('This value must be greater than or equal to 1.', { param: 'limit' });
  if (limit > LIMIT_MAX) {
    throw invalidRequest(`This value must be less than or equal to ${LIMIT_MAX}.`, { param: 'limit' });
  }
  return limit;
}

function createdFilter(params: Params): (row: Row) => boolean {
  if (!params.has('created')) return () => true;
  const bounds = createdBounds(params);
  return ({ created = 0 }) =>
    typeof created === 'number' &&
    created >= (bounds.gte ?? created) &&
    created > (bounds.gt ?? created - 1) &&
    created < (bounds.lt ?? created + 1) &&
    created <= (bounds.lte ?? created);
}

function createdBounds(params: Params) {
  if (!params.isHash('created')) {
    // A plain number means that second alone.
    const second = params.integer('created');
    return { gt: undefined, gte: second, lt: undefined, lte: second };
  }
  const range = params.hash('created');
  range?.refuseUnknown(['gt', 'gte', 'lt', 'lte']);
  return { gt: range?.integer('gt'), gte: range?.integer('gte'), lt: range?.integer('lt'), lte: range?.integer('lte') };
}
