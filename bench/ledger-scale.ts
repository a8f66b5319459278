import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { int8Array } from '../src/adapters/postgres/binary-array.ts';
import { type EncodableEntry, encodeEntries } from '../src/adapters/postgres/copy-entries.ts';
import { addressOf } from '../src/domain/ids.ts';
import { ENTRY_KIND } from '../src/domain/ledger/wallet.ts';
import { DAY_MS } from '../src/domain/time.ts';
import { seededRandom } from './bench-events.ts';
import type { LedgerBench } from './ledger.ts';
import { type LedgerDatabase, openLanes } from './ledger-database.ts';
import { ledgerEvents, withoutRetries } from './ledger-load.ts';
import { copyAll } from './ledger-peers.ts';
import type { RecoveryOrder } from './ledger-worker.ts';
import { type BenchRow, median } from './rows.ts';

const ROWS = 20_000_000;
const ACCOUNTS = 1_000_000;
const FILL_DAYS = 20;
const LANES = 2;
const REPETITIONS = 3;
const EVENTS = 200_000;
const WARM_UP_EVENTS = 50_000;
/** Enough for every lane to get some. */
const FIRST_EVENTS = 1_000;
const WORKER_FLAGS = ['--max-semi-space-size=64'];

/** Posting among a million accounts and twenty million entries, to posting among ten thousand on an empty table. */
export async function benchScale(bench: LedgerBench): Promise<BenchRow[]> {
  const { server, log } = bench;
  const fillToMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const days = Array.from({ length: FILL_DAYS + 3 }, (_, day) => fillToMs - (FILL_DAYS - day) * DAY_MS);
  const large = await server.create(LANES, days);
  try {
    const startedAtMs = performance.now();
    await openWallets(large, ACCOUNTS);
    await fillEntries(large, fillToMs);
    log(`filled ${ROWS} rows and ${ACCOUNTS} wallets in ${Math.round((performance.now() - startedAtMs) / 1_000)} s`);
    const ratios: number[] = [];
    const walBytes: number[] = [];
    for (let seed = 1; seed <= REPETITIONS; seed++) {
      const small = await server.create(LANES, days);
      await openWallets(small, 10_000);
      const smallRun = await post(bench, small, 10_000, seed);
      await small.drop();
      const largeRun = await post(bench, large, ACCOUNTS, seed);
      log(`1 M accounts: ${Math.round(largeRun.perS)} events/s, 10 k: ${Math.round(smallRun.perS)} events/s`);
      ratios.push(largeRun.perS / smallRun.perS);
      walBytes.push(largeRun.walBytes);
    }
    return [
      { name: 'scale_1m_to_10k', value: median(ratios), unit: 'ratio, 20 M rows and Zipf over 1 M accounts' },
      { name: 'wal_bytes_per_event', value: median(walBytes), unit: 'bytes, 20 M rows, right after a checkpoint' },
      ...(await recover(bench, large)),
    ];
  } finally {
    await large.drop();
  }
}

/** Posts to running lanes; the first events find a cold memory and are not measured, on either side. */
async function post({ server }: LedgerBench, database: LedgerDatabase, accounts: number, seed: number) {
  const lanes = await openLanes(database);
  const shape = { accounts, retries: 0.01, spread: 'zipf', startMs: Date.now() } as const;
  await lanes.post(ledgerEvents({ ...shape, events: WARM_UP_EVENTS, seed: 1_000 + seed }));
  const items = ledgerEvents({ ...shape, events: EVENTS, seed });
  const posted = withoutRetries(items).length;
  await server.checkpoint();
  const before = await walPosition(database);
  const perS = posted / (await lanes.post(items));
  const walBytes = ((await walPosition(database)) - before) / posted;
  await lanes.close();
  return { perS, walBytes };
}

async function walPosition({ pool }: LedgerDatabase): Promise<number> {
  const { rows } = await pool.query<{ at: string }>(`select pg_current_wal_insert_lsn() - '0/0' as at`);
  return Number(rows[0]?.at ?? 0);
}

const WALLETS_A_TIME = 50_000;

/** Accounts with wallets that nothing can exhaust, without the foreign key's look-ups. */
async function openWallets({ pool }: LedgerDatabase, accounts: number): Promise<void> {
  const client = await pool.connect();
  await client.query('set session_replication_role = replica');
  for (let from = 0; from < accounts; from += WALLETS_A_TIME) {
    const names = Array.from(
      { length: Math.min(WALLETS_A_TIME, accounts - from) },
      (_, index) => `acct_${from + index}`,
    );
    const addresses = names.map((name) => addressOf('default', name, 'USD'));
    const values = [names, int8Array(addresses, ({ walletId }) => walletId), addresses.map(({ shard }) => shard)];
    await client.query(
      `with opened as (insert into account (tenant_id, account_id, opened_at) select 'default', unnest($1::text[]), now())
       insert into wallet (wallet_id, tenant_id, account_id, currency, shard, overdraft_limit, opened_at)
       select u.id, 'default', u.name, 'USD', u.shard, 1000000000000000000, now()
       from unnest($1::text[], $2::bigint[], $3::smallint[]) as u(name, id, shard)`,
      values,
    );
  }
  await client.query('reset session_replication_role');
  client.release();
  await pool.query('vacuum analyze wallet');
}

const FILL_BATCH = 50_000;

/** Rows of the days before, in order of time as they would have come. */
async function fillEntries({ connectionString, pool }: LedgerDatabase, toMs: number): Promise<void> {
  const stepMs = (FILL_DAYS * DAY_MS) / ROWS;
  const random = seededRandom(7);
  const word = () => Math.floor(random() * 0x1_0000_0000);
  let made = 0;
  await copyAll(connectionString, 2, () => {
    if (made >= ROWS) return undefined;
    const entries = Array.from({ length: FILL_BATCH }, (_, index): EncodableEntry => {
      const timeMs = Math.floor(toMs - FILL_DAYS * DAY_MS + (made + index) * stepMs);
      const key = { timeMs, h0: word(), h1: word(), h2: word() & 0xffff };
      const wallet = { walletId: BigInt(word()) };
      return { key, wallet, seq: 1n, amount: -1n, balanceAfter: -1n, contentHash: 0n, kind: ENTRY_KIND.usage };
    });
    made += FILL_BATCH;
    return encodeEntries(entries, 0, 0);
  });
  await pool.query('vacuum analyze entry');
}

/** Kills a posting process and times the next one, from its start to a committed event in every lane. */
async function recover({ log }: LedgerBench, database: LedgerDatabase): Promise<BenchRow[]> {
  const order = { connectionString: database.connectionString, accounts: ACCOUNTS };
  const first = startWorker({ ...order, seed: 90, events: EVENTS });
  await once(first, 'message');
  first.kill('SIGKILL');
  await once(first, 'exit');
  const startedAtMs = performance.now();
  const second = startWorker({ ...order, seed: 91, events: FIRST_EVENTS });
  await once(second, 'message');
  const seconds = (performance.now() - startedAtMs) / 1_000;
  second.kill('SIGKILL');
  await once(second, 'exit');
  log(`recovered in ${seconds.toFixed(1)} s`);
  return [
    {
      name: 'recovery_s',
      value: seconds,
      unit: 's from the start of a new process to a commit in every lane, after SIGKILL',
    },
  ];
}

function startWorker(order: RecoveryOrder) {
  const path = fileURLToPath(new URL('./ledger-worker.js', import.meta.url));
  const child = fork(path, { execArgv: WORKER_FLAGS, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.send(order);
  return child;
}
