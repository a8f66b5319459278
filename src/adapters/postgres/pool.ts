import pg from 'pg';

/** Schema of all Tollkeeper tables; BullMQ's PostgreSQL backend keeps its own schema beside it. */
export const SCHEMA = 'tollkeeper';

// bigint columns are money and sequence numbers: a JavaScript number would lose digits silently.
const INT8_OID = 20;
const TYPES = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === INT8_OID && format !== 'binary') return (text: string) => BigInt(text);
    return pg.types.getTypeParser(oid, format);
  },
};

/** What a read model needs of a pool: one of all tenants, or one that sees a single tenant's rows (tenant-pool.ts). */
export type Querier = Pick<pg.Pool, 'query'>;

/** Why a transaction may not run for ever: a stuck one would hold a lane's fence. */
const TRANSACTION_TIMEOUT_MS = 20_000;

/** Connection settings shared by every pool and client of the project. */
export function connectionConfig(connectionString: string, name: string): pg.ClientConfig {
  return {
    connectionString,
    application_name: `tollkeeper ${name}`,
    types: TYPES as pg.CustomTypesConfig,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    options: `-c search_path=${SCHEMA} -c idle_in_transaction_session_timeout=${TRANSACTION_TIMEOUT_MS} -c timezone=UTC`,
  };
}

/** A pool on the Tollkeeper schema. Idle connection errors are reported, not thrown: the next query reconnects. */
export function createPool(
  connectionString: string,
  options: { readonly name: string; readonly max: number; readonly onError: (error: Error) => void },
): pg.Pool {
  const pool = new pg.Pool({ ...connectionConfig(connectionString, options.name), max: options.max });
  pool.on('error', options.onError);
  return pool;
}

/**
 * Runs work in one database transaction on a pooled connection; rolls back, and drops a broken connection.
 *
 * @param begin starts the transaction; a caller may start it and ask its first question in one round trip.
 */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  begin: (client: pg.PoolClient) => Promise<unknown> = (client) => client.query('begin'),
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A connection that dies between queries emits here; without a listener the process would die with it.
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await begin(client);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}
