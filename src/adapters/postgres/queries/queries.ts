import type pg from 'pg';
import { parseWalletId } from '../../../domain/ids.ts';
import type { Queries } from '../../../pipeline/queries/queries.ts';
import { ledgerSize, verifyLedger } from '../verify/verify-ledger.ts';
import { listAccounts } from './accounts.ts';
import { listAlerts, showAlert } from './alerts.ts';
import { findEvent } from './find-event.ts';
import { readHealth } from './health.ts';
import { proveBooks } from './proofs.ts';
import { listWallets, showWallets } from './wallets.ts';

/** The read models on PostgreSQL. */
export function createQueries(pool: pg.Pool): Queries {
  return {
    wallets: (filter) => listWallets(pool, filter),
    wallet: (reference) => showWallets(pool, { ...reference, walletId: parseWalletId(reference.name) }),
    accounts: (filter) => listAccounts(pool, filter),
    alerts: (filter) => listAlerts(pool, filter),
    alert: (tenant, alertId) => showAlert(pool, tenant, alertId),
    findEvent: (id, filter) => findEvent(pool, id, filter),
    proofs: (ruleset) => proveBooks(pool, ruleset),
    verify: (ruleset, request) => verifyLedger(pool, ruleset, request),
    ledgerSize: () => ledgerSize(pool),
    health: () => readHealth(pool),
  };
}
