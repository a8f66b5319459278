import type pg from 'pg';
import { formatEventKey } from '../../domain/events/event-key.ts';
import type { SetRow, SetWallet } from '../../domain/ledger/judge-set.ts';
import type { WalletStatus } from '../../domain/ledger/wallet.ts';
import { formatIso } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { SetRecord, SetStore, SetTransaction } from '../../pipeline/admin/post-set.ts';
import { KeyTakenError } from '../../pipeline/lane/lane-store.ts';
import { walletStatusMessage } from '../../pipeline/wallet-status-message.ts';
import { exactJson } from './admin/exact-json.ts';
import { sealSet } from './admin/set-seal.ts';
import { int8Array } from './binary-array.ts';
import { COPY_ENTRIES, encodeEntries } from './copy-entries.ts';
import { copyRows } from './copy-rows.ts';
import { isMissingPartition, preparePartitions } from './partitions.ts';
import { inTransaction } from './pool.ts';
import { readShardLanes } from './shard-lanes.ts';
import { isSqlState } from './sql-state.ts';
import { HELD } from './wallet-row.ts';

/**
 * Sets on PostgreSQL. A set holds its lane's fence FOR UPDATE from the first read to the commit, so that it never meets a
 * batch half-way, and leaves a note by which the lane's writer reloads the wallets it changed.
 */
export function createSetStore(pool: pg.Pool): SetStore {
  const partitions = new Set<number>();
  let lanes: readonly number[] | undefined;
  return {
    async lanes() {
      lanes ??= await readShardLanes(pool);
      const known = lanes;
      return (shard) => {
        const lane = known[shard];
        if (lane === undefined) throw new AppError('DATABASE_NOT_MIGRATED', `shard ${shard} has no lane`);
        return lane;
      };
    },
    async transact(lane, { nowMs, timesMs }, work) {
      await preparePartitions(pool, partitions, timesMs);
      let place: LanePlace | undefined;
      try {
        return await inTransaction(
          pool,
          (client) => {
            if (place === undefined) throw new AppError('DATABASE_NOT_MIGRATED', `lane ${lane} is not laid out`);
            return work(setTransaction(client, place));
          },
          async (client) => {
            place = await lockLane(client, lane, nowMs);
          },
        );
      } catch (error) {
        // The next attempt makes the day again, or says what stands in its way.
        if (isMissingPartition(error)) partitions.clear();
        if (isSqlState(error, '23505')) throw new KeyTakenError(`lane ${lane} has a key of the set`, { cause: error });
        throw error;
      }
    },
  };
}

interface LanePlace {
  readonly lane: number;
  readonly epoch: bigint;
  readonly changeNo: bigint;
  readonly batchNo: bigint;
  readonly chain: Buffer;
  /** When the set happens: now, but never before the lane's own clock. */
  readonly atMs: number;
  readonly entriesFromMs: number;
}

interface LaneRow {
  readonly epoch: bigint;
  readonly change_no: bigint;
  readonly last_batch: bigint;
  readonly chain: Buffer;
  readonly ingested_at: Date | null;
  readonly entries_from: Date | null;
}

/** The fence first, then what it guards in a statement of its own, which sees everything committed before. */
async function lockLane(client: pg.PoolClient, lane: number, nowMs: number): Promise<LanePlace | undefined> {
  const sql = `begin; select 1 from lane_epoch where lane = ${Math.trunc(lane)} for update;
    select e.epoch, e.change_no, e.entries_from, h.last_batch, h.chain, h.ingested_at from lane_epoch e join lane_head h using (lane)
    where lane = ${Math.trunc(lane)}`;
  const results: unknown = await client.query(sql);
  const row: LaneRow | undefined = Array.isArray(results) ? results[2]?.rows[0] : undefined;
  if (row === undefined) return undefined;
  return {
    lane,
    epoch: row.epoch,
    changeNo: row.change_no + 1n,
    batchNo: row.last_batch + 1n,
    chain: row.chain,
    atMs: Math.max(nowMs, row.ingested_at?.getTime() ?? 0),
    entriesFromMs: row.entries_from?.getTime() ?? 0,
  };
}

function setTransaction(client: pg.PoolClient, place: LanePlace): SetTransaction {
  return {
    entriesFromMs: place.entriesFromMs,
    wallets: (walletIds) => loadWallets(client, walletIds),
    findKeys: (rows) => findKeys(client, rows),
    write: (set) => writeSet(client, place, set),
  };
}

