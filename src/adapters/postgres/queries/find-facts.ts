import type pg from 'pg';
import { decodeFacts, mayHoldId, type StoredFact } from '../../../pipeline/lane/facts-codec.ts';

/** An event where it is stored. */
export interface LocatedFact {
  readonly fact: StoredFact;
  readonly lane: number;
  readonly batchNo: number;
  /** Its place among the facts of the batch. */
  readonly position: number;
}

/** Filters read at a time: 1.5 bytes an event, so a page of full batches is about two megabytes. */
const FILTERS_PAGE = 250;

/**
 * Finds an event id in the stored batches, newest first within a lane. Only the filters are read, and the facts of the
 * few batches whose filter may hold the id: an index on ids would cost every insert, this costs a look-up some time.
 */
export async function findFacts(pool: pg.Pool, id: string, tenant: string): Promise<readonly LocatedFact[]> {
  const { rows } = await pool.query<{ lane: number }>('select lane from lane_head order by lane');
  const found: LocatedFact[] = [];
  for (const { lane } of rows) {
    for await (const batchNo of candidates(pool, lane, id)) {
      for (const located of await readBatch(pool, lane, batchNo)) {
        if (located.fact.id === id && located.fact.tenant === tenant) found.push(located);
      }
    }
  }
  return found;
}

async function* candidates(pool: pg.Pool, lane: number, id: string): AsyncIterable<number> {
  let before: bigint | null = null;
  for (;;) {
    const { rows }: { rows: { batch_no: bigint; id_filter: Buffer }[] } = await pool.query(
      `select batch_no, id_filter from batch_facts where lane = $1 and ($2::bigint is null or batch_no < $2)
       order by batch_no desc limit $3`,
      [lane, before, FILTERS_PAGE],
    );
    for (const row of rows) {
      before = row.batch_no;
      if (mayHoldId(row.id_filter, id)) yield Number(row.batch_no);
    }
    if (rows.length < FILTERS_PAGE) return;
  }
}

async function readBatch(pool: pg.Pool, lane: number, batchNo: number): Promise<readonly LocatedFact[]> {
  const { rows } = await pool.query<{ facts: Buffer }>(
    'select facts from batch_facts where lane = $1 and batch_no = $2',
    [lane, batchNo],
  );
  const facts = rows[0] === undefined ? [] : decodeFacts(rows[0].facts);
  return facts.map((fact, position) => ({ fact, lane, batchNo, position }));
}
