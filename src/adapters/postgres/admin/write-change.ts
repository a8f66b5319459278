import type pg from 'pg';
import { formatEventKey } from '../../../domain/events/event-key.ts';
import { ownLimit } from '../../../domain/ledger/throttle.ts';
import type { WalletHead } from '../../../domain/ledger/wallet.ts';
import type { OpenedGrant } from '../../../domain/ledger/wallet-change.ts';
import { formatIso } from '../../../domain/time.ts';
import type { ChangeRecord } from '../../../pipeline/admin/admin-store.ts';
import { slowedText } from '../throttle-rows.ts';
import { writeBurns } from '../write-burns.ts';
import { auditLine, type ChangeSeal, sealChange } from './change-chain.ts';
import { insertCorrection } from './event-corrections.ts';
import { exactJson } from './exact-json.ts';

/** Where the locked lane stands; moves on with every change of the same database transaction. */
export interface LaneState {
  readonly lane: number;
  readonly epoch: bigint;
  changeNo: bigint;
  lastBatch: bigint;
  chain: Buffer;
  /** When the transaction's changes happen. */
  readonly atMs: number;
}

/** Writes one ledger transaction of one wallet as the lane's next batch, and tells the lane's writer to reload it. */
export async function writeChange(client: pg.PoolClient, lane: LaneState, change: ChangeRecord): Promise<void> {
  lane.lastBatch += 1n;
  const seal = sealChange(lane.chain, lane, change);
  lane.chain = seal.chain;
  await insertBatch(client, lane, change, seal);
  if (change.grant !== undefined) await insertGrant(client, lane, change.wallet, change.grant);
  if (change.entries.length > 0) await insertEntries(client, lane, change);
  if (change.correction !== undefined) await insertCorrection(client, lane, change.wallet, change.correction);
  for (const { ledgerAccount, amount } of change.contra) {
    await client.query(
      'insert into batch_contra (lane, batch_no, ledger_account, currency, amount) values ($1, $2, $3, $4, $5)',
      [lane.lane, lane.lastBatch, ledgerAccount, change.wallet.currency, amount],
    );
  }
  const { walletId } = change.wallet;
  const burns = change.burns.map((burn) => ({ walletId, ...burn }));
  if (burns.length > 0) await writeBurns(client, { lane: lane.lane, batchNo: lane.lastBatch }, burns);
  await updateWallet(client, change.wallet);
  await client.query('update lane_head set last_batch = $2, chain = $3 where lane = $1', [
    lane.lane,
    lane.lastBatch,
    lane.chain,
  ]);
  await noteChange(client, lane, change.wallet.walletId);
  await insertTraces(client, lane, change);
}

/** Counts an outside change of the lane: its writer reloads the wallet before its next batch. */
export async function noteChange(client: pg.PoolClient, lane: LaneState, walletId: bigint): Promise<void> {
  lane.changeNo += 1n;
  await client.query('update lane_epoch set change_no = $2 where lane = $1', [lane.lane, lane.changeNo]);
  await client.query('insert into lane_change (lane, change_no, wallet_id) values ($1, $2, $3)', [
    lane.lane,
    lane.changeNo,
    walletId,
  ]);
}

