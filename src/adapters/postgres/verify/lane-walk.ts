import type pg from 'pg';
import { linkLeaf } from '../../../domain/ledger/chain/batch-link.ts';
import { TreeReader } from '../../../domain/ledger/chain/merkle.ts';
import type { LaneHead } from '../../../domain/ledger/chain/published-head.ts';
import { finding, type LedgerFinding } from '../../../pipeline/queries/ledger-finding.ts';
import { linkOf, type SealCheck } from './check-seal.ts';
import { placeOf } from './check-usage.ts';
import type { BatchRow, StoredBatch } from './stored-batch.ts';

interface StoredHead {
  readonly lane: number;
  readonly last_batch: bigint;
  readonly chain: Buffer;
  readonly features_through: bigint;
  readonly epoch: bigint;
}

/** The other sides there are. */
const LEDGER_ACCOUNTS = ['revenue', 'cash', 'promotion', 'correction', 'breakage'];

/** Where the walk stands in a lane. */
interface LanePlace {
  batchNo: bigint;
  chain: Buffer;
  row: BatchRow | undefined;
  /** A batch whose link does not fit and of which nothing is named yet; its successor may tell what was changed. */
  doubt: { readonly batch: StoredBatch; readonly link: Buffer; readonly previous: Buffer } | undefined;
  /** Numbers of batches that are not there. */
  readonly missing: { readonly from: bigint; readonly to: bigint }[];
  readonly tree: TreeReader;
}

/** Follows the lanes from batch to batch: numbers without gaps, links that fit, and the head at the end. */
export class LaneWalk {
  readonly #places = new Map<number, LanePlace>();
  readonly #heads: ReadonlyMap<number, StoredHead>;
  readonly #published: readonly LaneHead[];
  readonly #tell: (found: LedgerFinding) => void;

  constructor(
    heads: { readonly stored: readonly StoredHead[]; readonly published: readonly LaneHead[] },
    tell: (found: LedgerFinding) => void,
  ) {
    this.#heads = new Map(heads.stored.map((head) => [head.lane, head]));
    this.#published = heads.published;
    this.#tell = tell;
  }

  get lanes(): number {
    return this.#places.size;
  }

  /** The stored link before the lane's next batch. */
  previous(lane: number): Buffer {
    return this.#at(lane).chain;
  }

  /** Whether the batch of this row is known to be missing. */
  isMissing({ lane, batch_no }: { readonly lane: number; readonly batch_no: bigint }): boolean {
    const head = this.#heads.get(lane);
    const place = this.#at(lane);
    if (place.missing.some(({ from, to }) => batch_no >= from && batch_no <= to)) return true;
    return head !== undefined && batch_no > place.batchNo && batch_no <= head.last_batch;
  }

  enter({ row }: StoredBatch): void {
    const place = this.#at(row.lane);
    if (row.batch_no === place.batchNo + 1n) return;
    this.#miss(row.lane, place, { from: place.batchNo + 1n, to: row.batch_no - 1n });
  }

  leave(batch: StoredBatch, seal: SealCheck, isNamed: boolean): void {
    const { row } = batch;
    const place = this.#at(row.lane);
    const { batchNo, chain: previous } = place;
    const follows = row.batch_no === batchNo + 1n;
    let fits = seal.header;
    if (place.doubt !== undefined) {
      // The successor was linked to what the batch was: if the link of what is stored now fits it, only the link was changed.
      const { link } = place.doubt;
      const healed = linkOf(batch, link).equals(row.chain);
      this.#settle(place, healed);
      fits ||= healed;
    }
    if (!fits && follows) {
      if (isNamed) this.#tellSoftly(batch);
      else place.doubt = { batch, link: seal.link, previous };
    }
    if (place.row !== undefined && row.epoch < place.row.epoch && fits) {
      this.#tell(changedColumn(row, 'epoch', row.epoch.toString(), `at least ${place.row.epoch}`));
    }
    place.batchNo = row.batch_no;
    place.chain = row.chain;
    place.row = row;
    place.tree.push(linkLeaf(row.chain));
    this.#compareWithPublished(row.lane, place);
  }

