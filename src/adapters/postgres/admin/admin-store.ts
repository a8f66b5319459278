import type pg from 'pg';
import { parseWalletId } from '../../../domain/ids.ts';
import { DAY_MS } from '../../../domain/time.ts';
import { AppError } from '../../../errors.ts';
import type { AdminScope, AdminStore, WalletReference } from '../../../pipeline/admin/admin-store.ts';
import type { CaseStore, CaseTransaction } from '../../../pipeline/admin/case-store.ts';
import { isMissingPartition, preparePartitions } from '../partitions.ts';
import { inTransaction } from '../pool.ts';
import { isSqlState } from '../sql-state.ts';
import { readWallet, WALLET_COLUMNS, type WalletRow } from '../wallet-row.ts';
import { adminTransaction } from './admin-transaction.ts';
import { walletOfAlert } from './alert-cases.ts';
import { findPosted } from './event-corrections.ts';
import { quarantineIndex } from './filtered-quarantine.ts';

/** Carries the result of a dry run through the rollback. */
class DryRun extends Error {}

/** The direct path on PostgreSQL: each transaction holds its lane's fence, so it never interleaves with a batch. */
export function createAdminStore(pool: pg.Pool): AdminStore & CaseStore {
  const partitions = new Set<number>();
  const store: AdminStore & CaseStore = {
    findWallets: (reference) => findWallets(pool, reference),
    walletOfAlert: (tenant, alertId) => walletOfAlert(pool, tenant, alertId),
    quarantine: quarantineIndex(pool),
    corrections: { findPosted: (tenant, event) => findPosted(pool, tenant, event) },
    async transact<T>(scope: AdminScope, work: (transaction: CaseTransaction) => Promise<T>): Promise<T> {
      const lane = await laneOf(pool, scope.shard);
      await preparePartitions(pool, partitions, await entryTimes(pool, lane, scope));
      for (let attempt = 1; ; attempt++) {
        try {
          return await attemptOnce(pool, lane, scope, work);
        } catch (error) {
          // Another lane posted a key between our look and our insert: the next look finds it.
          if (attempt === ATTEMPTS_MAX || !isKeyTaken(error)) throw error;
        }
      }
    },
  };
  return {
    ...store,
    transact: (scope, work) =>
      store.transact(scope, work).catch((error: unknown) => {
        if (!isMissingPartition(error)) throw error;
        // A day that was there is gone. Everything was rolled back: the day is made again and the work done once more.
        partitions.clear();
        return store.transact(scope, work);
      }),
  };
}

const ATTEMPTS_MAX = 5;

async function attemptOnce<T>(
  pool: pg.Pool,
  lane: number,
  scope: AdminScope,
  work: (transaction: CaseTransaction) => Promise<T>,
): Promise<T> {
  let result: { readonly value: T } | undefined;
  try {
    return await inTransaction(pool, async (client) => {
      const value = await work(await adminTransaction(client, lane, scope));
      if (!scope.dryRun) return value;
      result = { value };
      throw new DryRun('rolled back');
    });
  } catch (error) {
    if (error instanceof DryRun && result !== undefined) return result.value;
    // Two lanes can answer the same key at once; the second one finds it taken only when it writes.
    if (isSqlState(error, '23505') && isAboutRequests(error)) {
      throw new AppError('IDEMPOTENCY_CONFLICT', 'The key was used for another request at the same moment.', {
        cause: error,
      });
    }
    throw error;
  }
}

function isKeyTaken(error: unknown): boolean {
  return isSqlState(error, '23505') && /^entry_\w+_event_key_key$/.test(constraintOf(error));
}

function isAboutRequests(error: unknown): boolean {
  return ['admin_request_pkey', 'batch_idempotency_key_key'].includes(constraintOf(error));
}

function constraintOf(error: unknown): string {
  return error instanceof Error && 'constraint' in error ? String(error.constraint) : '';
}

async function laneOf(pool: pg.Pool, shard: number): Promise<number> {
  const { rows } = await pool.query<{ lane: number }>('select lane from shard_lane where shard = $1', [shard]);
  const lane = rows[0]?.lane;
  if (lane === undefined) throw new AppError('DATABASE_NOT_MIGRATED', `shard ${shard} has no lane`);
  return lane;
}

/** Times the transaction may post entries at: now, the lane's clock, those of usage that may be released, and of holds. */
async function entryTimes(pool: pg.Pool, lane: number, scope: AdminScope): Promise<readonly number[]> {
  const { rows } = await pool.query<{ at: Date }>(
    `select ingested_at as at from lane_head where lane = $1 and ingested_at is not null
     union all
     select distinct date_trunc('day', event_time) from quarantine
     where wallet_id = $2 and status = 'open' and reason in ('frozen', 'over_limit', 'throttled')
     union all
     select distinct date_trunc('day', placed_at) from hold where wallet_id = $2 and state = 'open'`,
    [lane, scope.walletId],
  );
  const usageMs = (scope.usageDays ?? []).map((day) => day * DAY_MS);
  const days = [scope.nowMs, ...rows.map((row) => row.at.getTime())];
  // Midnight may pass before the transaction reads the lane's clock again.
  return [...usageMs, ...days.flatMap((day) => [day, day + DAY_MS])];
}

async function findWallets(pool: pg.Pool, { tenant, name, currency }: WalletReference) {
  const walletId = parseWalletId(name);
  const { rows } = await pool.query<WalletRow>(
    `select ${WALLET_COLUMNS} from wallet w
     where w.tenant_id = $1 and (w.wallet_id = $2 or w.account_id = $3) and ($4::text is null or w.currency = $4)
     order by w.currency`,
    [tenant, walletId ?? null, name, currency ?? null],
  );
  return rows.map(readWallet);
}
