import { createArchiveFiles } from '../adapters/archive-files.ts';
import { createAdminStore } from '../adapters/postgres/admin/admin-store.ts';
import { createApiKeyStore } from '../adapters/postgres/api-keys.ts';
import { createApprovals } from '../adapters/postgres/approvals.ts';
import { createCaseFiles } from '../adapters/postgres/case-files.ts';
import { createContactStore } from '../adapters/postgres/contact-store.ts';
import { createEraseStore } from '../adapters/postgres/erase-people.ts';
import { openFactHistory } from '../adapters/postgres/fact-history.ts';
import { type MigrationStatus, migrate, migrationStatus, requireKnown } from '../adapters/postgres/migrate.ts';
import { createPool } from '../adapters/postgres/pool.ts';
import { createSetStore } from '../adapters/postgres/post-set.ts';
import { readKnownCases } from '../adapters/postgres/queries/case-labels.ts';
import { createQueries } from '../adapters/postgres/queries/queries.ts';
import { createReplayStore } from '../adapters/postgres/replay-store.ts';
import { createReviewStore } from '../adapters/postgres/review-store.ts';
import { createHistory } from '../adapters/postgres/statement/history.ts';
import { createStoryStore } from '../adapters/postgres/story-store.ts';
import { createMoneyStore } from '../adapters/postgres/stripe/money-store.ts';
import type { Config } from '../config.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { AppError } from '../errors.ts';
import type { AdminStore } from '../pipeline/admin/admin-store.ts';
import type { CaseStore } from '../pipeline/admin/case-store.ts';
import { SetPoster } from '../pipeline/admin/post-set.ts';
import type { ApiKeyStore } from '../pipeline/api-keys/api-key.ts';
import type { ApprovalStore } from '../pipeline/approvals/approval-store.ts';
import type { KnownCases } from '../pipeline/backtest/case-labels.ts';
import type { History as UsageHistory } from '../pipeline/backtest/history-event.ts';
import type { CaseFileStore } from '../pipeline/cases/case-file-store.ts';
import type { ContactStore } from '../pipeline/contacts/contact-store.ts';
import type { EraseStore } from '../pipeline/contacts/erase-people.ts';
import type { Announcing } from '../pipeline/delivery/announce.ts';
import type { Delivering } from '../pipeline/delivery/deliver.ts';
import type { DunningSweep } from '../pipeline/dunning/sweep-dunning.ts';
import type { Queries } from '../pipeline/queries/queries.ts';
import type { ReconcileParts } from '../pipeline/reconcile/reconcile.ts';
import type { ReplayStore } from '../pipeline/replay/replay-store.ts';
import type { ReviewStore } from '../pipeline/review/review-store.ts';
import type { History } from '../pipeline/statement/statement.ts';
import type { MoneyIn } from '../pipeline/stripe/money-in.ts';
import type { MoneyStore } from '../pipeline/stripe/money-store.ts';
import type { StoryStore } from '../pipeline/summaries/story-store.ts';
import type { Exporting } from '../pipeline/usage-export/run-export.ts';
import { createDelivery } from './delivery.ts';
import { createDunning } from './dunning.ts';
import { openServer, type Server } from './engine.ts';
import { engineSettings } from './engine-settings.ts';
import { requireMoneyIn } from './money-in.ts';
import { createReconciling } from './reconcile.ts';
import { requireExporting } from './usage-export.ts';

/** The database for commands: read models and the direct path, without queues or workers. */
export interface OpenBooks {
  readonly queries: Queries;
  readonly admin: AdminStore & CaseStore;
  readonly history: History;
  readonly replay: ReplayStore;
  /** Charges and credits of many wallets at once. */
  readonly sets: SetPoster;
  /** All usage of a tenant in the order of its arrival, for backtests. */
  readonly usage: (tenant: string) => Promise<UsageHistory>;
  /** What people and payments have said of a tenant's accounts. */
  readonly cases: (tenant: string) => Promise<KnownCases>;
  /** Keys of the HTTP API. */
  readonly keys: ApiKeyStore;
  /** Top-ups, Stripe's events and money cases. */
  readonly money: MoneyStore;
  /** The same with Stripe; throws `STRIPE_OFF` without a key. */
  readonly moneyIn: (ruleset: Ruleset) => MoneyIn;
  /** How accounts' people are reached. */
  readonly contacts: ContactStore;
  /** What messages to people are written from. */
  readonly stories: StoryStore;
  /** What a language model said of alerts. */
  readonly reviews: ReviewStore;
  /** What compares the books with Stripe; throws `STRIPE_OFF` without a key. */
  readonly reconciling: (ruleset: Ruleset) => ReconcileParts;
  /** Messages, their deliveries, and the channels that are set up. */
  readonly delivery: (ruleset: Ruleset) => Delivering & Announcing;
  /** Failed top-ups and their drafts. */
  readonly dunning: (ruleset: Ruleset) => DunningSweep;
  /** Erases what names the people of an account. */
  readonly erase: EraseStore;
  /** What people work on. */
  readonly caseFiles: CaseFileStore;
  /** Changes that wait for a second person. */
  readonly approvals: ApprovalStore;
  /** Usage told to meters; throws `STRIPE_OFF` without a key or meters to export. */
  readonly exporting: () => Exporting;
  readonly close: () => Promise<void>;
}

