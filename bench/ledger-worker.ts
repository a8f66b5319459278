import { createPool } from '../src/adapters/postgres/pool.ts';
import { readShardLanes } from '../src/adapters/postgres/shard-lanes.ts';
import { readRuleFiles } from '../src/adapters/rule-files.ts';
import { loadRuleset } from '../src/domain/rules/ruleset.ts';
import { openLanes } from './ledger-database.ts';
import { ledgerEvents } from './ledger-load.ts';

/** What the parent asks of a process that it is going to kill. */
export interface RecoveryOrder {
  readonly connectionString: string;
  readonly accounts: number;
  readonly seed: number;
  /** Events to post before it reports. */
  readonly events: number;
}

const EVENTS = 100_000;

/** Takes every lane and posts with the shipped rules until it is killed; reports once the first events are durable. */
async function run({ connectionString, accounts, seed, events }: RecoveryOrder): Promise<void> {
  const loaded = loadRuleset(await readRuleFiles());
  if (!loaded.ok) throw new Error('the shipped rules do not load');
  const pool = createPool(connectionString, { name: 'bench worker', max: 16, onError: () => undefined });
  const shardLanes = await readShardLanes(pool);
  const lanes = await openLanes({ pool, connectionString, shardLanes }, loaded.ruleset);
  const shape = { accounts, retries: 0.01, spread: 'zipf', startMs: Date.now() } as const;
  await lanes.post(ledgerEvents({ ...shape, events, seed }));
  process.send?.('posted');
  for (let next = seed + 1_000; ; next++) await lanes.post(ledgerEvents({ ...shape, events: EVENTS, seed: next }));
}

process.once('message', (order) => void run(order as RecoveryOrder));
