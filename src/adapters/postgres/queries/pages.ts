import type { Pages } from '../../../pipeline/queries/pages.ts';
import type { Querier } from '../pool.ts';
import { listAccounts } from './accounts.ts';
import { listAlerts } from './alerts.ts';
import { listHolds } from './holds.ts';
import { pageOfWallets } from './wallets.ts';

/** Lists a page at a time on PostgreSQL. */
export function createPages(reader: Querier): Pages {
  return {
    wallets: (filter) => pageOfWallets(reader, filter),
    accounts: (filter) => listAccounts(reader, filter, { after: filter.after }),
    alerts: (filter) => listAlerts(reader, filter),
    holds: (filter) => listHolds(reader, filter),
  };
}
