import type pg from 'pg';
import { onTestFinished } from 'vitest';
import { createAdminStore } from '../../src/adapters/postgres/admin/admin-store.ts';
import { LaneLocks } from '../../src/adapters/postgres/lane-locks.ts';
import { PostgresLaneStore } from '../../src/adapters/postgres/lane-store.ts';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { createQueries } from '../../src/adapters/postgres/queries/queries.ts';
import type { EventStatus, UsageEvent } from '../../src/domain/events/usage-event.ts';
import { addressOf } from '../../src/domain/ids.ts';
import { parseQuantity } from '../../src/domain/money/quantity.ts';
import { OUTCOMES } from '../../src/domain/rules/band.ts';
import { placeRules } from '../../src/domain/rules/place-rules.ts';
import type { Meter, PriceBook } from '../../src/domain/rules/price-book.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { LaneEventFactory } from '../../src/pipeline/lane/lane-event.ts';
import { LaneWriter } from '../../src/pipeline/lane/lane-writer.ts';
import { createTestDatabase } from './postgres.ts';

/** 1 USD in nano-units. */
export const USD = 1_000_000_000n;
/** A moment all ledger tests start at. */
export const START_MS = Date.UTC(2026, 2, 2, 9);

function meter(name: string, kind: Meter['kind'], coefficient: bigint): Meter {
  return { name, unit: name, kind, prices: [{ fromMs: 0, coefficient, decimals: 0 }] };
}

const pricing: PriceBook = {
  currency: 'USD',
  meters: new Map([
    ['dollars', meter('dollars', 'usage', USD)],
    ['signup', meter('signup', 'fact', 0n)],
    // Three tenths of a nano: every charge leaves something that cannot be paid yet.
    ['tokens', { ...meter('tokens', 'usage', 3n), prices: [{ fromMs: 0, coefficient: 3n, decimals: 1 }] }],
  ]),
  overrides: new Map(),
};

/** No rules, a meter that costs a dollar a unit, one whose price has a fraction of a nano, and an overdraft limit of five dollars. */
export const PLAIN_RULESET: Ruleset = {
  hash: 'plain',
  rules: [],
  judgedRules: [],
  bands: [{ from: 0, to: 100, outcome: OUTCOMES[0], actions: [] }],
  features: placeRules([], pricing).features,
  pricing,
  overdraftNanos: 5n * USD,
  freeze: { hours: 24, perDayMax: 10 },
  budgets: { alertsPerDay: 40 },
};

export interface TestLedger {
  readonly pool: pg.Pool;
  readonly connectionString: string;
  readonly admin: ReturnType<typeof createAdminStore>;
  readonly queries: ReturnType<typeof createQueries>;
  /** Sends usage of one account through its lane's writer. */
  readonly use: (account: string, events: readonly TestUsage[]) => Promise<readonly EventStatus[]>;
  /** The writer of an account's lane. */
  readonly writerOf: (account: string) => LaneWriter;
  /** Ends an account's writer, as a process that goes away does; the next use takes the lane over. */
  readonly endWriter: (account: string) => Promise<void>;
  /** Ends all lane writers: the next usage is written by new ones, which know only what is stored. */
  readonly takeOver: () => Promise<void>;
}

export interface TestUsage {
  readonly id: string;
  readonly dollars?: string;
  readonly meter?: string;
  /** `api` unless told otherwise. */
  readonly source?: string;
  readonly atMs?: number;
  readonly receivedAtMs?: number;
  readonly properties?: UsageEvent['properties'];
}

/** A migrated database with lane writers that run until the test ends. */
export async function openTestLedger(
  ruleset: Ruleset = PLAIN_RULESET,
  Store: typeof PostgresLaneStore = PostgresLaneStore,
  options: { readonly movingSources?: ReadonlySet<string> } = {},
): Promise<TestLedger> {
  const database = await createTestDatabase();
  const pool = createPool(database.connectionString, { name: 'test', max: 12, onError: () => undefined });
  const store = new Store(pool, new LaneLocks(database.connectionString));
  const { rows } = await pool.query<{ shard: number; lane: number }>('select shard, lane from shard_lane');
  const lanes = new Map(rows.map(({ shard, lane }) => [shard, lane]));
  const writers = new Map<number, LaneWriter>();
  const factory = new LaneEventFactory('USD');
  const laneOf = (account: string) => lanes.get(addressOf('default', account, 'USD').shard) ?? 0;
  const writerOf = (account: string) => {
    const lane = laneOf(account);
    const writer = writers.get(lane) ?? openWriter(store, lane, ruleset, options.movingSources ?? new Set());
    writers.set(lane, writer);
    return writer;
  };
  onTestFinished(async () => {
    for (const writer of writers.values()) await writer.close({ abandon: true });
    await pool.end();
    await database.drop();
  });
  return {
    pool,
    connectionString: database.connectionString,
    admin: createAdminStore(pool),
    queries: createQueries(pool),
    use: (account, events) =>
      writerOf(account).submit(
        events.map((event) => factory.prepare(usageEvent(account, event), event.receivedAtMs ?? START_MS)),
      ),
    writerOf,
    endWriter: async (account) => {
      const lane = laneOf(account);
      await writers.get(lane)?.close();
      writers.delete(lane);
    },
    takeOver: async () => {
      for (const writer of writers.values()) await writer.close();
      writers.clear();
    },
  };
}

function openWriter(
  store: PostgresLaneStore,
  lane: number,
  ruleset: Ruleset,
  movingSources: ReadonlySet<string>,
): LaneWriter {
  return new LaneWriter({
    lane,
    owner: 'test',
    store,
    ruleset: () => ruleset,
    lateWindowMs: 35 * 86_400_000,
    movingSources,
    batchEventsMax: 5_000,
    gatherMs: 0,
    observer: {},
    sleep: () => Promise.resolve(),
  });
}

function usageEvent(account: string, usage: TestUsage): UsageEvent {
  const quantity = parseQuantity(usage.dollars ?? '1');
  if (typeof quantity === 'string') throw new Error(quantity);
  const { id, meter: name = 'dollars', atMs = START_MS } = usage;
  const { properties } = usage;
  const event = { tenant: 'default', id, source: usage.source ?? 'api', account, meter: name, quantity };
  return { ...event, occurredAtMs: atMs, ...(properties === undefined ? {} : { properties }) };
}
