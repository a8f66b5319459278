import type pg from 'pg';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import type { Proof } from '../../../pipeline/queries/queries.ts';
import { checkSeal } from '../verify/check-seal.ts';
import { readStoredBatches } from '../verify/stored-batch.ts';
import { counted } from './proof-text.ts';

/**
 * Computes every lane's hash chain again from what is stored. Changing, removing or inserting anything of an earlier batch
 * changes every value after it, up to the head that others may have written down. Entries of archived days come from their
 * files; a batch with entries in a file that is not here has everything but its entries computed again, and is counted.
 */
export async function proveChain(client: pg.PoolClient, files: ArchiveFiles): Promise<Proof> {
  const heads = new Map<number, { chain: Buffer; batchNo: bigint }>();
  const broken: string[] = [];
  let [batches, elsewhere] = [0, 0];
  const stored = readStoredBatches(client, files, undefined);
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
    if (value.away.length > 0) elsewhere++;
    const isNext = row.batch_no === head.batchNo + 1n && strays.entries.length === 0;
    if (!isNext || !seal.header || !seal.entries || !seal.facts || !seal.records) {
      broken.push(`lane ${row.lane} batch ${row.batch_no}`);
    }
    // Going on from the stored value names every broken link, not only the first.
    heads.set(row.lane, { chain: row.chain, batchNo: row.batch_no });
  }
  for (const lane of await wrongHeads(client, heads)) broken.push(`head of lane ${lane}`);
  const note = elsewhere === 0 ? '' : `; ${counted(elsewhere)} with entries in archive files that are not here`;
  return {
    name: 'the chain of batches is unbroken',
    ok: broken.length === 0,
    detail: `${counted(batches)} batches in ${counted(heads.size)} lanes${note}${broken.length === 0 ? '' : `; broken: ${broken.slice(0, 3).join(', ')}`}`,
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
