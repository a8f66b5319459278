import type pg from 'pg';
import { parseEventKey } from '../../domain/events/event-key.ts';
import { AppError } from '../../errors.ts';
import type { HoldReference, StoredHold } from '../../pipeline/holds/hold-rows.ts';
import type { StoredKey } from '../../pipeline/lane/find-duplicates.ts';
import type {
  LaneClaim,
  LaneStore,
  LaneTransaction,
  StoredAccount,
  StoredFacts,
} from '../../pipeline/lane/lane-store.ts';
import { writeChanges } from './admin/write-changes.ts';
import { int8Array } from './binary-array.ts';
import { readFindings, readPlatform } from './fleet-rows.ts';
import { HoldConnections, inPipelinedTransaction } from './hold-connections.ts';
import { holdRowsOf } from './hold-rows.ts';
import { LANE_LOCK_CLASS, type LaneLocks } from './lane-locks.ts';
import { readCaseCounts, readLessons } from './lesson-rows.ts';
import { isMissingPartition, preparePartitions } from './partitions.ts';
import { inTransaction } from './pool.ts';
import { findIdentities, keepIdentities } from './source-identities.ts';
import { readWallet, WALLET_COLUMNS, type WalletRow } from './wallet-row.ts';
import { BatchWriter } from './write-batch.ts';

/** How many stored keys a new writer reads, so that most retries are recognised without a look-up each. */
const RECENT_KEYS_LOADED = 50_000;

/** Stored batches fetched at a time on takeover. */
const FACTS_PAGE = 50;

/**
 * The lane store on PostgreSQL. A writer's life is a session advisory lock, which the server drops the moment the process
 * dies; the epoch row is the fence that makes a writer without the lock harmless.
 */
export class PostgresLaneStore implements LaneStore {
  readonly #pool: pg.Pool;
  readonly #locks: LaneLocks;
  readonly #partitions = new Set<number>();
  /** Batches on their way. */
  readonly #writers = new Set<BatchWriter>();
  readonly #claimed = new Set<number>();
  readonly #holds: HoldConnections;

  constructor(pool: pg.Pool, locks: LaneLocks) {
    this.#pool = pool;
    this.#locks = locks;
    this.#holds = new HoldConnections(pool);
  }

  async claim(lane: number, owner: string): Promise<LaneClaim> {
    if (!(await this.#locks.take(lane))) throw new AppError('LANE_BUSY', `lane ${lane} has a live writer`);
    this.#claimed.add(lane);
    return inTransaction(this.#pool, async (client) => {
      const epoch = await client.query<{ epoch: bigint; change_no: bigint }>(
        `update lane_epoch set epoch = epoch + 1, owner = $2, taken_at = now() where lane = $1 returning epoch, change_no`,
        [lane, owner],
      );
      const head = await client.query<{
        last_batch: bigint;
        chain: Buffer;
        ingested_at: Date | null;
        features_through: bigint;
      }>('select last_batch, chain, ingested_at, features_through from lane_head where lane = $1', [lane]);
      const [epochRow, headRow] = [epoch.rows[0], head.rows[0]];
      if (epochRow === undefined || headRow === undefined) {
        throw new AppError('DATABASE_NOT_MIGRATED', `lane ${lane} is not laid out`);
      }
      return {
        lane,
        epoch: epochRow.epoch,
        changeNo: epochRow.change_no,
        lastBatch: Number(headRow.last_batch),
        chain: headRow.chain,
        clockMs: headRow.ingested_at?.getTime() ?? 0,
        featuresThrough: Number(headRow.features_through),
        ...(await loadRecentKeys(client)),
        ...(await loadBreaker(client, lane)),
      };
    });
  }

  /** Those of the given lanes that no live session holds. Claiming one may still find it taken. */
  async freeLanes(lanes: readonly number[]): Promise<readonly number[]> {
    const { rows } = await this.#pool.query<{ lane: number }>(
      `select lane from unnest($1::int[]) lane where not exists (
         select from pg_locks where locktype = 'advisory' and classid = $2 and objid = lane and objsubid = 2 and granted
           and database = (select oid from pg_database where datname = current_database()))`,
      [lanes, LANE_LOCK_CLASS],
    );
    return rows.map((row) => row.lane);
  }

