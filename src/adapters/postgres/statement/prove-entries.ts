import type pg from 'pg';
import { headerHash, linkLeaf } from '../../../domain/ledger/chain/batch-link.ts';
import { type ProofNodes, TreeReader } from '../../../domain/ledger/chain/merkle.ts';
import { formatLaneHead, type LaneHead, parseLaneHead } from '../../../domain/ledger/chain/published-head.ts';
import { AppError } from '../../../errors.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import type { BatchProof, StatementProof } from '../../../pipeline/statement/statement.ts';
import { openArchivedChain } from '../archive/chain-entries.ts';
import { BatchedRows, readCursor } from '../queries/read-cursor.ts';
import { treeOf } from '../verify/check-seal.ts';
import type { BatchRow, EntryRow } from '../verify/stored-batch.ts';

interface Place {
  readonly lane: number;
  readonly batchNo: bigint;
}

/** Links read at a time: 32 bytes each, handed over by the server as one value. */
const LINKS_PAGE = 4_096;

/** Heads of all lanes as they are now. */
export async function readHeads(client: pg.PoolClient): Promise<readonly string[]> {
  const heads: string[] = [];
  for (const lane of await lanesOf(client)) heads.push(formatLaneHead((await readLane(client, lane, [])).head));
  return heads;
}

/** Proves one wallet's entries in these batches, against published heads or the ledger as it is now. */
export async function proveEntries(
  client: pg.PoolClient,
  wanted: {
    readonly walletId: bigint;
    readonly places: readonly Place[];
    readonly published: readonly string[] | undefined;
    /** Where entries of archived days are. */
    readonly files: ArchiveFiles;
  },
): Promise<StatementProof> {
  const { walletId, places, published, files } = wanted;
  const goals = published?.map((text) => {
    const head = parseLaneHead(text);
    if (head === undefined) throw new AppError('CLI_USAGE', `${JSON.stringify(text)} is not the head of a lane.`);
    return head;
  });
  const heads: string[] = [];
  const lanes = new Map<number, ProofNodes>();
  for (const lane of goals?.map((head) => head.lane) ?? (await lanesOf(client))) {
    const wanted = places.filter((place) => place.lane === lane).map(({ batchNo }) => Number(batchNo - 1n));
    const goal = goals?.find((head) => head.lane === lane);
    const { head, nodes } = await readLane(client, lane, wanted, goal);
    heads.push(formatLaneHead(head));
    if (wanted.length > 0) lanes.set(lane, nodes);
  }
  const stranger = places.find(({ lane }) => !lanes.has(lane));
  if (stranger !== undefined) throw new AppError('CLI_USAGE', `The published head knows no lane ${stranger.lane}.`);
  return { heads, lanes, batches: await proveBatches(client, files, walletId, places) };
}

async function lanesOf(client: pg.PoolClient): Promise<readonly number[]> {
  const { rows } = await client.query<{ lane: number }>('select lane from lane_head order by lane');
  return rows.map(({ lane }) => lane);
}

async function readLane(
  client: pg.PoolClient,
  lane: number,
  wanted: readonly number[],
  goal?: LaneHead,
): Promise<{ readonly head: LaneHead; readonly nodes: ProofNodes }> {
  const through = goal?.batches ?? Number.MAX_SAFE_INTEGER;
  const late = wanted.find((index) => index >= through);
  if (late !== undefined) {
    throw new AppError('CLI_USAGE', `Batch ${late + 1} of lane ${lane} was written after the head was published.`, {
      fix: 'End the statement before the head with --to, or take a newer head.',
    });
  }
  const tree = new TreeReader(wanted);
  const name = `links_${lane}`;
  const pages = readCursor<{ links: Buffer; last: bigint }>(client, {
    name,
    page: 16,
    sql: `select string_agg(chain, ''::bytea order by batch_no) as links, max(batch_no) as last from batch
      where lane = ${lane} and batch_no <= ${through} group by (batch_no - 1) / ${LINKS_PAGE} order by (batch_no - 1) / ${LINKS_PAGE}`,
  });
  let [count, last] = [0, 0n];
  for await (const page of pages) {
    for (let at = 0; at < page.links.length; at += 32, count++) tree.push(linkLeaf(page.links.subarray(at, at + 32)));
    last = page.last;
  }
  await client.query(`close ${name}`);
  const { root, nodes, size } = tree.finish();
  const isWhole = BigInt(count) === last && (goal === undefined || (size === goal.batches && root.equals(goal.root)));
  if (!isWhole) {
    throw new AppError(
      'LEDGER_CHANGED',
      `Lane ${lane} is not what its head says: batches are missing or were changed.`,
    );
  }
  return { head: { lane, batches: size, root }, nodes };
}