async function loadWallets(
  client: pg.PoolClient,
  walletIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, SetWallet>> {
  // Arrays and not objects: thousands of rows a set, each of which lives for a moment.
  const { rows } = await client.query<WalletCells>({
    name: 'load-set-wallets',
    rowMode: 'array',
    text: `select w.wallet_id, w.tenant_id, w.account_id, w.status, w.status_sequence, w.posted, ${HELD} as held, w.overdraft_limit, w.seq,
        exists (select from credit_grant g where g.wallet_id = w.wallet_id and g.remaining > 0) as has_grants,
        (w.throttle_limit is not null or w.slowed is not null) as has_throttle
      from wallet w where w.wallet_id = any($1::bigint[])`,
    values: [int8Array(walletIds, (walletId) => walletId)],
  });
  const wallets = new Map<bigint, SetWallet>();
  for (const row of rows) {
    const [walletId, tenant, account, status, sequence, posted, held, overdraftLimit, seq, hasGrants, hasThrottle] =
      row;
    // One literal: a spread would give the heads a slow shape, which thousands of postings read again and again.
    wallets.set(walletId, {
      walletId,
      tenant,
      account,
      status,
      statusSequence: Number(sequence),
      posted,
      held,
      overdraftLimit,
      seq,
      hasGrants,
      hasThrottle,
    });
  }
  return wallets;
}

/** The columns of `load-set-wallets`. */
type WalletCells = [
  walletId: bigint,
  tenant: string,
  account: string,
  status: WalletStatus,
  statusSequence: bigint,
  posted: bigint,
  held: bigint,
  overdraftLimit: bigint | null,
  seq: bigint,
  hasGrants: boolean,
  hasThrottle: boolean,
];

async function findKeys(client: pg.PoolClient, rows: readonly SetRow[]): Promise<ReadonlyMap<string, bigint>> {
  const { rows: stored } = await client.query<{ event_key: string; content_hash: bigint }>({
    name: 'find-set-keys',
    text: 'select event_key, content_hash from entry where event_key = any($1::uuid[])',
    values: [`{${rows.map(({ key }) => formatEventKey(key)).join()}}`],
  });
  return new Map(stored.map((row) => [row.event_key, row.content_hash]));
}

const WRITE_SET = `
  with head as (
    update lane_head set last_batch = $2, chain = $3 where lane = $1
  ), fence as (
    update lane_epoch set change_no = $4 where lane = $1
  ), note as (
    insert into lane_change_set (lane, change_no, wallet_ids) values ($1, $4, $5::bigint[])
  ), wallets as (
    update wallet w set posted = u.posted, seq = u.seq, status_sequence = u.sequence
    from unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) as u(wallet_id, posted, seq, sequence)
    where w.wallet_id = u.wallet_id
  ), contra as (
    insert into batch_contra (lane, batch_no, ledger_account, currency, amount)
    select $1, $2, c.ledger_account, $9, c.amount from unnest($10::text[], $11::bigint[]) as c(ledger_account, amount)
  ), audit as (
    insert into audit_log (at, tenant_id, actor, action, subject, detail, lane, batch_no) values ($20, $12, $13, $14, $15, $16, $1, $2)
  ), outbox as (
    insert into outbox (topic, message_key, payload)
    select r.topic, r.message_key, r.payload from json_to_recordset($17::json) as r(topic text, message_key text, payload json)
    on conflict (message_key) do nothing
  )
  insert into batch (lane, batch_no, kind, epoch, events, actor, reason, chain, posted_at, root, wallets, records_hash)
  values ($1, $2, 'set', $18, 0, $13, $19, $3, $20, $21, $22, $23)`;

/** Entries by COPY, sealed while the server reads them, and everything else in one statement. */
async function writeSet(client: pg.PoolClient, place: LanePlace, set: SetRecord): Promise<void> {
  const { postings, tenant, actor, reason, currency } = set;
  const { atMs, batchNo, lane } = place;
  const entries = postings.flatMap(({ entries: legs }) => legs);
  const copyBytes = encodeEntries(entries, Number(batchNo), lane);
  const copied = copyRows(client, COPY_ENTRIES, copyBytes);
  const contra = contraOf(set);
  const detail = exactJson({ wallets: postings.length, entries: entries.length, contra, reason });
  const audit = ['wallet.set', `lane ${lane} batch ${batchNo}`, detail] as const;
  const seal = sealSet(place.chain, place, { tenant, actor, reason, contra, audit, entries, copyBytes });
  await copied;
  await client.query({
    name: 'write-set',
    text: WRITE_SET,
    values: [
      lane,
      batchNo,
      seal.chain,
      place.changeNo,
      int8Array(postings, ({ wallet }) => wallet.walletId),
      int8Array(postings, ({ wallet }) => wallet.posted),
      int8Array(postings, ({ wallet }) => wallet.seq),
      int8Array(postings, ({ wallet }) => BigInt(wallet.statusSequence)),
      currency,
      contra.map(({ ledgerAccount }) => ledgerAccount),
      int8Array(contra, ({ amount }) => amount),
      tenant,
      actor,
      ...audit,
      exactJson(newsOf(set, atMs)),
      place.epoch,
      reason,
      formatIso(atMs),
      seal.root,
      seal.wallets,
      seal.recordsHash,
    ],
  });
}

/** The other side: charges are revenue, credits come from the customer's money or from ours. */
function contraOf({ postings, source, currency }: SetRecord) {
  let [charged, credited] = [0n, 0n];
  for (const { entries } of postings) {
    for (const { amount } of entries) {
      if (amount < 0n) charged -= amount;
      else credited += amount;
    }
  }
  const ledgerAccount = source === 'paid' ? 'cash' : 'promotion';
  const legs = [
    { ledgerAccount: 'revenue', currency, amount: charged },
    { ledgerAccount, currency, amount: -credited },
  ];
  return legs.filter(({ amount }) => amount !== 0n);
}

function newsOf({ postings }: SetRecord, nowMs: number) {
  const news = { status: 'funded', reason: 'a credit ended the negative balance', nowMs } as const;
  return postings
    .filter(({ isFunded }) => isFunded)
    .map(({ wallet }) => walletStatusMessage({ ...wallet, frozenUntilMs: null, frozenBy: null }, news))
    .map(({ topic, messageKey, payload }) => ({ topic, message_key: messageKey, payload }));
}
