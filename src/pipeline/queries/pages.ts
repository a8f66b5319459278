import type { HoldState } from '../../domain/ledger/hold.ts';
import type { WalletStatus } from '../../domain/ledger/wallet.ts';
import type {
  AccountStatus,
  AccountView,
  AlertStatus,
  AlertView,
  HoldListed,
  ListFilter,
  WalletView,
} from './queries.ts';

/** A list a page at a time: what comes after a row, which its own id names. */
export type PageFilter<Status extends string> = ListFilter<Status> & {
  /** The last row of the page before; the first page when undefined. */
  readonly after: string | undefined;
};

/** Lists in an order that does not change while they are read, so that no row is left out or comes twice. */
export interface Pages {
  /** By account and currency; a row is named by its wallet id. */
  readonly wallets: (filter: PageFilter<WalletStatus>) => Promise<readonly WalletView[]>;
  /** By name. */
  readonly accounts: (filter: PageFilter<AccountStatus>) => Promise<readonly AccountView[]>;
  /** The newest first. */
  readonly alerts: (filter: PageFilter<AlertStatus>) => Promise<readonly AlertView[]>;
  /** The newest first. */
  readonly holds: (filter: PageFilter<HoldState>) => Promise<readonly HoldListed[]>;
}
