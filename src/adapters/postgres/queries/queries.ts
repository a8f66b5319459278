import type pg from 'pg';
import { parseWalletId } from '../../../domain/ids.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import type { Queries } from '../../../pipeline/queries/queries.ts';
import { createArchiveFiles } from '../../archive-files.ts';
import type { Querier } from '../pool.ts';
import { ledgerSize, verifyLedger } from '../verify/verify-ledger.ts';
import { listAccounts } from './accounts.ts';
import { listAlerts, showAlert } from './alerts.ts';
import { readExplained } from './explained.ts';
import { findEvent } from './find-event.ts';
import { listRejected } from './find-refused.ts';
import { readHealth } from './health.ts';
import { listHolds, showHold } from './holds.ts';
import { proveBooks } from './proofs.ts';
import { listQuarantine } from './quarantine.ts';
import { listWallets, showWallets } from './wallets.ts';

/**
 * The read models on PostgreSQL; details of archived days come from `files`.
 *
 * @param reader what one tenant's own rows are read through: a pool that sees no others, for requests from outside.
 */
export function createQueries(
  pool: pg.Pool,
  files: ArchiveFiles = createArchiveFiles([]),
  reader: Querier = pool,
): Queries {
  return {
    wallets: (filter) => listWallets(reader, filter),
    wallet: (reference) => showWallets(reader, { ...reference, walletId: parseWalletId(reference.name) }),
    accounts: (filter) => listAccounts(reader, filter),
    alerts: (filter) => listAlerts(reader, filter),
    alert: (tenant, alertId) => showAlert(reader, tenant, alertId),
    explained: (tenant, which) => readExplained(pool, tenant, which),
    findEvent: (id, filter) => findEvent(pool, id, filter, files),
    rejected: (filter) => listRejected(reader, filter),
    holds: (filter) => listHolds(reader, filter),
    hold: (tenant, holdId) => showHold(reader, tenant, holdId),
    quarantine: (filter) => listQuarantine(reader, filter),
    proofs: (ruleset) => proveBooks(pool, ruleset, files),
    verify: (ruleset, request) => verifyLedger(pool, ruleset, files, request),
    ledgerSize: () => ledgerSize(pool),
    health: () => readHealth(pool),
  };
}
