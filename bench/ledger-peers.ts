import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { int2Array, int8Array, timestampArray, uuidArray } from '../src/adapters/postgres/binary-array.ts';
import { ENTRY_COLUMNS, encodeEntries } from '../src/adapters/postgres/copy-entries.ts';
import { connectionConfig } from '../src/adapters/postgres/pool.ts';
import { formatEventKey, writeEventKey } from '../src/domain/events/event-key.ts';
import { ENTRY_KIND, openWallet } from '../src/domain/ledger/wallet.ts';
import { chargeFor } from '../src/domain/money/price.ts';
import type { EntryRow } from '../src/pipeline/lane/batch-record.ts';
import type { LaneEvent } from '../src/pipeline/lane/lane-event.ts';
import { inBatches, LANE_BATCH_EVENTS, LEDGER_RULESET } from './ledger-load.ts';

/** The entries of events as a lane would store them, numbers aside. */
export function entriesOf(items: readonly LaneEvent[]): EntryRow[] {
  return items.map(({ event, address, key, contentHash }, index): EntryRow => {
    const charge = chargeFor(LEDGER_RULESET.pricing, event);
    const amount = typeof charge === 'string' ? 0n : -charge.nanos;
    const { tenant, account } = event;
    const wallet = openWallet({ ...address, tenant, account, currency: 'USD', openedAtMs: 0 });
    return { key, wallet, seq: BigInt(index), amount, balanceAfter: amount, contentHash, kind: ENTRY_KIND.usage };
  });
}

/** Seconds of raw binary COPY: encoded before the clock starts, a transaction a lane's batch, nothing else in it. */
export async function copySeconds(url: string, items: readonly LaneEvent[], connections: number): Promise<number> {
  const batches = inBatches(entriesOf(items), LANE_BATCH_EVENTS).map((entries, batch) =>
    encodeEntries(entries, batch, 0),
  );
  return withClients(url, connections, (clients) => drain(clients, batches, copyBatch));
}

/** Seconds of raw INSERT … SELECT FROM unnest, with the arrays encoded before the clock starts. */
export async function unnestSeconds(url: string, items: readonly LaneEvent[], connections: number): Promise<number> {
  const batches = inBatches(entriesOf(items)).map((entries) => [
    uuidArray(entries, (entry, view, offset) => writeEventKey(entry.key, view, offset)),
    int8Array(entries, (entry) => entry.wallet.walletId),
    int8Array(entries, (entry) => entry.seq),
    int8Array(entries, (entry) => entry.amount),
    int8Array(entries, (entry) => entry.balanceAfter),
    timestampArray(entries, (entry) => entry.key.timeMs),
    int8Array(entries, (entry) => entry.contentHash),
    int2Array(entries, (entry) => entry.kind),
  ]);
  const text = `insert into entry (event_key, wallet_id, seq, amount, balance_after, event_time, content_hash, batch_no, lane, kind)
    select u.key, u.wallet_id, u.seq, u.amount, u.balance, u.at, u.hash, 1, 0, u.kind
    from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::bigint[], $8::smallint[])
      as u(key, wallet_id, seq, amount, balance, at, hash, kind)`;
  return withClients(url, connections, (clients) =>
    drain(clients, batches, async (client, values) => {
      await client.query({ name: 'unnest', text, values });
    }),
  );
}

const ONE_EVENT = `with head as (
    update wallet set posted = posted - $2, seq = seq + 1
    where wallet_id = $1 and status = 'active' and posted - $2 >= -$3::bigint returning posted, seq
  )
  insert into entry (event_key, wallet_id, seq, amount, balance_after, event_time, content_hash, batch_no, lane, kind)
  select $4, $1, head.seq, -$2, head.posted, $5, $6, 1, 0, 1 from head on conflict do nothing`;

/**
 * Seconds of one transaction an event: a guarded wallet update and the entry, in one statement and one round trip, which
 * is the quickest form of it: the guard leaves out open holds, which are rows of another table. The wallets must be open.
 */
export async function oneByOneSeconds(url: string, items: readonly LaneEvent[], connections: number): Promise<number> {
  const events = entriesOf(items).map(({ key, wallet, amount, contentHash }) => [
    wallet.walletId,
    -amount,
    LEDGER_RULESET.overdraftNanos,
    formatEventKey(key),
    new Date(key.timeMs).toISOString(),
    contentHash,
  ]);
  return withClients(url, connections, (clients) =>
    drain(clients, events, async (client, values) => {
      const { rowCount } = await client.query({ name: 'one', text: ONE_EVENT, values });
      if (rowCount !== 1) throw new Error('the guarded update left an event out');
    }),
  );
}

/** Copies what `next` makes until it makes nothing more. */
export async function copyAll(url: string, connections: number, next: () => Buffer | undefined): Promise<void> {
  await withClients(url, connections, async (clients) => {
    await Promise.all(
      clients.map(async (client) => {
        for (let bytes = next(); bytes !== undefined; bytes = next()) await copyBatch(client, bytes);
      }),
    );
  });
}

/** Sends binary rows to `entry` inside one transaction. */
export async function copyBatch(client: pg.Client, bytes: Buffer): Promise<void> {
  await client.query('begin');
  await new Promise<void>((resolve, reject) => {
    const stream = client.query(copyFrom(`copy entry (${ENTRY_COLUMNS}) from stdin (format binary)`));
    stream.on('error', reject);
    stream.on('finish', () => resolve());
    stream.end(bytes);
  });
  await client.query('commit');
}

/** Every client takes the next piece until none is left. */
async function drain<T>(
  clients: readonly pg.Client[],
  pieces: readonly T[],
  work: (client: pg.Client, piece: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    clients.map(async (client) => {
      for (let piece = pieces[next++]; piece !== undefined; piece = pieces[next++]) await work(client, piece);
    }),
  );
}

async function withClients(
  url: string,
  connections: number,
  work: (clients: readonly pg.Client[]) => Promise<void>,
): Promise<number> {
  const clients = Array.from({ length: connections }, () => new pg.Client(connectionConfig(url, 'bench peer')));
  try {
    await Promise.all(clients.map((client) => client.connect()));
    const startedAtMs = performance.now();
    await work(clients);
    return (performance.now() - startedAtMs) / 1_000;
  } finally {
    // Ended after a failure too: the server's end would otherwise be an error that hides it.
    await Promise.all(clients.map((client) => client.end()));
  }
}
