import type pg from 'pg';
import { writeEventKey } from '../../../domain/events/event-key.ts';
import type { WalletHead } from '../../../domain/ledger/wallet.ts';
import { AppError } from '../../../errors.ts';
import type { DatedChange, LaneHead } from '../../../pipeline/lane/lane-store.ts';
import { byteaArray, int2Array, int8Array, timestampArray, uuidArray } from '../binary-array.ts';
import { isSqlState } from '../sql-state.ts';
import { projectSpending } from '../throttle-rows.ts';
import { writeBurns } from '../write-burns.ts';
import { auditLine, type ChangeSeal, sealChange } from './change-chain.ts';

/** A change with its number and its link. */
interface Sealed extends DatedChange {
  readonly batchNo: bigint;
  readonly seal: ChangeSeal;
}

/**
 * Writes ledger transactions of single wallets as the lane's next batches, each with its own link, line of the audit log and
 * contra legs, exactly as if they had come one by one; and returns the link of the last. One statement for all of them.
 * The lane's own writer asks for it, so nobody is told to reload the wallets. Changes that open grants, correct events or
 * announce something do not come this way.
 */
export async function writeChanges(
  client: pg.PoolClient,
  head: LaneHead & { readonly lane: number; readonly epoch: bigint },
  changes: readonly DatedChange[],
): Promise<Buffer> {
  const { lane, epoch } = head;
  let { chain } = head;
  const sealed = changes.map(({ change, atMs }, index): Sealed => {
    if (change.grant !== undefined || change.correction !== undefined || change.outbox.length > 0) {
      throw new RangeError(`a ${change.kind} takes the direct path`);
    }
    const batchNo = BigInt(head.lastBatch + 1 + index);
    const seal = sealChange(chain, { lane, lastBatch: batchNo, epoch, atMs }, change);
    chain = seal.chain;
    return { change, atMs, batchNo, seal };
  });
  const burning = sealed.filter(({ change }) => change.burns.length > 0);
  // All sent before the first answer: the caller may send its commit right behind.
  await Promise.all([
    insertAll(client, head, sealed, chain),
    ...burning.map(({ change: { burns, wallet }, batchNo }) =>
      writeBurns(
        client,
        { lane, batchNo },
        burns.map((burn) => ({ walletId: wallet.walletId, ...burn })),
      ),
    ),
  ]);
  return chain;
}

// Divides by zero when the lane is elsewhere, so that a commit sent right behind cannot commit.
const WRITE_CHANGES = `
  with head as (
    update lane_head set last_batch = $3, chain = $4 where lane = $1 and last_batch = $2 returning 1
  ), entries as (
    insert into entry (event_key, wallet_id, seq, amount, balance_after, event_time, content_hash, batch_no, lane, kind)
    select u.event_key, u.wallet_id, u.seq, u.amount, u.balance_after, u.event_time, u.content_hash, u.batch_no, $1, u.kind
    from unnest($5::uuid[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::timestamptz[], $11::bigint[], $12::bigint[],
      $13::smallint[]) as u(event_key, wallet_id, seq, amount, balance_after, event_time, content_hash, batch_no, kind)
  ), wallets as (
    update wallet w set posted = u.posted, seq = u.seq
    from unnest($14::bigint[], $15::bigint[], $16::bigint[]) as u(wallet_id, posted, seq) where w.wallet_id = u.wallet_id
  ), contra as (
    insert into batch_contra (lane, batch_no, ledger_account, currency, amount)
    select $1, u.batch_no, u.ledger_account, u.currency, u.amount
    from unnest($17::bigint[], $18::text[], $19::text[], $20::bigint[]) as u(batch_no, ledger_account, currency, amount)
  ), audit as (
    insert into audit_log (at, tenant_id, actor, action, subject, detail, lane, batch_no)
    select u.at, u.tenant_id, u.actor, u.action, u.subject, u.detail, $1, u.batch_no
    from unnest($21::timestamptz[], $22::text[], $23::text[], $24::text[], $25::text[], $26::json[], $27::bigint[])
      as u(at, tenant_id, actor, action, subject, detail, batch_no)
  ), batches as (
    insert into batch (lane, batch_no, kind, epoch, events, actor, reason, chain, posted_at, root, wallets, records_hash)
    select $1, u.batch_no, u.kind, $28, 0, u.actor, u.reason, u.chain, u.at, u.root, u.wallets, u.records_hash
    from unnest($27::bigint[], $29::text[], $23::text[], $30::text[], $31::bytea[], $21::timestamptz[], $32::bytea[], $33::int[],
      $34::bytea[]) as u(batch_no, kind, actor, reason, chain, at, root, wallets, records_hash)
  )
  select 1 / count(*) from head`;