async function proveBatches(
  client: pg.PoolClient,
  files: ArchiveFiles,
  walletId: bigint,
  places: readonly Place[],
): Promise<readonly BatchProof[]> {
  const chosen = `(values ${[...places, { lane: -1, batchNo: 0n }].map(({ lane, batchNo }) => `(${lane}::smallint, ${batchNo}::bigint)`).join()}) as p(lane, batch_no)`;
  const attached = readCursor<EntryRow>(client, {
    name: 'proof_entry',
    page: 2_000,
    sql: `select e.* from entry e join ${chosen} using (lane, batch_no) order by e.lane, e.batch_no, e.wallet_id, e.seq`,
  });
  const archived = await openArchivedChain(client, await filesFor(client, files, chosen), attached, undefined);
  const entries = new BatchedRows<EntryRow>(archived.rows);
  const batches = readCursor<BatchRow & { previous: Buffer | null; contra: string }>(client, {
    name: 'proof_batch',
    page: 100,
    sql: `select b.*, before.chain as previous, coalesce((select json_agg(json_build_array(c.ledger_account, c.currency, c.amount::text))
        from batch_contra c where c.lane = b.lane and c.batch_no = b.batch_no), '[]'::json)::text as contra
      from batch b join ${chosen} using (lane, batch_no)
      left join batch before on before.lane = b.lane and before.batch_no = b.batch_no - 1 order by b.lane, b.batch_no`,
  });
  const proofs: BatchProof[] = [];
  for await (const row of batches) {
    const { rows } = await entries.take(row.lane, row.batch_no);
    if ((await archived.away(row.lane, row.batch_no)).length > 0) {
      throw new AppError(
        'ARCHIVE_AWAY',
        `Batch ${row.batch_no} of lane ${row.lane} has entries in an archive file that is not here.`,
      );
    }
    const tree = treeOf(rows, row);
    const index = tree.walletIds.indexOf(walletId);
    const reader = new TreeReader([index]);
    for (const leaf of tree.leaves) reader.push(Buffer.from(leaf, 'latin1'));
    proofs.push({
      lane: row.lane,
      batchNo: row.batch_no,
      kind: row.kind,
      postedAtMs: row.posted_at.getTime(),
      wallets: tree.walletIds.length,
      index,
      nodes: reader.finish().nodes,
      headerHash: storedHeaderHash(row),
      previous: row.previous ?? Buffer.alloc(32),
    });
  }
  return proofs;
}

/** No file is read when no batch has entries in one. */
async function filesFor(client: pg.PoolClient, files: ArchiveFiles, chosen: string): Promise<ArchiveFiles> {
  const { rows } = await client.query<{ day: string }>(
    `select distinct a.day::text from archived_batch_day a join ${chosen} using (lane, batch_no)
     join archived_day d using (day) where d.state = 'archived'`,
  );
  const days = new Set(rows.map(({ day }) => day));
  return days.size > 0 ? files : { ...files, find: async () => undefined };
}

function storedHeaderHash(row: BatchRow & { readonly contra: string }): Buffer {
  const legs = JSON.parse(row.contra) as readonly (readonly [string, string, string])[];
  return headerHash({
    epoch: row.epoch,
    events: row.events,
    posted: row.posted,
    duplicate: row.duplicate,
    quarantined: row.quarantined,
    priced: row.priced,
    rulesetHash: row.ruleset_hash,
    idempotencyKey: row.idempotency_key,
    requestHash: row.request_hash,
    actor: row.actor,
    reason: row.reason,
    contra: legs.map(([ledgerAccount, currency, amount]) => ({ ledgerAccount, currency, amount: BigInt(amount) })),
    factsHash: row.facts_hash,
    recordsHash: row.records_hash,
  });
}
