import type pg from 'pg';
import type { WalletHead } from '../../../domain/ledger/wallet.ts';
import { formatIso } from '../../../domain/time.ts';
import { AppError } from '../../../errors.ts';
import type { AdminScope } from '../../../pipeline/admin/admin-store.ts';
import type { CaseTransaction } from '../../../pipeline/admin/case-store.ts';
import { readFreezeCause } from '../freeze-cause.ts';
import { holdRowsOf } from '../hold-rows.ts';
import { readWallet, WALLET_COLUMNS, type WalletRow } from '../wallet-row.ts';
import { casesOf } from './alert-cases.ts';
import { correctionsOf } from './event-corrections.ts';
import { exactJson } from './exact-json.ts';
import { filteredQuarantineOf } from './filtered-quarantine.ts';
import { quarantineOf } from './wallet-quarantine.ts';
import { type LaneState, noteChange, writeChange } from './write-change.ts';

/** Takes the lane's fence for as long as the database transaction lasts, and says what can be done under it. */
export async function adminTransaction(
  client: pg.PoolClient,
  laneNumber: number,
  scope: AdminScope,
): Promise<CaseTransaction> {
  const lane = await lockLane(client, laneNumber, scope.nowMs);
  const { walletId } = scope;
  const at = formatIso(lane.atMs);
  return {
    atMs: lane.atMs,
    wallet: async () => {
      const { rows } = await client.query<WalletRow>(
        `select ${WALLET_COLUMNS} from wallet w where w.wallet_id = $1 for update`,
        [walletId],
      );
      return rows[0] === undefined ? undefined : readWallet(rows[0]);
    },
    freezeCause: (wallet) => readFreezeCause(client, wallet),
    answered: async (key) => {
      const { rows } = await client.query<{ hash: string; result: unknown }>(
        'select request_hash as hash, result from admin_request where idempotency_key = $1',
        [key],
      );
      return rows[0];
    },
    remember: async ({ key, hash, result }) => {
      await client.query(
        'insert into admin_request (idempotency_key, request_hash, result, answered_at) values ($1, $2, $3, $4)',
        [key, hash, exactJson(result), at],
      );
    },
    confirmAccount: (wallet) => confirmAccount(client, wallet, at),
    insertWallet: (wallet) => insertWallet(client, wallet, at),
    ...quarantineOf(client, walletId, at),
    saveStatus: async (wallet) => {
      await client.query('update wallet set status = $2, frozen_until = $3 where wallet_id = $1', [
        walletId,
        wallet.status,
        wallet.frozenUntilMs === null ? null : formatIso(wallet.frozenUntilMs),
      ]);
      await noteChange(client, lane, walletId);
    },
    write: (change) => writeChange(client, lane, change),
    holds: holdRowsOf(client),
    noteChange: () => noteChange(client, lane, walletId),
    quarantine: filteredQuarantineOf(client, walletId, at),
    corrections: correctionsOf(client),
    cases: casesOf(client, laneNumber, walletId, at),
  };
}

async function lockLane(client: pg.PoolClient, lane: number, nowMs: number): Promise<LaneState> {
  const fence = await client.query<{ epoch: bigint; change_no: bigint }>(
    'select epoch, change_no from lane_epoch where lane = $1 for update',
    [lane],
  );
  const head = await client.query<{ last_batch: bigint; chain: Buffer; ingested_at: Date | null }>(
    'select last_batch, chain, ingested_at from lane_head where lane = $1 for update',
    [lane],
  );
  const [fenceRow, headRow] = [fence.rows[0], head.rows[0]];
  if (fenceRow === undefined || headRow === undefined) {
    throw new AppError('DATABASE_NOT_MIGRATED', `lane ${lane} is not laid out`);
  }
  return {
    lane,
    epoch: fenceRow.epoch,
    changeNo: fenceRow.change_no,
    lastBatch: headRow.last_batch,
    chain: headRow.chain,
    atMs: Math.max(nowMs, headRow.ingested_at?.getTime() ?? 0),
  };
}

async function confirmAccount(client: pg.PoolClient, wallet: WalletHead, at: string): Promise<boolean> {
  const { rows } = await client.query<{ status: string }>(
    `insert into account as a (tenant_id, account_id, status, opened_at) values ($1, $2, 'confirmed', $3)
     on conflict (tenant_id, account_id) do update
       set status = case a.status when 'unconfirmed' then 'confirmed' else a.status end
     returning status`,
    [wallet.tenant, wallet.account, at],
  );
  return rows[0]?.status === 'confirmed';
}

async function insertWallet(client: pg.PoolClient, wallet: WalletHead, at: string): Promise<void> {
  await client.query(
    `insert into wallet (wallet_id, tenant_id, account_id, currency, shard, opened_at) values ($1, $2, $3, $4, $5, $6)`,
    [wallet.walletId, wallet.tenant, wallet.account, wallet.currency, wallet.shard, at],
  );
}