  /** Compares the heads, after the last batch. */
  async finish(client: pg.PoolClient, only: readonly number[] | undefined): Promise<void> {
    for (const head of this.#heads.values()) {
      if (only !== undefined && !only.includes(head.lane)) continue;
      const place = this.#at(head.lane);
      const about = { table: 'lane_head', lane: head.lane, batch: place.batchNo.toString() };
      if (head.last_batch > place.batchNo && place.batchNo > 0n && head.chain.equals(place.chain)) {
        const values = { column: 'last_batch', stored: head.last_batch.toString(), expected: place.batchNo.toString() };
        this.#tell(
          finding({ what: 'changed', ...about, ...values, why: `its link is that of batch ${place.batchNo}` }),
        );
      } else if (head.last_batch > place.batchNo) {
        this.#miss(head.lane, place, { from: place.batchNo + 1n, to: head.last_batch });
      } else if (head.last_batch < place.batchNo) {
        const values = { column: 'last_batch', stored: head.last_batch.toString(), expected: place.batchNo.toString() };
        const why = `batch ${place.batchNo} is there: the head was set back, or batches after it were inserted`;
        this.#tell(finding({ what: 'changed', ...about, ...values, why }));
      }
      const isHealed = place.doubt?.link.equals(head.chain) === true;
      this.#settle(place, isHealed);
      if (head.last_batch === place.batchNo && !isHealed && !head.chain.equals(place.chain)) {
        const values = { column: 'chain', stored: head.chain.toString('hex'), expected: place.chain.toString('hex') };
        this.#tell(finding({ what: 'changed', ...about, ...values, why: 'the last batch has another link' }));
      }
      if (head.features_through > head.last_batch) {
        const values = { column: 'features_through', stored: head.features_through.toString() };
        this.#tell(finding({ what: 'changed', ...about, ...values, why: 'it is ahead of the last batch' }));
      }
      if (place.row !== undefined && place.row.epoch > head.epoch) {
        const values = { column: 'epoch', stored: head.epoch.toString(), expected: `at least ${place.row.epoch}` };
        this.#tell(
          finding({
            what: 'changed',
            ...about,
            table: 'lane_epoch',
            ...values,
            why: 'its last batch is of a later epoch',
          }),
        );
      }
    }
    for (const { lane, batches } of this.#published) {
      if (only !== undefined && !only.includes(lane)) continue;
      if (this.#at(lane).batchNo >= BigInt(batches)) continue;
      const why = `a head with ${batches} batches was published, and there are ${this.#at(lane).batchNo}: the end was cut off`;
      this.#tell(finding({ what: 'missing', table: 'batch', lane, batch: String(batches), why }));
    }
    await this.#findHeadless(client);
  }

  #compareWithPublished(lane: number, place: LanePlace): void {
    for (const head of this.#published) {
      if (head.lane !== lane || BigInt(head.batches) !== place.batchNo) continue;
      if (place.tree.root().equals(head.root)) continue;
      const why =
        'up to here the lane is not the one that was published: a batch was changed and the chain made to fit';
      this.#tell(finding({ what: 'broken', table: 'batch', lane, batch: place.batchNo.toString(), why }));
    }
  }

  #miss(lane: number, place: LanePlace, gap: { readonly from: bigint; readonly to: bigint }): void {
    place.missing.push(gap);
    const numbers = gap.from === gap.to ? `batch ${gap.from} is` : `batches ${gap.from} to ${gap.to} are`;
    const batch = gap.from === gap.to ? gap.from.toString() : `${gap.from}–${gap.to}`;
    this.#tell(finding({ what: 'missing', table: 'batch', lane, batch, why: `${numbers} not there` }));
  }

  #settle(place: LanePlace, isHealed: boolean): void {
    const { doubt } = place;
    place.doubt = undefined;
    if (doubt === undefined) return;
    const { batch, link } = doubt;
    if (isHealed) {
      const why = 'what comes after it was linked to another value, which fits the batch';
      this.#tell(changedColumn(batch.row, 'chain', batch.row.chain.toString('hex'), link.toString('hex'), why));
      return;
    }
    this.#tellHeader(doubt);
  }

  /** Tries the values of the batch before; what makes the link fit is what was changed. */
  #tellHeader({ batch, previous }: { readonly batch: StoredBatch; readonly previous: Buffer }): void {
    const { row } = batch;
    const candidates: readonly (readonly [column: string, over: Partial<BatchRow>])[] = [
      ...[row.epoch - 1n, row.epoch + 1n].map((epoch) => ['epoch', { epoch }] as const),
      ...[...this.#places.values()].flatMap(({ row: other }) =>
        other === undefined
          ? []
          : ([
              ['epoch', { epoch: other.epoch }],
              ['ruleset_hash', { ruleset_hash: other.ruleset_hash }],
            ] as const),
      ),
    ];
    for (const [column, over] of candidates) {
      if (!linkOf(batch, previous, over).equals(row.chain)) continue;
      const stored = column === 'epoch' ? row.epoch.toString() : row.ruleset_hash;
      const [expected] = Object.values(over).map(String);
      this.#tell(changedColumn(row, column, stored, expected ?? null, 'with that value the link fits'));
      return;
    }
    for (const [index, leg] of batch.contra.entries()) {
      for (const ledgerAccount of LEDGER_ACCOUNTS) {
        const contra = batch.contra.with(index, { ...leg, ledgerAccount });
        if (!linkOf({ row, contra }, previous).equals(row.chain)) continue;
        const values = { column: 'ledger_account', stored: leg.ledgerAccount, expected: ledgerAccount };
        const why = 'with that account the link of the batch fits';
        this.#tell(finding({ what: 'changed', table: 'batch_contra', ...values, ...placeOf(row), why }));
        return;
      }
    }
    const columns =
      'kind, epoch, posted_at, ruleset_hash, request_hash, root, wallets, facts_hash, records_hash, chain';
    const why = `one of these is not as it was written, or a leg of batch_contra: ${columns}`;
    this.#tell(finding({ what: 'broken', table: 'batch', ...placeOf(row), why }));
  }

  /** Beside what is named already the link may only follow from it, so it is told as what shows it. */
  #tellSoftly({ row }: StoredBatch): void {
    const why = 'its link does not fit what is stored, as named above';
    this.#tell(finding({ what: 'broken', table: 'batch', column: 'chain', ...placeOf(row), why }));
  }

  async #findHeadless(client: pg.PoolClient): Promise<void> {
    const { rows } = await client.query<{ lane: number }>(
      'select distinct lane from batch where lane not in (select lane from lane_head)',
    );
    for (const { lane } of rows) {
      this.#tell(finding({ what: 'missing', table: 'lane_head', lane, why: 'the lane has batches and no head' }));
    }
  }

  #at(lane: number): LanePlace {
    const known = this.#places.get(lane);
    if (known !== undefined) return known;
    const place: LanePlace = {
      batchNo: 0n,
      chain: Buffer.alloc(0),
      row: undefined,
      doubt: undefined,
      missing: [],
      tree: new TreeReader([]),
    };
    this.#places.set(lane, place);
    return place;
  }
}

function changedColumn(
  row: BatchRow,
  column: string,
  stored: string | null,
  expected: string | null,
  why = 'epochs only grow along a lane',
): LedgerFinding {
  return finding({ what: 'changed', table: 'batch', column, stored, expected, ...placeOf(row), why });
}
