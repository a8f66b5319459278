import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { AppError } from '../../errors.ts';
import { packageRoot } from '../package-root.ts';
import { SCHEMA } from './pool.ts';

/** Advisory lock that lets one process migrate at a time; the number spells "TOLL". */
const MIGRATION_LOCK = 0x544f4c4c;

export interface MigrationStatus {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Applied by a newer release: this one knows nothing of them. */
  readonly newer: readonly string[];
}

/**
 * Applies every pending migration, each in its own transaction, and lays out the lanes. Forward only; a released file is
 * never edited. Safe to run from many processes at once. Returns the names applied now.
 */
export async function migrate(pool: pg.Pool, options: { readonly lanes: number }): Promise<readonly string[]> {
  const client = await pool.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await client.query(`create schema if not exists ${SCHEMA}`);
    await client.query(
      'create table if not exists migration (name text primary key, applied_at timestamptz not null default now())',
    );
    const status = await migrationStatus(client);
    requireKnown(status);
    const { pending } = status;
    for (const name of pending) await applyMigration(client, name);
    await layOutLanes(client, options.lanes);
    return pending;
  } finally {
    await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
    client.release();
  }
}

/** What has been applied and what has not; an unmigrated database has everything pending. */
export async function migrationStatus(client: pg.Pool | pg.PoolClient): Promise<MigrationStatus> {
  const names = (await readdir(migrationsDirectory())).filter((name) => name.endsWith('.sql')).sort();
  const exists = await client.query<{ found: boolean }>(
    `select to_regclass('${SCHEMA}.migration') is not null as found`,
  );
  const rows =
    exists.rows[0]?.found === true ? (await client.query<{ name: string }>('select name from migration')).rows : [];
  const applied = new Set(rows.map((row) => row.name));
  return {
    applied: names.filter((name) => applied.has(name)),
    pending: names.filter((name) => !applied.has(name)),
    newer: [...applied].filter((name) => !names.includes(name)).sort(),
  };
}

/** `AppError(DATABASE_NEWER)` when a newer release has changed this database: its tables are not what we expect. */
export function requireKnown({ newer, applied, pending }: MigrationStatus): void {
  const newest = newer.at(-1);
  if (newest === undefined) return;
  const own = [...applied, ...pending].sort().at(-1) ?? 'none';
  throw new AppError(
    'DATABASE_NEWER',
    `The database is at migration ${newest}; this release of Tollkeeper knows migrations up to ${own}.`,
  );
}

function migrationsDirectory(): string {
  return join(packageRoot(), 'src/adapters/postgres/migrations');
}

async function applyMigration(client: pg.PoolClient, name: string): Promise<void> {
  const sql = await readFile(join(migrationsDirectory(), name), 'utf8');
  try {
    await client.query('begin');
    await client.query(sql);
    await client.query('insert into migration (name) values ($1)', [name]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new AppError('DATABASE_NOT_MIGRATED', `migration ${name} failed`, { cause: error });
  }
}

/** Spreads the 1,024 shards over the lanes once; changing the number of lanes later needs every lane idle. */
async function layOutLanes(client: pg.PoolClient, lanes: number): Promise<void> {
  await client.query(
    `insert into shard_lane (shard, lane) select shard, shard % $1 from generate_series(0, 1023) shard on conflict do nothing`,
    [lanes],
  );
  await client.query('insert into lane_epoch (lane) select distinct lane from shard_lane on conflict do nothing');
  await client.query('insert into lane_head (lane) select lane from lane_epoch on conflict do nothing');
}
