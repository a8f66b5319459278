import type pg from 'pg';
import type { Pages } from '../../../pipeline/queries/pages.ts';
import { listAccounts } from './accounts.ts';
import { listAlerts } from './alerts.ts';
import { listHolds } from './holds.ts';
import { pageOfWallets } from './wallets.ts';

/** Lists a page at a time on PostgreSQL. */
export function createPages(pool: pg.Pool): Pages {
  return {
    wallets: (filter) => pageOfWallets(pool, filter),
    accounts: (filter) => listAccounts(pool, filter, { after: filter.after }),
    alerts: (filter) => listAlerts(pool, filter),
    holds: (filter) => listHolds(pool, filter),
  };
}
