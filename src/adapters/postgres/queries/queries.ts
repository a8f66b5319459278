import type pg from 'pg';
import { parseWalletId } from '../../../domain/ids.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import type { Queries } from '../../../pipeline/queries/queries.ts';
import { createArchiveFiles } from '../../archive-files.ts';
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

/** The read models on PostgreSQL; details of archived days come from `files`. */
export function createQueries(pool: pg.Pool, files: ArchiveFiles = createArchiveFiles([])): Queries {
  return {
    wallets: (filter) => listWallets(pool, filter),
    wallet: (reference) => showWallets(pool, { ...reference, walletId: parseWalletId(reference.name) }),
    accounts: (filter) => listAccounts(pool, filter),
    alerts: (filter) => listAlerts(pool, filter),
    alert: (tenant, alertId) => showAlert(pool, tenant, alertId),
    explained: (tenant, which) => readExplained(pool, tenant, which),
    findEvent: (id, filter) => findEvent(pool, id, filter, files),
    rejected: (filter) => listRejected(pool, filter),
    holds: (filter) => listHolds(pool, filter),
    hold: (tenant, holdId) => showHold(pool, tenant, holdId),
    quarantine: (filter) => listQuarantine(pool, filter),
    proofs: (ruleset) => proveBooks(pool, ruleset, files),
    verify: (ruleset, request) => verifyLedger(pool, ruleset, files, request),
    ledgerSize: () => ledgerSize(pool),
    health: () => readHealth(pool),
  };
}
