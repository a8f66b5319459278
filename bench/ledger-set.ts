import { createSetStore } from '../src/adapters/postgres/post-set.ts';
import { type SetItem, SetPoster, type SetRequest } from '../src/pipeline/admin/post-set.ts';
import { seededRandom } from './bench-events.ts';
import { type LedgerBench, onFresh } from './ledger.ts';
import { openLanesWith } from './ledger-database.ts';
import { BATCH_EVENTS, inBatches, LEDGER_RULESET, ledgerEvents } from './ledger-load.ts';
import { unnestSeconds } from './ledger-peers.ts';
import { type BenchRow, median } from './rows.ts';

const REPETITIONS = 5;
const ROWS = 100_000;
const ACCOUNTS = 10_000;
const CONNECTIONS = 2;

/** Sets of small charges and credits, to a raw INSERT of as many rows from arrays, 5,000 a transaction on both sides. */
export async function benchSets({ server, log }: LedgerBench): Promise<BenchRow[]> {
  const rates: number[] = [];
  const ratios: number[] = [];
  for (let seed = 1; seed <= REPETITIONS; seed++) {
    const startMs = Date.now();
    const raw = ledgerEvents({ events: ROWS, accounts: ACCOUNTS, retries: 0, spread: 'uniform', seed, startMs });
    const unnestPerS =
      ROWS / (await onFresh(server, CONNECTIONS, startMs, (url) => unnestSeconds(url, raw, CONNECTIONS)));
    const database = await server.create(CONNECTIONS, [startMs, startMs + 3_600_000]);
    await (await openLanesWith(database, ACCOUNTS, startMs)).close();
    const poster = new SetPoster(createSetStore(database.pool));
    // Each lane's share of a set is a batch; the fences let as many be written at once as there are lanes.
    await poster.post(requestOf(openingCredits(startMs), startMs));
    const sets = inBatches(setItems(seed, startMs), BATCH_EVENTS * CONNECTIONS);
    await server.checkpoint();
    const startedAtMs = performance.now();
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        for (let items = sets.pop(); items !== undefined; items = sets.pop()) {
          await poster.post(requestOf(items, startMs));
        }
      }),
    );
    const setPerS = ROWS / ((performance.now() - startedAtMs) / 1_000);
    await database.drop();
    log(`sets: ${Math.round(setPerS)} rows/s, unnest ${Math.round(unnestPerS)} rows/s`);
    rates.push(setPerS);
    ratios.push(setPerS / unnestPerS);
  }
  return [
    { name: 'set_per_s', value: median(rates), unit: `rows/s, ${ACCOUNTS} wallets, ${CONNECTIONS} lanes` },
    { name: 'set_to_unnest', value: median(ratios), unit: 'ratio to raw INSERT … unnest, as many connections' },
  ];
}

function requestOf(items: readonly SetItem[], nowMs: number): SetRequest {
  const who = { tenant: 'default', actor: 'bench', reason: null } as const;
  return { ...who, items, currency: 'USD', source: 'paid', overdraftNanos: LEDGER_RULESET.overdraftNanos, nowMs };
}

/** Balances far above zero: a credit that ends a negative one is news, and rare. */
function openingCredits(atMs: number): SetItem[] {
  return Array.from({ length: ACCOUNTS }, (_, account) => ({
    id: `open-${account}`,
    account: `acct_${account}`,
    amount: 1_000_000_000n,
    atMs,
  }));
}

function setItems(seed: number, startMs: number): SetItem[] {
  const random = seededRandom(seed);
  return Array.from({ length: ROWS }, (_, index) => ({
    id: `${seed}-${index}`,
    account: `acct_${Math.floor(random() * ACCOUNTS)}`,
    amount: BigInt(Math.floor(random() * 1_000_000) + 1) * (random() < 0.5 ? 1n : -1n),
    atMs: startMs + Math.floor(index / 100),
  }));
}
