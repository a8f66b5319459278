import type { AccountStatus, AccountView, ListFilter } from '../../../pipeline/queries/queries.ts';
import type { Querier } from '../pool.ts';
import { walletsOf } from './wallets.ts';

/** Accounts with their wallets: the newest first, or by name from after a given one on. */
export async function listAccounts(
  pool: Querier,
  filter: ListFilter<AccountStatus>,
  page?: { readonly after: string | undefined },
): Promise<readonly AccountView[]> {
  const order = page === undefined ? 'a.opened_at desc, a.account_id' : 'a.account_id collate "C"';
  const { rows } = await pool.query<{
    account_id: string;
    status: AccountStatus;
    opened_at: Date;
    open_alerts: bigint;
  }>(
    `select a.account_id, a.status, a.opened_at,
       (select count(*) from alert t where t.tenant_id = a.tenant_id and t.account_id = a.account_id and t.status = 'open') as open_alerts
     from account a
     where a.tenant_id = $1 and ($2::text is null or a.account_id = $2) and ($3::text is null or a.status = $3)
       and ($5::text is null or a.account_id collate "C" > $5)
     order by ${order} limit $4`,
    [filter.tenant, filter.account ?? null, filter.status ?? null, filter.limit, page?.after ?? null],
  );
  const wallets = await walletsOf(
    pool,
    filter.tenant,
    rows.map((row) => row.account_id),
  );
  return rows.map((row) => ({
    tenant: filter.tenant,
    account: row.account_id,
    status: row.status,
    openedAtMs: row.opened_at.getTime(),
    wallets: wallets.filter(({ account }) => account === row.account_id),
    openAlerts: Number(row.open_alerts),
  }));
}
