import { startThrowawayPostgres } from '../src/adapters/postgres/embedded/throwaway-postgres.ts';
import { ensureRedis } from '../test/support/redis.ts';
import { LedgerServer, openLanesWith } from './ledger-database.ts';
import { benchHoldPairs, benchHolds } from './ledger-holds.ts';
import { type LoadShape, ledgerEvents, withoutRetries } from './ledger-load.ts';
import { benchMemory } from './ledger-memory.ts';
import { copySeconds, oneByOneSeconds } from './ledger-peers.ts';
import { benchScale } from './ledger-scale.ts';
import { benchSets } from './ledger-set.ts';
import { benchStatements } from './ledger-statement.ts';
import { databaseFactory, measureFull } from './pipeline.ts';
import { type BenchRow, median } from './rows.ts';

const REPETITIONS = 5;
const RETRIES = 0.01;
const SHIPPED_LANES = 4;
const CLIENTS = 8;
const ONE_BY_ONE_EVENTS = 12_000;

/** What every part of the suite needs. */
export interface LedgerBench {
  readonly server: LedgerServer;
  readonly log: (line: string) => void;
}

/**
 * The ledger without queues and rules: what the shipped lane writers make of prepared events, beside peers that do less.
 * Embedded PostgreSQL with fsync and synchronous_commit on; every ratio is of two runs next to each other.
 */
export async function benchLedger(log: (line: string) => void): Promise<BenchRow[]> {
  const postgres = await startThrowawayPostgres({ durable: true });
  const server = new LedgerServer(postgres.connectionString);
  try {
    const bench = { server, log };
    return [
      ...(await benchFenced(bench)),
      ...(await benchSets(bench)),
      ...(await benchMemory()),
      ...(await benchHolds(bench)),
      ...(await benchHoldPairs(bench)),
      ...(await benchScale(bench)),
      ...(await benchStatements(bench)),
      ...(await benchWholePipeline(bench, postgres.connectionString)),
    ];
  } finally {
    await server.close();
    await postgres.stop();
  }
}

interface Posting {
  readonly name: string;
  readonly shape: Pick<LoadShape, 'events' | 'accounts' | 'spread'>;
  /** Lanes that post. */
  readonly lanes: number;
  /** Connections of the COPY beside them: the quickest of these counts is what is compared. */
  readonly connections: readonly number[];
}

const POSTINGS: readonly Posting[] = [
  {
    name: 'fenced',
    shape: { events: 200_000, accounts: 10_000, spread: 'uniform' },
    lanes: SHIPPED_LANES,
    connections: [2, 4],
  },
  // One wallet has one lane, and a lane has one connection.
  { name: 'fenced_hot', shape: { events: 200_000, accounts: 1, spread: 'uniform' }, lanes: 1, connections: [1] },
];

/** Posting with the fence, to raw COPY and to a transaction an event. Repetitions are counted as work, not as events. */
async function benchFenced({ server, log }: LedgerBench): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const { name, shape, lanes: laneCount, connections } of POSTINGS) {
    const rates: number[] = [];
    const toCopy: number[] = [];
    const toOneTx: number[] = [];
    for (let seed = 1; seed <= REPETITIONS; seed++) {
      const startMs = Date.now();
      const items = ledgerEvents({ ...shape, retries: RETRIES, seed, startMs });
      const unique = withoutRetries(items);
      const copyS: number[] = [];
      for (const count of connections) {
        copyS.push(await onFresh(server, laneCount, startMs, (url) => copySeconds(url, unique, count)));
      }
      const copyPerS = unique.length / Math.min(...copyS);
      const database = await server.create(laneCount, [startMs, startMs + 3_600_000]);
      const lanes = await openLanesWith(database, shape.accounts, startMs);
      await server.checkpoint();
      const fencedPerS = unique.length / (await lanes.post(items));
      await lanes.close();
      const singles = ledgerEvents({ ...shape, events: ONE_BY_ONE_EVENTS, retries: 0, seed: 1_000 + seed, startMs });
      const onePerS = singles.length / (await oneByOneSeconds(database.connectionString, singles, CLIENTS));
      await database.drop();
      log(`${name}: ${round(fencedPerS)} events/s, COPY ${round(copyPerS)} rows/s, one by one ${round(onePerS)}/s`);
      rates.push(fencedPerS);
      toCopy.push(fencedPerS / copyPerS);
      toOneTx.push(fencedPerS / onePerS);
    }
    const how = `${shape.accounts} wallets, ${laneCount} lanes, 1 % retries`;
    rows.push(
      { name: `${name}_per_s`, value: median(rates), unit: `events/s, ${how}` },
      {
        name: `${name}_to_copy`,
        value: median(toCopy),
        unit: `ratio to raw binary COPY of the same rows, best of ${connections.join(' and ')} connections`,
      },
      {
        name: `${name}_to_one_tx`,
        value: median(toOneTx),
        unit: `ratio to a transaction an event, ${CLIENTS} clients`,
      },
    );
  }
  return rows;
}

/** The same ledger with queues in front and the shipped rules on, as the pipeline suite measures it. */
async function benchWholePipeline({ log }: LedgerBench, connectionString: string): Promise<BenchRow[]> {
  const redis = await ensureRedis({ own: true });
  try {
    const full = await measureFull({ redisUrl: redis.url, databaseUrl: databaseFactory(connectionString), log });
    return [
      { name: 'pipeline_events_per_s', value: full.eventsPerS, unit: 'events/s, jobs of 500, shipped rules' },
      { name: 'pipeline_to_copy', value: full.ratio, unit: 'ratio to raw binary COPY, median of paired runs' },
    ];
  } finally {
    await redis.stop();
  }
}

/** Runs one measurement on a database of its own. */
export async function onFresh<T>(
  server: LedgerServer,
  lanes: number,
  startMs: number,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const database = await server.create(lanes, [startMs, startMs + 3_600_000]);
  await server.checkpoint();
  try {
    return await work(database.connectionString);
  } finally {
    await database.drop();
  }
}

function round(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