/** Commands run a few statements at a time. */
const CONNECTIONS_MAX = 4;

/**
 * Opens the database. The embedded one is ours to migrate; one of your own is only migrated by `tollkeeper migrate`, so
 * that looking at a wallet never changes a schema that other versions use.
 */
export async function openBooks(config: Config, onError: (error: Error) => void): Promise<OpenBooks> {
  const { pool, close } = await openMigrated(config, onError);
  const files = createArchiveFiles([config.archiveDir]);
  return {
    queries: createQueries(pool, files),
    admin: createAdminStore(pool),
    history: createHistory(pool, files),
    replay: createReplayStore(pool),
    sets: new SetPoster(createSetStore(pool)),
    usage: (tenant) => openFactHistory(pool, tenant),
    cases: (tenant) => readKnownCases(pool, tenant),
    keys: createApiKeyStore(pool),
    money: createMoneyStore(pool),
    contacts: createContactStore(pool),
    stories: createStoryStore(pool),
    reviews: createReviewStore(pool),
    reconciling: (ruleset) => createReconciling(pool, { config, ruleset: () => ruleset, now: () => Date.now() }),
    delivery: (ruleset) => createDelivery(pool, { config, ruleset: () => ruleset, now: () => Date.now() }),
    dunning: (ruleset) => createDunning(pool, { config, ruleset: () => ruleset, now: () => Date.now() }),
    caseFiles: createCaseFiles(pool),
    erase: createEraseStore(pool),
    approvals: createApprovals(pool),
    exporting: () => requireExporting(pool, { config, now: () => Date.now() }),
    moneyIn: (ruleset) => requireMoneyIn(pool, { config, ruleset: () => ruleset, now: () => Date.now() }),
    close,
  };
}

/** A pool on a database of this version: ours is brought there, one of your own must be. */
export async function openMigrated(config: Config, onError: (error: Error) => void): Promise<OpenPool> {
  const opened = await openPool(config, onError);
  try {
    if (opened.server.kind === 'embedded') await migrate(opened.pool, { lanes: config.lanes });
    else await requireMigrated(await migrationStatus(opened.pool));
  } catch (error) {
    await opened.close();
    throw error;
  }
  return opened;
}

/** Applied and pending migrations, without applying any. */
export async function readMigrations(config: Config, onError: (error: Error) => void): Promise<MigrationStatus> {
  const { pool, close } = await openPool(config, onError);
  try {
    const status = await migrationStatus(pool);
    requireKnown(status);
    return status;
  } finally {
    await close();
  }
}

/** Applies what is pending; returns the names. */
export async function applyMigrations(config: Config, onError: (error: Error) => void): Promise<readonly string[]> {
  const { pool, close } = await openPool(config, onError);
  try {
    return await migrate(pool, { lanes: config.lanes });
  } finally {
    await close();
  }
}

async function requireMigrated(status: MigrationStatus): Promise<void> {
  requireKnown(status);
  const { pending } = status;
  if (pending.length === 0) return;
  throw new AppError('DATABASE_NOT_MIGRATED', `The database lacks ${pending.join(', ')}.`);
}

interface OpenPool {
  readonly pool: ReturnType<typeof createPool>;
  readonly server: Server;
  readonly close: () => Promise<void>;
}

/** A pool on a server that answers. */
export async function openPool(config: Config, onError: (error: Error) => void): Promise<OpenPool> {
  const server = await openServer(engineSettings(config), { mode: 'shared', onError });
  let closing = false;
  const pool = createPool(server.connectionString, {
    name: 'cli',
    max: CONNECTIONS_MAX,
    // Connections that the server drops while we are stopping it are no news.
    onError: (error) => {
      if (!closing) onError(error);
    },
  });
  const close = async () => {
    closing = true;
    await pool.end();
    await server.close();
  };
  try {
    await pool.query('select 1');
  } catch (cause) {
    await close();
    const what = server.kind === 'embedded' ? 'The embedded PostgreSQL' : 'PostgreSQL at DATABASE_URL';
    throw new AppError('DATABASE_UNREACHABLE', `${what} does not let us in`, { cause });
  }
  return { pool, server, close };
}
