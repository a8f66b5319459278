import type pg from 'pg';
import type { Proof } from '../../../pipeline/queries/queries.ts';
import { checkSeal } from '../verify/check-seal.ts';
import { readStoredBatches } from '../verify/stored-batch.ts';

/**
 * Computes every lane's hash chain again from what is stored. Changing, removing or inserting anything of an earlier batch
 * changes every value after it, up to the head that others may have written down.
 */
export async function proveChain(client: pg.PoolClient): Promise<Proof> {
  const heads = new Map<number, { chain: Buffer; batchNo: bigint }>();
  const broken: string[] = [];
  let batches = 0;
  const stored = readStoredBatches(client, undefined);
  for (;;) {
    const { value, done } = await stored.next();
    if (done === true) {
      if (value.entries.length > 0) broken.push('entries without a batch');
      break;
    }
    batches++;
    const { row, strays } = value;
    const head = heads.get(row.lane) ?? { chain: Buffer.alloc(0), batchNo: 0n };
    const seal = checkSeal(value, head.chain);
    const isNext = row.batch_no === head.batchNo + 1n && strays.entries.length === 0;
    if (!isNext || !seal.header || !seal.entries || !seal.facts || !seal.records) {
      broken.push(`lane ${row.lane} batch ${row.batch_no}`);
    }
    // Going on from the stored value names every broken link, not only the first.
    heads.set(row.lane, { chain: row.chain, batchNo: row.batch_no });
  }
  for (const lane of await wrongHeads(client, heads)) broken.push(`head of lane ${lane}`);
  return {
    name: 'the chain of batches is unbroken',
    ok: broken.length === 0,
    detail: `${batches} batches in ${heads.size} lanes${broken.length === 0 ? '' : `; broken: ${broken.slice(0, 3).join(', ')}`}`,
  };
}

async function wrongHeads(
  client: pg.PoolClient,
  heads: ReadonlyMap<number, { readonly chain: Buffer; readonly batchNo: bigint }>,
): Promise<readonly number[]> {
  const { rows } = await client.query<{ lane: number; last_batch: bigint; chain: Buffer }>(
    'select lane, last_batch, chain from lane_head order by lane',
  );
  return rows
    .filter(({ lane, last_batch, chain }) => {
      const computed = heads.get(lane) ?? { chain: Buffer.alloc(0), batchNo: 0n };
      return last_batch !== computed.batchNo || !chain.equals(computed.chain);
    })
    .map(({ lane }) => lane);
}
