import type pg from 'pg';

/** Rows of a query, a page at a time, inside the caller's transaction: sorted once, never all in memory. */
export async function* readCursor<Row extends pg.QueryResultRow>(
  client: pg.PoolClient,
  cursor: { readonly name: string; readonly sql: string; readonly page: number },
): AsyncGenerator<Row, void, undefined> {
  const { name, sql, page } = cursor;
  await client.query(`declare ${name} no scroll cursor for ${sql}`);
  for (;;) {
    const { rows } = await client.query<Row>(`fetch ${page} from ${name}`);
    yield* rows;
    if (rows.length < page) return;
  }
}

/** Takes from the front of ordered rows those that belong to one batch after another. */
export class BatchedRows<Row extends { readonly lane: number; readonly batch_no: bigint }> {
  readonly #rows: AsyncGenerator<Row, void, undefined>;
  #next: Row | undefined;
  #isStarted = false;

  constructor(rows: AsyncGenerator<Row, void, undefined>) {
    this.#rows = rows;
  }

  /** The rows of this batch; rows of earlier batches, which nobody asked for, are returned as strays. */
  async take(
    lane: number,
    batchNo: bigint,
  ): Promise<{ readonly rows: readonly Row[]; readonly strays: readonly Row[] }> {
    if (!this.#isStarted) await this.#advance();
    this.#isStarted = true;
    const strays: Row[] = [];
    while (this.#next !== undefined && isBefore(this.#next, lane, batchNo)) {
      strays.push(this.#next);
      await this.#advance();
    }
    const rows: Row[] = [];
    while (this.#next?.lane === lane && this.#next.batch_no === batchNo) {
      rows.push(this.#next);
      await this.#advance();
    }
    return { rows, strays };
  }

  async #advance(): Promise<void> {
    const { value, done } = await this.#rows.next();
    this.#next = done === true ? undefined : value;
  }
}

function isBefore(row: { readonly lane: number; readonly batch_no: bigint }, lane: number, batchNo: bigint): boolean {
  return row.lane < lane || (row.lane === lane && row.batch_no < batchNo);
}
