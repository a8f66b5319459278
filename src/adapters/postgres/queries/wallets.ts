import { parseWalletId } from '../../../domain/ids.ts';
import type { WalletStatus } from '../../../domain/ledger/wallet.ts';
import type { WalletReference } from '../../../pipeline/admin/admin-store.ts';
import type { PageFilter } from '../../../pipeline/queries/pages.ts';
import type {
  GrantView,
  ListFilter,
  QuarantineTotal,
  WalletDetail,
  WalletView,
} from '../../../pipeline/queries/queries.ts';
import { readFreezeCause } from '../freeze-cause.ts';
import type { Querier } from '../pool.ts';
import { readWallet, WALLET_COLUMNS, type WalletRow } from '../wallet-row.ts';
import { listAlerts } from './alerts.ts';

/** Alerts shown beside a wallet. */
const ALERTS_SHOWN = 5;

type WalletViewRow = WalletRow & { readonly lane: number };

/** Wallets, those that cannot pay first: frozen, then the lowest balance. */
export async function listWallets(pool: Querier, filter: ListFilter<WalletStatus>): Promise<readonly WalletView[]> {
  const { rows } = await pool.query<WalletViewRow>(
    `select ${WALLET_COLUMNS}, s.lane from wallet w join shard_lane s using (shard)
     where w.tenant_id = $1 and ($2::text is null or w.account_id = $2) and ($3::text is null or w.status = $3)
     order by (w.status = 'active'), w.posted, w.account_id, w.currency limit $4`,
    [filter.tenant, filter.account ?? null, filter.status ?? null, filter.limit],
  );
  return rows.map(readWalletView);
}

/** Wallets by account and currency, from after a given one on. */
export async function pageOfWallets(pool: Querier, filter: PageFilter<WalletStatus>): Promise<readonly WalletView[]> {
  const after = filter.after === undefined ? null : (parseWalletId(filter.after) ?? 0n);
  const { rows } = await pool.query<WalletViewRow>(
    `select ${WALLET_COLUMNS}, s.lane from wallet w join shard_lane s using (shard)
     where w.tenant_id = $1 and ($2::text is null or w.account_id = $2) and ($3::text is null or w.status = $3)
       and ($5::bigint is null or (w.account_id collate "C", w.currency) >
         (select l.account_id collate "C", l.currency from wallet l where l.tenant_id = $1 and l.wallet_id = $5))
     order by w.account_id collate "C", w.currency limit $4`,
    [filter.tenant, filter.account ?? null, filter.status ?? null, filter.limit, after],
  );
  return rows.map(readWalletView);
}

/** All wallets of these accounts. */
export async function walletsOf(
  pool: Querier,
  tenant: string,
  accounts: readonly string[],
): Promise<readonly WalletView[]> {
  const { rows } = await pool.query<WalletViewRow>(
    `select ${WALLET_COLUMNS}, s.lane from wallet w join shard_lane s using (shard)
     where w.tenant_id = $1 and w.account_id = any($2::text[]) order by w.account_id, w.currency`,
    [tenant, accounts],
  );
  return rows.map(readWalletView);
}

/** The wallets a reference fits, with what waits in quarantine and the latest alerts. */
export async function showWallets(
  pool: Querier,
  { tenant, name, currency, walletId }: WalletReference & { readonly walletId: bigint | undefined },
): Promise<readonly WalletDetail[]> {
  const { rows } = await pool.query<WalletViewRow>(
    `select ${WALLET_COLUMNS}, s.lane from wallet w join shard_lane s using (shard)
     where w.tenant_id = $1 and (w.account_id = $2 or w.wallet_id = $3) and ($4::text is null or w.currency = $4)
     order by w.currency`,
    [tenant, name, walletId ?? null, currency ?? null],
  );
  return Promise.all(
    rows.map(readWalletView).map(async (wallet) => ({
      wallet,
      grants: await grantsOf(pool, wallet),
      freezeCause: await readFreezeCause(pool, wallet),
      quarantine: await quarantineOf(pool, wallet.walletId),
      alerts: await listAlerts(pool, { tenant, account: wallet.account, limit: ALERTS_SHOWN }),
    })),
  );
}

/** The wallet's open grants; one that was used up since the wallet was read is shown as it was then. */
async function grantsOf(pool: Querier, { grants }: WalletView): Promise<readonly GrantView[]> {
  if (grants.length === 0) return [];
  const { rows } = await pool.query<{ grant_id: string; amount: bigint }>(
    'select grant_id, amount from credit_grant where grant_id = any($1::text[])',
    [grants.map(({ grantId }) => grantId)],
  );
  const amounts = new Map(rows.map((row) => [row.grant_id, row.amount]));
  return grants.map((grant) => ({ ...grant, amount: amounts.get(grant.grantId) ?? grant.remaining }));
}

async function quarantineOf(pool: Querier, walletId: bigint): Promise<readonly QuarantineTotal[]> {
  const { rows } = await pool.query<{ reason: string; events: bigint; amount: bigint; oldest: Date }>(
    `select reason, count(*) as events, coalesce(sum(amount), 0)::bigint as amount, min(ingested_at) as oldest
     from quarantine where wallet_id = $1 and status = 'open' group by reason order by reason`,
    [walletId],
  );
  return rows.map(({ reason, events, amount, oldest }) => ({
    reason,
    events: Number(events),
    amount,
    oldestMs: oldest.getTime(),
  }));
}

function readWalletView(row: WalletViewRow): WalletView {
  return { ...readWallet(row), lane: row.lane };
}
