import { createHistory } from '../src/adapters/postgres/statement/history.ts';
import { WalletIndexer } from '../src/adapters/postgres/wallet-index.ts';
import { DAY_MS, MINUTE_MS } from '../src/domain/time.ts';
import type { LedgerBench } from './ledger.ts';
import { openLanesWith } from './ledger-database.ts';
import { ledgerEvents } from './ledger-load.ts';
import { type BenchRow, median } from './rows.ts';

const ACCOUNTS = 10_000;
const ENTRIES = 2_000_000;
const POSTED_AT_ONCE = 100_000;
const STATEMENTS = 5;
const NEWEST = 50;

/** One account's statement and history among many, of a past day: without the day's index per wallet, and with it. */
export async function benchStatements({ server, log }: LedgerBench): Promise<BenchRow[]> {
  const startMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - 2 * DAY_MS;
  const database = await server.create(2, [startMs - 1, startMs]);
  try {
    const lanes = await openLanesWith(database, ACCOUNTS, startMs + DAY_MS / 2);
    for (let seed = 1; seed <= ENTRIES / POSTED_AT_ONCE; seed++) {
      const shape = { events: POSTED_AT_ONCE, accounts: ACCOUNTS, spread: 'uniform', retries: 0 } as const;
      await lanes.post(ledgerEvents({ ...shape, seed, startMs: startMs + DAY_MS / 2 + seed * MINUTE_MS }));
    }
    await lanes.close();
    await database.pool.query('vacuum analyze');
    await server.checkpoint();

    const measure = async (which: string) => {
      const history = createHistory(database.pool);
      const times = { statement: [] as number[], newest: [] as number[] };
      let entries = 0;
      for (let account = 0; account < STATEMENTS; account++) {
        const wallet = { tenant: 'default', name: `acct_${account}` };
        let startedMs = performance.now();
        await history.statement({ wallet, fromMs: undefined, toMs: undefined }, (page) => {
          entries += page.length;
        });
        times.statement.push(performance.now() - startedMs);
        startedMs = performance.now();
        await history.entries(wallet, { before: undefined, limit: NEWEST });
        times.newest.push(performance.now() - startedMs);
      }
      const [statement, newest] = [median(times.statement), median(times.newest)];
      log(
        `${which}: statement ${statement.toFixed(1)} ms, newest ${NEWEST} ${newest.toFixed(1)} ms, ${entries} entries`,
      );
      return { statement, newest };
    };
    const without = await measure('without index');
    let nowMs = Date.now();
    const indexer = new WalletIndexer(database.pool, () => nowMs);
    await indexer.sweep();
    nowMs += MINUTE_MS;
    const startedMs = performance.now();
    const indexed = await indexer.sweep();
    const indexMs = performance.now() - startedMs;
    if (indexed.length === 0) throw new Error('no day was indexed');
    const indexedTimes = await measure('with index');
    const unit = `ms, one of ${ACCOUNTS} accounts, ${ENTRIES} entries`;
    return [
      { name: 'statement_scan_ms', value: without.statement, unit: `${unit}, a day that is still open` },
      { name: 'statement_ms', value: indexedTimes.statement, unit: `${unit}, a day that is over` },
      { name: 'history_scan_ms', value: without.newest, unit: `${unit}, newest ${NEWEST}, a day that is still open` },
      { name: 'history_ms', value: indexedTimes.newest, unit: `${unit}, newest ${NEWEST}, a day that is over` },
      { name: 'wallet_index_ms', value: indexMs, unit: 'ms to index the day, in the background' },
    ];
  } finally {
    await database.drop();
  }
}
