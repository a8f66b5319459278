import type { Ruleset } from '../../domain/rules/ruleset.ts';
import type { AdminStore } from '../../pipeline/admin/admin-store.ts';
import type { CaseStore } from '../../pipeline/admin/case-store.ts';
import type { FourEyes } from '../../pipeline/approvals/four-eyes.ts';
import type { History as UsageHistory } from '../../pipeline/backtest/history-event.ts';
import type { HoldRouter } from '../../pipeline/holds/hold-router.ts';
import type { Pages } from '../../pipeline/queries/pages.ts';
import type { Queries } from '../../pipeline/queries/queries.ts';
import type { History } from '../../pipeline/statement/statement.ts';

/** One tenant's books: whatever is asked of them is asked for that tenant alone. */
export interface TenantBooks {
  readonly queries: Queries;
  readonly pages: Pages;
  readonly admin: AdminStore & CaseStore;
  readonly history: History;
  /** All usage in the order of its arrival, for backtests. */
  readonly usage: () => Promise<UsageHistory>;
}

/** What routes about money and alerts need. */
export interface BookRoutes {
  /** The one way to the database: every question and every change of a request goes through its tenant's books. */
  readonly books: (tenant: string) => TenantBooks;
  readonly holds: Pick<HoldRouter, 'carryOut'>;
  /** From how much money on freezes and thaws take two people. */
  readonly fourEyes: FourEyes;
  /** The rules in force. */
  readonly ruleset: () => Ruleset;
  readonly now: () => number;
}
