import pg from 'pg';
import { AppError } from '../../../errors.ts';
import { SUPERUSER } from './cluster.ts';

const DATABASE = 'tollkeeper';
const CONNECT_MS_MAX = 10_000;

/** Creates the engine's database at the first start, and says how to reach it. */
export async function ensureDatabase(server: {
  readonly port: number;
  readonly password: string;
}): Promise<{ readonly connectionString: string; readonly serverVersion: string }> {
  const url = (database: string) =>
    `postgres://${SUPERUSER}:${encodeURIComponent(server.password)}@127.0.0.1:${server.port}/${database}`;
  const client = new pg.Client({ connectionString: url('postgres'), connectionTimeoutMillis: CONNECT_MS_MAX });
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string; exists: boolean }>(
      `select current_setting('server_version') as version,
              exists (select from pg_database where datname = $1) as exists`,
      [DATABASE],
    );
    const [row] = rows;
    if (row?.exists === false) await client.query(`create database ${DATABASE}`);
    return { connectionString: url(DATABASE), serverVersion: row?.version ?? 'unknown' };
  } catch (cause) {
    throw new AppError('ENGINE_UNAVAILABLE', `The embedded PostgreSQL on port ${server.port} does not let us in.`, {
      cause,
    });
  } finally {
    await client.end();
  }
}

/** True when a server answers at this address and lets us in. */
export async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_MS_MAX });
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}
