import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { ENTRY_COLUMNS, encodeEntries } from '../src/adapters/postgres/copy-entries.ts';
import { eventKeyOf } from '../src/domain/events/event-key.ts';
import { addressOf } from '../src/domain/ids.ts';
import { ENTRY_KIND, openWallet } from '../src/domain/ledger/wallet.ts';
import type { EntryRow } from '../src/pipeline/lane/batch-record.ts';
import { benchEvents } from './bench-events.ts';

const BATCH = 5_000;

/**
 * Rows a second of raw binary COPY: the same entry rows into a table with the same unique index, 5,000 rows a
 * transaction, as many connections as the pipeline has lanes. The rows are encoded before the clock starts.
 */
export async function measureCopy(connectionString: string, rows: number, connections: number): Promise<number> {
  const clients = await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = new pg.Client({ connectionString });
      await client.connect();
      return client;
    }),
  );
  await clients[0]?.query(
    `create table entry (event_key uuid not null, wallet_id bigint not null, seq bigint not null, amount bigint not null,
      balance_after bigint not null, event_time timestamptz not null, content_hash bigint not null, batch_no bigint not null,
      lane smallint not null, kind smallint not null, unique (event_key))`,
  );
  const batches = Array.from({ length: Math.ceil(rows / BATCH) }, (_, batch) => encodeBatch(batch));
  const startedAtMs = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      for (let bytes = batches.pop(); bytes !== undefined; bytes = batches.pop()) await copyBatch(client, bytes);
    }),
  );
  const seconds = (performance.now() - startedAtMs) / 1_000;
  await Promise.all(clients.map((client) => client.end()));
  return rows / seconds;
}

async function copyBatch(client: pg.Client, bytes: Buffer): Promise<void> {
  await client.query('begin');
  await new Promise<void>((resolve, reject) => {
    const stream = client.query(copyFrom(`copy entry (${ENTRY_COLUMNS}) from stdin (format binary)`));
    stream.on('error', reject);
    stream.on('finish', () => resolve());
    stream.end(bytes);
  });
  await client.query('commit');
}

function encodeBatch(batch: number): Buffer {
  const events = benchEvents('copy', batch * BATCH, BATCH, 10_000, Date.now());
  const entries = events.map((event, index): EntryRow => {
    const { walletId, shard } = addressOf('default', event.account, 'USD');
    const wallet = openWallet({
      walletId,
      shard,
      tenant: 'default',
      account: event.account,
      currency: 'USD',
      openedAtMs: 0,
    });
    const key = eventKeyOf({
      tenant: 'default',
      source: event.source,
      id: event.id,
      occurredAtMs: Date.parse(event.occurredAt),
    });
    const amount = -BigInt(index + 1);
    return {
      key,
      wallet,
      seq: BigInt(index),
      amount,
      balanceAfter: amount,
      contentHash: BigInt(index),
      kind: ENTRY_KIND.usage,
    };
  });
  return encodeEntries(entries, batch, 0);
}
