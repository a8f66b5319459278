import type pg from 'pg';
import { z } from 'zod';
import type { ChangeKind } from '../../../domain/ledger/wallet-change.ts';
import { decodeFacts } from '../../../pipeline/lane/facts-codec.ts';
import type { Proof } from '../../../pipeline/queries/queries.ts';
import { chainAfterChange } from '../admin/change-chain.ts';
import { chainAfterSet } from '../admin/set-chain.ts';
import { encodeEntries } from '../copy-entries.ts';
import { chainAfter } from '../write-batch.ts';
import { type ChainEntryRow, encodable, inLaneOrder } from './entry-order.ts';
import { BatchedRows, readCursor } from './read-cursor.ts';

interface BatchRow {
  readonly lane: number;
  readonly batch_no: bigint;
  readonly kind: 'usage' | 'set' | ChangeKind;
  readonly epoch: bigint;
  readonly events: number;
  readonly priced: bigint;
  readonly ruleset_hash: string | null;
  readonly idempotency_key: string | null;
  readonly request_hash: string | null;
  readonly actor: string;
  readonly reason: string | null;
  readonly chain: Buffer;
  readonly posted_at: Date;
  readonly contra: unknown;
  readonly freezes: readonly string[] | null;
  readonly facts: Buffer | null;
}

const BATCHES = {
  name: 'chain_batch',
  page: 50,
  sql: `select b.lane, b.batch_no, b.kind, b.epoch, b.events, b.priced, b.ruleset_hash, b.idempotency_key, b.request_hash, b.actor,
      b.reason, b.chain, b.posted_at, f.facts,
      (select json_agg(json_build_object('ledgerAccount', c.ledger_account, 'currency', c.currency, 'amount', c.amount::text))
         from batch_contra c where c.lane = b.lane and c.batch_no = b.batch_no) as contra,
      d.freezes
    from batch b left join batch_facts f using (lane, batch_no)
    left join (select lane, batch_no, array_agg(event_key::text) as freezes from decision where outcome = 'freeze'
      group by lane, batch_no) d using (lane, batch_no)
    order by b.lane, b.batch_no`,
};
const ENTRIES = {
  name: 'chain_entry',
  page: 5_000,
  sql: `select e.lane, e.batch_no, e.event_key, e.wallet_id, w.tenant_id, w.account_id, e.seq, e.amount, e.balance_after,
      e.content_hash, e.kind
    from entry e join wallet w using (wallet_id) order by e.lane, e.batch_no, e.wallet_id, e.seq`,
};
const contraSchema = z
  .array(
    z.object({
      ledgerAccount: z.enum(['revenue', 'cash', 'promotion']),
      currency: z.string(),
      amount: z.string().transform(BigInt),
    }),
  )
  .nullable();

/**
 * Computes every lane's hash chain again from the stored batches and entries. Changing, removing or inserting anything of
 * an earlier batch changes every value after it, up to the head that others may have written down.
 */
export async function proveChain(client: pg.PoolClient): Promise<Proof> {
  const entries = new BatchedRows(readCursor<ChainEntryRow>(client, ENTRIES));
  const heads = new Map<number, { chain: Buffer; batchNo: bigint }>();
  const broken: string[] = [];
  let batches = 0;
  for await (const batch of readCursor<BatchRow>(client, BATCHES)) {
    batches++;
    const { rows, strays } = await entries.take(batch.lane, batch.batch_no);
    const head = heads.get(batch.lane) ?? { chain: Buffer.alloc(0), batchNo: 0n };
    const isNext = batch.batch_no === head.batchNo + 1n && strays === 0;
    if (!isNext || !linkOf(batch, rows, head.chain).equals(batch.chain)) {
      broken.push(`lane ${batch.lane} batch ${batch.batch_no}`);
    }
    // Going on from the stored value names every broken link, not only the first.
    heads.set(batch.lane, { chain: batch.chain, batchNo: batch.batch_no });
  }
  for (const lane of await wrongHeads(client, heads)) broken.push(`head of lane ${lane}`);
  return {
    name: 'the chain of batches is unbroken',
    ok: broken.length === 0,
    detail: `${batches} batches in ${heads.size} lanes${broken.length === 0 ? '' : `; broken: ${broken.slice(0, 3).join(', ')}`}`,
  };
}

function linkOf(batch: BatchRow, rows: readonly ChainEntryRow[], previous: Buffer): Buffer {
  const { lane, epoch, priced } = batch;
  if (batch.kind === 'usage') {
    const facts = batch.facts === null ? [] : decodeFacts(batch.facts);
    const ordered = inLaneOrder(rows, facts, new Set(batch.freezes ?? []));
    const batchNo = Number(batch.batch_no);
    const header = {
      lane,
      batchNo,
      epoch,
      rulesetHash: batch.ruleset_hash ?? '',
      priced,
      previousChain: previous,
      facts,
    };
    return chainAfter(header, encodeEntries(ordered.map(encodable), batchNo, lane));
  }
  const contra = contraSchema.parse(batch.contra) ?? [];
  const { idempotency_key: key, request_hash: hash } = batch;
  if (batch.kind === 'set') {
    const bytes = encodeEntries(rows.map(encodable), Number(batch.batch_no), lane);
    const { actor, reason } = batch;
    const atMs = batch.posted_at.getTime();
    return chainAfterSet(previous, { lane, batchNo: batch.batch_no, epoch, atMs, actor, reason, contra }, bytes);
  }
  return chainAfterChange(
    previous,
    { lane, lastBatch: batch.batch_no, epoch, atMs: batch.posted_at.getTime() },
    {
      kind: batch.kind,
      events: batch.events,
      priced,
      request: key === null || hash === null ? undefined : { key, hash },
      actor: batch.actor,
      reason: batch.reason,
      contra,
      entries: rows.map(encodable),
      wallet: { walletId: rows[0]?.wallet_id ?? 0n, currency: contra[0]?.currency ?? '' },
    },
  );
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
