import pg from 'pg';
import { createArchiveFiles } from '../src/adapters/archive-files.ts';
import { createAdminStore } from '../src/adapters/postgres/admin/admin-store.ts';
import { LaneLocks } from '../src/adapters/postgres/lane-locks.ts';
import { PostgresLaneStore } from '../src/adapters/postgres/lane-store.ts';
import { migrate } from '../src/adapters/postgres/migrate.ts';
import { createPool } from '../src/adapters/postgres/pool.ts';
import { createSetStore } from '../src/adapters/postgres/post-set.ts';
import { proveBooks } from '../src/adapters/postgres/queries/proofs.ts';
import { verifyLedger } from '../src/adapters/postgres/verify/verify-ledger.ts';
import { DAY_MS } from '../src/domain/time.ts';
import type { LedgerFinding } from '../src/pipeline/queries/ledger-finding.ts';
import { type Books, type Engine, LANES } from './engine.ts';
import { simulatedRuleset } from './ruleset.ts';
import { START_MS, TENANT, TIME_SPAN_MS } from './usage.ts';

/** Split brain is the point here: every writer believes that it holds the lane's lock, and only the fence decides. */
class EverybodysLocks extends LaneLocks {
  override take(): Promise<boolean> {
    return Promise.resolve(true);
  }

  override release(): Promise<void> {
    return Promise.resolve();
  }
}

/** Databases of one server for one simulation each: copies of a migrated template. */
export interface PostgresEngines {
  readonly open: (name: string) => Promise<Engine>;
  readonly close: () => Promise<void>;
}

/** @param adminUrl a superuser's address; its own database is not touched. */
export async function postgresEngines(adminUrl: string): Promise<PostgresEngines> {
  const prefix = `tk_sim_${process.pid}`;
  const template = `${prefix}_template`;
  await query(adminUrl, `create database ${template} template template0`);
  const pool = createPool(withDatabase(adminUrl, template), { name: 'simulate', max: 1, onError: () => undefined });
  await migrate(pool, { lanes: LANES });
  // Creating a partition locks the whole table, and a transaction that the stage holds still would wait for ever.
  const store = new PostgresLaneStore(pool, new EverybodysLocks(''));
  const days = Math.ceil(TIME_SPAN_MS / DAY_MS) + 2;
  await store.preparePartitions(Array.from({ length: 2 * days }, (_, day) => START_MS + (day - days) * DAY_MS));
  await pool.end();
  return {
    open: (name) => openEngine(adminUrl, template, `${prefix}_${name}`),
    close: () => query(adminUrl, `drop database if exists ${template} with (force)`),
  };
}

async function openEngine(adminUrl: string, template: string, name: string): Promise<Engine> {
  await query(adminUrl, `create database ${name} template ${template}`);
  // The stage lets nobody wait; should somebody wait all the same, that must end as a failure and not for ever.
  await query(adminUrl, `alter database ${name} set lock_timeout = '3s'`);
  const url = withDatabase(adminUrl, name);
  const pool = createPool(url, { name: 'simulate', max: 40, onError: () => undefined });
  return {
    lanes: new PostgresLaneStore(pool, new EverybodysLocks(url)),
    admin: createAdminStore(pool),
    sets: createSetStore(pool),
    books: () => readBooks(pool),
    closeDays: async (beforeMs) => {
      // As archiving does it; the files are no part of a simulation.
      await pool.query(
        `with fences as (select lane from lane_epoch order by lane for update)
         update lane_epoch set entries_from = greatest(entries_from, to_timestamp($1::float8 / 1000)) where lane in (select lane from fences)`,
        [beforeMs],
      );
    },
    faults: async () => {
      // No day of a simulation is archived, so there is no directory to look in.
      const files = createArchiveFiles([]);
      const found: string[] = [];
      const onFinding = (finding: LedgerFinding) => found.push(JSON.stringify(finding));
      await verifyLedger(pool, simulatedRuleset(), files, { tenant: TENANT, onFinding, onProgress: () => undefined });
      const proofs = await proveBooks(pool, simulatedRuleset(), files);
      const failed = proofs.filter(({ ok }) => !ok).map(({ name: title, detail }) => `${title}: ${detail}`);
      return [...failed, ...found];
    },
    brokenLinks: async () => [],
    close: async () => {
      await pool.end();
      await query(adminUrl, `drop database if exists ${name} with (force)`);
    },
  };
}

