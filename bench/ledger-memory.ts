import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readRuleFiles } from '../src/adapters/rule-files.ts';
import { judge } from '../src/domain/decisions/judge.ts';
import {
  type AccountFeatures,
  createFeatures,
  encodeFeatures,
  foldUsage,
} from '../src/domain/features/account-features.ts';
import { loadRuleset } from '../src/domain/rules/ruleset.ts';
import { DAY_MS, HOUR_MS } from '../src/domain/time.ts';
import { createLaneMemory, type LaneMemory } from '../src/pipeline/lane/lane-memory.ts';
import type { LaneTransaction } from '../src/pipeline/lane/lane-store.ts';
import { loadMissingAccounts } from '../src/pipeline/lane/take-over.ts';
import { seededRandom } from './bench-events.ts';
import { inBatches, openingEvents } from './ledger-load.ts';
import type { BenchRow } from './rows.ts';

const ACCOUNTS = 200_000;
const FEATURE_ACCOUNTS = 1_000;
const HISTORY_DAYS = 28;

/** What a lane's writer keeps in memory for an account, after garbage collection. */
export async function benchMemory(): Promise<BenchRow[]> {
  const features = await featureBytes();
  return [
    {
      name: 'bytes_per_account',
      value: await headBytes(),
      unit: `bytes, wallet head and dedupe keys, ${ACCOUNTS} accounts`,
    },
    {
      name: 'feature_bytes_per_account',
      value: features.memory,
      unit: 'bytes, 28 days of hourly usage, shipped rules',
    },
    { name: 'feature_bytes_stored', value: features.stored, unit: 'bytes of a checkpoint of the same account' },
  ];
}

/** One event of each account: its head, and its key among the recent ones, of which a lane keeps a bounded number. */
async function headBytes(): Promise<number> {
  const head = { lane: 0, epoch: 1n, changeNo: 0n, lastBatch: 0, chain: Buffer.alloc(0), clockMs: 0 };
  const before = usedBytes();
  const memory = createLaneMemory({ ...head, keysCompleteFromMs: 0, lanes: 1 });
  await openAll(memory);
  const bytes = (usedBytes() - before) / memory.accounts.size;
  // Read after the measurement, so that the memory is still there while it is made.
  return memory.accounts.size === ACCOUNTS ? bytes : Number.NaN;
}

/** Apart, so that nothing of the events outlives them: a loop's own variables are alive as long as its function. */
async function openAll(memory: LaneMemory): Promise<void> {
  const empty = { loadAccounts: async () => [] } as unknown as LaneTransaction;
  for (const batch of inBatches(openingEvents(ACCOUNTS, Date.now()))) {
    await loadMissingAccounts(memory, empty, batch, 'USD');
    for (const item of batch) memory.recentKeys.add(item.key);
  }
}

async function featureBytes(): Promise<{ readonly memory: number; readonly stored: number }> {
  const loaded = loadRuleset(await readRuleFiles());
  if (!loaded.ok) throw new Error('the shipped rules do not load');
  const { ruleset } = loaded;
  const meters = [...ruleset.pricing.meters.keys()].slice(0, 2);
  const random = seededRandom(1);
  const startMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - HISTORY_DAYS * DAY_MS;
  const before = usedBytes();
  const accounts: AccountFeatures[] = [];
  for (let account = 0; account < FEATURE_ACCOUNTS; account++) {
    const features = createFeatures();
    for (let hour = 0; hour < HISTORY_DAYS * 24; hour++) {
      const atMs = startMs + hour * HOUR_MS + Math.floor(random() * HOUR_MS);
      const meter = meters[hour % meters.length] ?? '';
      // Up to 10 USD an hour: a small customer's sums would need fewer bytes, and flatter the figure.
      const spendNanos = Math.floor(random() * 10_000_000_000);
      const quantity = Math.floor(random() * 4_000);
      foldUsage(
        features,
        { meter, quantity, spendNanos, occurredAtMs: atMs, ingestedAtMs: atMs, disposition: 'posted' },
        ruleset.features,
      );
      judge(ruleset, features, { account: `acct_${account}`, ingestedAtMs: atMs, eventSpendNanos: spendNanos });
    }
    accounts.push(features);
  }
  const memory = (usedBytes() - before) / accounts.length;
  const stored = accounts.reduce((sum, features) => sum + encodeFeatures(features).length, 0) / accounts.length;
  return { memory, stored };
}

function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('node has no gc to call');
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