async function insertBatch(
  client: pg.PoolClient,
  lane: LaneState,
  change: ChangeRecord,
  seal: ChangeSeal,
): Promise<void> {
  const isRelease = change.kind === 'release';
  await client.query(
    `insert into batch (lane, batch_no, kind, epoch, events, posted, priced, idempotency_key, request_hash, actor, reason, chain,
       posted_at, root, wallets, records_hash)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
    [
      lane.lane,
      lane.lastBatch,
      change.kind,
      lane.epoch,
      change.events,
      isRelease ? change.events : 0,
      change.priced,
      change.request?.key ?? null,
      change.request?.hash ?? null,
      change.actor,
      change.reason,
      seal.chain,
      formatIso(lane.atMs),
      seal.root,
      seal.wallets,
      seal.recordsHash,
    ],
  );
}

async function insertEntries(client: pg.PoolClient, lane: LaneState, { entries, wallet }: ChangeRecord): Promise<void> {
  await client.query(
    `insert into entry (event_key, wallet_id, seq, amount, balance_after, event_time, content_hash, batch_no, lane, kind)
     select u.key, $1, u.seq, u.amount, u.balance, u.at, u.hash, $2, $3, u.kind
     from unnest($4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::timestamptz[], $9::bigint[], $10::smallint[])
       as u(key, seq, amount, balance, at, hash, kind)`,
    [
      wallet.walletId,
      lane.lastBatch,
      lane.lane,
      entries.map(({ key }) => formatEventKey(key)),
      entries.map(({ seq }) => seq),
      entries.map(({ amount }) => amount),
      entries.map(({ balanceAfter }) => balanceAfter),
      entries.map(({ key }) => formatIso(key.timeMs)),
      entries.map(({ contentHash }) => contentHash),
      entries.map(({ kind }) => kind),
    ],
  );
}

async function insertGrant(
  client: pg.PoolClient,
  lane: LaneState,
  { walletId }: WalletHead,
  grant: OpenedGrant,
): Promise<void> {
  // Written whole: what it covered at once is taken out by its burn.
  await client.query(
    `insert into credit_grant (grant_id, wallet_id, source, priority, amount, remaining, expires_at, created_at, lane, batch_no)
     values ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9)`,
    [
      grant.grantId,
      walletId,
      grant.source,
      grant.priority,
      grant.amount,
      grant.expiresAtMs === null ? null : formatIso(grant.expiresAtMs),
      formatIso(grant.createdAtMs),
      lane.lane,
      lane.lastBatch,
    ],
  );
}

async function updateWallet(client: pg.PoolClient, wallet: WalletHead): Promise<void> {
  const time = (ms: number | null) => (ms === null ? null : formatIso(ms));
  const own = ownLimit(wallet.throttle);
  await client.query(
    `update wallet set posted = $2, seq = $3, quarantined = $4, quarantined_events = $5, status = $6, status_sequence = $7,
       frozen_at = $8, frozen_until = $9, frozen_by = $10, residue = $11, overdraft_limit = $12, throttle_limit = $13,
       throttle_period_ms = $14, throttle_period_at = $15, throttle_spent = $16, throttle_told_at = $17, throttle_told_sequence = $18, slowed = $19 where wallet_id = $1`,
    [
      wallet.walletId,
      wallet.posted,
      wallet.seq,
      wallet.quarantined,
      wallet.quarantinedEvents,
      wallet.status,
      wallet.statusSequence,
      time(wallet.frozenAtMs),
      time(wallet.frozenUntilMs),
      wallet.frozenBy,
      wallet.residue,
      wallet.overdraftLimit,
      own?.limit ?? null,
      own?.periodMs ?? null,
      time(own?.periodAtMs ?? null),
      own?.spent ?? null,
      time(own?.told?.periodAtMs ?? null),
      own?.told?.sequence ?? null,
      slowedText(wallet.throttle),
    ],
  );
}

/** Who did it, and what metering services hear of it. */
async function insertTraces(client: pg.PoolClient, lane: LaneState, change: ChangeRecord): Promise<void> {
  await client.query(
    `insert into audit_log (at, tenant_id, actor, action, subject, detail, lane, batch_no)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [formatIso(lane.atMs), change.wallet.tenant, change.actor, ...auditLine(change), lane.lane, lane.lastBatch],
  );
  for (const { topic, messageKey, payload } of change.outbox) {
    await client.query(
      'insert into outbox (topic, message_key, payload) values ($1, $2, $3) on conflict (message_key) do nothing',
      [topic, messageKey, exactJson(payload)],
    );
  }
}
