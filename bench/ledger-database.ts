import type pg from 'pg';
import { LaneLocks } from '../src/adapters/postgres/lane-locks.ts';
import { PostgresLaneStore } from '../src/adapters/postgres/lane-store.ts';
import { migrate } from '../src/adapters/postgres/migrate.ts';
import { preparePartitions } from '../src/adapters/postgres/partitions.ts';
import { createPool } from '../src/adapters/postgres/pool.ts';
import { readShardLanes } from '../src/adapters/postgres/shard-lanes.ts';
import type { Ruleset } from '../src/domain/rules/ruleset.ts';
import { DAY_MS } from '../src/domain/time.ts';
import type { HoldAnswer } from '../src/pipeline/holds/hold-answer.ts';
import type { HoldRequest } from '../src/pipeline/holds/hold-request.ts';
import { expectHolds } from '../src/pipeline/lane/breath.ts';
import type { LaneEvent } from '../src/pipeline/lane/lane-event.ts';
import { LaneWriter } from '../src/pipeline/lane/lane-writer.ts';
import { inBatches, LANE_BATCH_EVENTS, LEDGER_RULESET, openingEvents } from './ledger-load.ts';

/** A migrated database of one measurement. */
export interface LedgerDatabase {
  readonly pool: pg.Pool;
  readonly connectionString: string;
  readonly shardLanes: readonly number[];
  readonly drop: () => Promise<void>;
}

/** Makes databases on one server. Each is dropped after its measurement, so that the disk holds one at a time. */
export class LedgerServer {
  readonly #adminUrl: string;
  readonly #admin: pg.Pool;
  #made = 0;

  constructor(adminUrl: string) {
    this.#adminUrl = adminUrl;
    this.#admin = createPool(adminUrl, { name: 'bench', max: 1, onError: () => undefined });
  }

  /** A new database with so many lanes, and the partitions of these times. */
  async create(lanes: number, timesMs: readonly number[]): Promise<LedgerDatabase> {
    const name = `ledger_${this.#made++}`;
    await this.#admin.query(`create database ${name}`);
    const url = new URL(this.#adminUrl);
    url.pathname = `/${name}`;
    const pool = createPool(url.toString(), { name: 'bench', max: 16, onError: () => undefined });
    await migrate(pool, { lanes });
    await preparePartitions(pool, new Set(), timesMs);
    return {
      pool,
      connectionString: url.toString(),
      shardLanes: await readShardLanes(pool),
      drop: async () => {
        await pool.end();
        await this.#admin.query(`drop database ${name} with (force)`);
      },
    };
  }

  /** Writes out what is dirty, so that no measurement pays for the one before. */
  async checkpoint(): Promise<void> {
    await this.#admin.query('checkpoint');
  }

  close(): Promise<void> {
    return this.#admin.end();
  }
}

/** The shipped lane writers on a database: what the service runs, without queues in front. */
export interface Lanes {
  /** Posts events, each lane's in order, in batches of the shipped size unless another was asked for; the seconds it took. */
  readonly post: (items: readonly LaneEvent[]) => Promise<number>;
  /** Asks something of a hold; resolves once the answer is durable. */
  readonly hold: (request: HoldRequest) => Promise<HoldAnswer>;
  readonly close: () => Promise<void>;
}

/** Takes every lane and opens accounts, so that the clock starts on a running service. */
export async function openLanesWith(
  database: LedgerDatabase,
  accounts: number,
  startMs: number,
  batchEvents = LANE_BATCH_EVENTS,
): Promise<Lanes> {
  const lanes = await openLanes(database, LEDGER_RULESET, batchEvents);
  await lanes.post(openingEvents(accounts, startMs));
  return lanes;
}

/** Takes every lane of a database. */
export async function openLanes(
  database: Omit<LedgerDatabase, 'drop'>,
  ruleset: Ruleset = LEDGER_RULESET,
  batchEvents = LANE_BATCH_EVENTS,
): Promise<Lanes> {
  const store = new PostgresLaneStore(database.pool, new LaneLocks(database.connectionString));
  const writers = new Map<number, LaneWriter>();
  for (const lane of new Set(database.shardLanes)) {
    const writer = new LaneWriter({
      lane,
      owner: 'bench',
      store,
      ruleset: () => ruleset,
      lateWindowMs: 35 * DAY_MS,
      batchEventsMax: batchEvents,
      gatherMs: 0,
      observer: {
        onRetry: (which, attempt, error) => process.stderr.write(`lane ${which}, try ${attempt}: ${String(error)}\n`),
      },
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    });
    await writer.open();
    writers.set(lane, writer);
  }
  return {
    async post(items) {
      const perLane = new Map([...writers.keys()].map((lane) => [lane, [] as LaneEvent[]]));
      for (const item of items) perLane.get(database.shardLanes[item.address.shard] ?? 0)?.push(item);
      const batches = [...perLane].map(([lane, events]) => ({
        writer: writers.get(lane),
        events: inBatches(events, batchEvents),
      }));
      const startedAtMs = performance.now();
      await Promise.all(batches.flatMap(({ writer, events }) => events.map((batch) => writer?.submit(batch))));
      return (performance.now() - startedAtMs) / 1_000;
    },
    async hold(request) {
      const writer = writers.get(database.shardLanes[request.shard] ?? 0);
      if (writer === undefined) throw new RangeError(`no lane has shard ${request.shard}`);
      // As the service's router does.
      expectHolds();
      return writer.holds.submit(request);
    },
    async close() {
      for (const writer of writers.values()) await writer.close();
    },
  };
}