async function insertAll(
  client: pg.PoolClient,
  head: LaneHead & { readonly lane: number; readonly epoch: bigint },
  sealed: readonly Sealed[],
  chain: Buffer,
): Promise<void> {
  const entries = sealed.flatMap(({ change, batchNo }) =>
    change.entries.map((entry) => ({ ...entry, batchNo, walletId: change.wallet.walletId })),
  );
  const contra = sealed.flatMap(({ change, batchNo }) =>
    change.contra.map((leg) => ({ ...leg, batchNo, currency: change.wallet.currency })),
  );
  const wallets = lastHeads(sealed);
  const audit = sealed.map(({ change }) => auditLine(change));
  const throttled = wallets.filter(({ throttle }) => throttle !== null);
  const inserted = client.query({
    name: 'write-changes',
    text: WRITE_CHANGES,
    values: [
      head.lane,
      head.lastBatch,
      head.lastBatch + sealed.length,
      chain,
      uuidArray(entries, ({ key }, view, offset) => writeEventKey(key, view, offset)),
      int8Array(entries, ({ walletId }) => walletId),
      int8Array(entries, ({ seq }) => seq),
      int8Array(entries, ({ amount }) => amount),
      int8Array(entries, ({ balanceAfter }) => balanceAfter),
      timestampArray(entries, ({ key }) => key.timeMs),
      int8Array(entries, ({ contentHash }) => contentHash),
      int8Array(entries, ({ batchNo }) => batchNo),
      int2Array(entries, ({ kind }) => kind),
      int8Array(wallets, ({ walletId }) => walletId),
      int8Array(wallets, ({ posted }) => posted),
      int8Array(wallets, ({ seq }) => seq),
      int8Array(contra, ({ batchNo }) => batchNo),
      contra.map(({ ledgerAccount }) => ledgerAccount),
      contra.map(({ currency }) => currency),
      int8Array(contra, ({ amount }) => amount),
      timestampArray(sealed, ({ atMs }) => atMs),
      sealed.map(({ change }) => change.wallet.tenant),
      sealed.map(({ change }) => change.actor),
      audit.map(([action]) => action),
      audit.map(([, subject]) => subject),
      audit.map(([, , detail]) => detail),
      int8Array(sealed, ({ batchNo }) => batchNo),
      head.epoch,
      sealed.map(({ change }) => change.kind),
      sealed.map(({ change }) => change.reason),
      byteaArray(sealed, ({ seal }) => seal.chain),
      byteaArray(sealed, ({ seal }) => seal.root),
      sealed.map(({ seal }) => seal.wallets),
      byteaArray(sealed, ({ seal }) => seal.recordsHash ?? Buffer.alloc(0)),
    ],
  });
  await Promise.all([inserted, throttled.length === 0 ? undefined : projectSpending(client, throttled)]).catch(
    (error: unknown) => {
      if (!isSqlState(error, '22012')) throw error;
      throw new AppError('LANE_FENCED', `lane ${head.lane} is no longer at batch ${head.lastBatch}`, { cause: error });
    },
  );
}

/** Each wallet as the last of its changes leaves it, by id: two writers can wait for each other and never deadlock. */
function lastHeads(sealed: readonly Sealed[]): readonly WalletHead[] {
  const heads = new Map(sealed.map(({ change: { wallet } }) => [wallet.walletId, wallet]));
  return [...heads.values()].sort((left, right) => (left.walletId < right.walletId ? -1 : 1));
}
