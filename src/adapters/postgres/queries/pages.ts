import { parseWalletId } from '../../../domain/ids.ts';
import type { Pages } from '../../../pipeline/queries/pages.ts';
import type { Queries } from '../../../pipeline/queries/queries.ts';
import type { Querier } from '../pool.ts';
import { listAccounts } from './accounts.ts';
import { listAlerts, showAlert } from './alerts.ts';
import { listHolds, showHold } from './holds.ts';
import { pageOfWallets, showWallets } from './wallets.ts';

/** Lists a page at a time on PostgreSQL. */
export function createPages(pool: Querier): Pages {
  return {
    wallets: (filter) => pageOfWallets(pool, filter),
    accounts: (filter) => listAccounts(pool, filter, { after: filter.after }),
    alerts: (filter) => listAlerts(pool, filter),
    holds: (filter) => listHolds(pool, filter),
  };
}

/** The look-ups that can be answered by a connection which sees one tenant alone. */
export function createTenantQueries(pool: Querier): Pick<Queries, 'accounts' | 'wallet' | 'alert' | 'hold'> {
  return {
    accounts: (filter) => listAccounts(pool, filter),
    wallet: (reference) => showWallets(pool, { ...reference, walletId: parseWalletId(reference.name) }),
    alert: (tenant, alertId) => showAlert(pool, tenant, alertId),
    hold: (tenant, holdId) => showHold(pool, tenant, holdId),
  };
}