const ms = (column: string) => `coalesce((extract(epoch from ${column}) * 1000)::bigint::text, '-')`;
const orDash = (column: string) => `coalesce(${column}::text, '-')`;

const QUERIES: Readonly<Record<keyof Books, string>> = {
  entries: `select concat_ws(' ', event_key, wallet_id, seq, amount, balance_after, content_hash, kind, lane, batch_no) as line from entry`,
  quarantine: `select concat_ws(' ', event_key, wallet_id, reason, status, ${orDash('amount')}, residue, content_hash, lane, batch_no, position) as line
    from quarantine`,
  wallets: `select concat_ws(' ', wallet_id, account_id, status, status_sequence, ${ms('frozen_at')}, ${ms('frozen_until')}, ${orDash('frozen_by')},
      posted, residue, ${orDash('overdraft_limit')}, ${orDash('throttle_limit')}, ${orDash('throttle_period_ms')},
      ${ms('throttle_period_at')}, ${orDash('throttle_spent')}, ${ms('throttle_told_at')}, ${orDash('throttle_told_sequence')}, seq, quarantined, quarantined_events) as line from wallet`,
  grants: `select concat_ws(' ', grant_id, wallet_id, source, priority, amount, remaining, ${ms('expires_at')}, ${ms('created_at')}) as line
    from credit_grant`,
  burns: `select concat_ws(' ', lane, batch_no, grant_id, amount) as line from grant_burn`,
  batches: `select concat_ws(' ', lane, batch_no, kind, epoch, events, posted, duplicate, quarantined, priced, encode(root, 'hex')) as line from batch`,
  contra: `select concat_ws(' ', lane, batch_no, ledger_account, amount) as line from batch_contra`,
  decisions: `select concat_ws(' ', decision_id, outcome, score) as line from decision`,
  messages: `select concat_ws(' ', message_key, payload) as line from outbox`,
  requests: `select concat_ws(' ', idempotency_key, request_hash, result) as line from admin_request`,
  corrections: `select concat_ws(' ', event_key, correction_no, kind, lane, batch_no, reversal_key, ${orDash('amended_key')}, reversed, charged,
      ${orDash('meter')}, ${orDash('quantity')}) as line from event_correction`,
  holds: `select concat_ws(' ', hold_id, wallet_id, amount, capture_max, captured, state, ${ms('placed_at')}, ${ms('expires_at')}, ${ms('closed_at')}) as line
    from hold`,
  holdAnswers: `select concat_ws(' ', hold_id, idempotency_key, request_hash, operation, result) as line from hold_operation`,
  features: `select concat_ws(' ', wallet_id, through_batch, encode(state, 'hex')) as line from feature_state`,
  lanes: `select concat_ws(' ', lane, epoch, change_no, last_batch, coalesce((extract(epoch from ingested_at) * 1000)::bigint, 0), features_through) as line
    from lane_epoch join lane_head using (lane)`,
};

async function readBooks(pool: pg.Pool): Promise<Books> {
  const books: Record<string, readonly string[]> = {};
  for (const [table, sql] of Object.entries(QUERIES)) {
    const { rows } = await pool.query<{ line: string }>(sql);
    books[table] = rows.map(({ line }) => line).sort();
  }
  return books as unknown as Books;
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function withDatabase(connectionString: string, name: string): string {
  const url = new URL(connectionString);
  url.pathname = `/${name}`;
  return url.href;
}