  async release(lane: number): Promise<void> {
    this.#claimed.delete(lane);
    if (this.#claimed.size === 0) await this.#holds.close();
    await this.#locks.release(lane);
  }

  async *factsAfter(lane: number, batchNo: number): AsyncIterable<StoredFacts> {
    let last = batchNo;
    for (;;) {
      const { rows } = await this.#pool.query<{ batch_no: bigint; facts: Buffer; ruleset_hash: string | null }>(
        `select f.batch_no, f.facts, b.ruleset_hash from batch_facts f join batch b using (lane, batch_no)
         where f.lane = $1 and f.batch_no > $2 order by f.batch_no limit $3`,
        [lane, last, FACTS_PAGE],
      );
      for (const row of rows) {
        last = Number(row.batch_no);
        yield { batchNo: last, facts: row.facts, rulesetHash: row.ruleset_hash };
      }
      if (rows.length < FACTS_PAGE) return;
    }
  }

  loadAccounts(walletIds: readonly bigint[]): Promise<readonly StoredAccount[]> {
    return loadAccounts(this.#pool, walletIds);
  }

  preparePartitions(timesMs: readonly number[]): Promise<void> {
    return preparePartitions(this.#pool, this.#partitions, timesMs);
  }

  async transact<T>(lane: number, epoch: bigint, work: (transaction: LaneTransaction) => Promise<T>): Promise<T> {
    let fence: FenceRow | undefined;
    return inTransaction(
      this.#pool,
      (client) => {
        const { writer, transaction } = this.#transaction(client, { lane, epoch, fence });
        const stream: LaneTransaction['stream'] = (batch, entriesExpected) => {
          this.#writers.add(writer);
          return writer.stream(batch, entriesExpected, this.#writers.size === 1);
        };
        return work({ ...transaction, stream })
          .finally(() => this.#writers.delete(writer))
          .catch((error: unknown) => {
            writer.abandon();
            return this.#failed(error);
          });
      },
      async (client) => {
        fence = await readFence(client, lane);
      },
    );
  }

  /** Two round trips a group: the connection is its own, and sends what follows without waiting for what went before. */
  async transactHolds<T>(
    lane: number,
    epoch: bigint,
    references: readonly HoldReference[],
    work: (transaction: LaneTransaction, stored: readonly StoredHold[]) => Promise<{ readonly written: Promise<T> }>,
  ): Promise<T> {
    return inPipelinedTransaction(
      this.#holds.connect(),
      (client) => Promise.all([readFence(client, lane), holdRowsOf(client).find(references)]),
      (client, [fence, stored]) => work(this.#transaction(client, { lane, epoch, fence }).transaction, stored),
    ).catch((error) => this.#failed(error));
  }

  #transaction(
    client: pg.PoolClient,
    { lane, epoch, fence }: { readonly lane: number; readonly epoch: bigint; readonly fence: FenceRow | undefined },
  ): { readonly writer: BatchWriter; readonly transaction: LaneTransaction } {
    if (fence?.epoch === epoch) {
      const writer = new BatchWriter(client, fence.at.getTime());
      return { writer, transaction: laneTransaction(client, lane, fence, writer) };
    }
    throw new AppError('LANE_FENCED', `lane ${lane} was taken over (epoch ${fence?.epoch}, ours ${epoch})`);
  }

  #failed(error: unknown): never {
    // The next attempt makes the day again, or says what stands in its way.
    if (isMissingPartition(error)) this.#partitions.clear();
    throw error;
  }
}

/** Begins the transaction and takes the fence in one round trip: a small batch pays for every one of them. */
async function readFence(client: pg.PoolClient, lane: number): Promise<FenceRow | undefined> {
  // The lane is our own small integer.
  const sql = `begin; select epoch, change_no, entries_from, now() as at from lane_epoch where lane = ${Math.trunc(lane)} for share`;
  const results: unknown = await client.query<FenceRow>(sql);
  return Array.isArray(results) ? results[1]?.rows[0] : undefined;
}

interface FenceRow {
  readonly epoch: bigint;
  readonly change_no: bigint;
  readonly entries_from: Date | null;
  /** Time of the transaction. */
  readonly at: Date;
}

function laneTransaction(client: pg.PoolClient, lane: number, fence: FenceRow, writer: BatchWriter): LaneTransaction {
  return {
    changeNo: fence.change_no,
    entriesFromMs: fence.entries_from?.getTime() ?? 0,
    changedWallets: async (sinceChangeNo) => {
      const { rows } = await client.query<{ wallet_id: bigint }>(
        `select wallet_id from lane_change where lane = $1 and change_no > $2
         union select unnest(wallet_ids) from lane_change_set where lane = $1 and change_no > $2`,
        [lane, sinceChangeNo],
      );
      return rows.map((row) => row.wallet_id);
    },
    head: async () => {
      const { rows } = await client.query<{ last_batch: bigint; chain: Buffer }>(
        'select last_batch, chain from lane_head where lane = $1',
        [lane],
      );
      const row = rows[0];
      if (row === undefined) throw new AppError('DATABASE_NOT_MIGRATED', `lane ${lane} is not laid out`);
      return { lastBatch: Number(row.last_batch), chain: row.chain };
    },
    loadAccounts: (walletIds) => loadAccounts(client, walletIds),
    findKeys: (keys) => findKeys(client, keys),
    holds: holdRowsOf(client),
    lessons: () => readLessons(client, lane),
    caseCounts: () => readCaseCounts(client),
    findings: (most) => readFindings(client, lane, most),
    platform: () => readPlatform(client),
    findIdentities: (identities, sinceMs) => findIdentities(client, identities, sinceMs),
    keepIdentities: (batch, identities, sinceMs) => keepIdentities(client, batch, identities, sinceMs),
    writeChanges: (changes, head) => writeChanges(client, { lane, epoch: fence.epoch, ...head }, changes),
    write: (batch) => writer.write(batch),
  };
}

async function loadAccounts(
  client: pg.Pool | pg.PoolClient,
  walletIds: readonly bigint[],
): Promise<readonly StoredAccount[]> {
  const { rows } = await client.query<WalletRow & { state: Buffer | null; through_batch: bigint | null }>({
    name: 'load-accounts',
    text: `select ${WALLET_COLUMNS}, f.state, f.through_batch from wallet w left join feature_state f using (wallet_id) where w.wallet_id = any($1::bigint[])`,
    values: [int8Array(walletIds, (walletId) => walletId)],
  });
  return rows.map((row) => ({
    wallet: readWallet(row),
    features: row.state,
    checkpointBatch: Number(row.through_batch ?? 0n),
  }));
}

async function findKeys(client: pg.PoolClient, keys: readonly string[]): Promise<ReadonlyMap<string, StoredKey>> {
  const { rows } = await client.query<{ key: string; content_hash: bigint }>({
    name: 'find-keys',
    text: `select event_key as key, content_hash from entry where event_key = any($1::uuid[])
      union all select event_key, content_hash from quarantine where event_key = any($1::uuid[])`,
    values: [`{${keys.join()}}`],
  });
  return new Map(rows.map((row) => [row.key, { key: row.key, contentHash: row.content_hash }]));
}

/** What rules did by themselves on the lane's last day: freezes and slow-downs that their decisions have carried out. */
async function loadBreaker(
  client: pg.PoolClient,
  lane: number,
): Promise<Pick<LaneClaim, 'acts' | 'lanes' | 'accountsTotal'>> {
  const acts = await client.query<{ at: Date; froze: boolean; friction: number | null }>(
    `select d.decided_at as at, d.outcome = 'freeze' as froze, (d.evidence ->> 'frictionNanos')::double precision as friction
     from decision d join lane_head h on h.lane = d.lane
     where d.lane = $1 and d.decided_at > h.ingested_at - interval '24 hours'
       and (d.outcome = 'freeze' and d.evidence ->> 'notFrozenBecause' is null or d.evidence ->> 'slowed' is not null)
     order by d.decided_at`,
    [lane],
  );
  const lanes = await client.query<{ lanes: bigint }>('select count(*) as lanes from lane_head');
  const accounts = await client.query<{ accounts: bigint }>(
    'select count(*) as accounts from wallet join shard_lane using (shard) where lane = $1',
    [lane],
  );
  return {
    acts: acts.rows.map(({ at, froze, friction }) => ({
      kind: froze ? 'freeze' : 'throttle',
      atMs: at.getTime(),
      frictionNanos: friction ?? 0,
    })),
    lanes: Number(lanes.rows[0]?.lanes ?? 1n),
    accountsTotal: Number(accounts.rows[0]?.accounts ?? 0n),
  };
}

async function loadRecentKeys(client: pg.PoolClient): Promise<Pick<LaneClaim, 'recentKeys' | 'keysCompleteFromMs'>> {
  let keysCompleteFromMs = 0;
  const recentKeys: string[] = [];
  for (const table of ['entry', 'quarantine']) {
    const { rows } = await client.query<{ event_key: string }>(
      `select event_key from ${table} order by event_key desc limit $1`,
      [RECENT_KEYS_LOADED],
    );
    for (const row of rows) recentKeys.push(row.event_key);
    const oldest = rows.at(-1);
    // A full page may have cut the oldest millisecond in two, so completeness starts one later.
    if (oldest !== undefined && rows.length === RECENT_KEYS_LOADED) {
      keysCompleteFromMs = Math.max(keysCompleteFromMs, parseEventKey(oldest.event_key).timeMs + 1);
    }
  }
  return { recentKeys, keysCompleteFromMs };
}
