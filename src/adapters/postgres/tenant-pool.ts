import pg from 'pg';
import { connectionConfig } from './pool.ts';

/** The role that row-level security holds to one tenant; it may read and nothing else. */
export const TENANT_ROLE = 'tk_app';

/** Connections that see rows of one tenant at a time. */
export interface TenantPools {
  /** A pool that sees only this tenant's rows, whatever the query asks for. Not to be ended: it is a view. */
  of(tenant: string): Pick<pg.Pool, 'query'>;
  end(): Promise<void>;
}

/**
 * Opens a pool whose connections are `tk_app` from their first byte, so that a query which forgets the tenant sees nothing
 * (docs/tenants.md). Every query is a read-only transaction of its own that names the tenant for itself alone: nothing is
 * left on the connection for whoever has it next.
 */
export function createTenantPools(
  connectionString: string,
  options: { readonly name: string; readonly max: number; readonly onError: (error: Error) => void },
): TenantPools {
  const config = connectionConfig(connectionString, options.name);
  const pool = new pg.Pool({ ...config, options: `${config.options} -c role=${TENANT_ROLE}`, max: options.max });
  pool.on('error', options.onError);
  return {
    of: (tenant) => ({
      query: ((text: string, values?: unknown[]) => queryAs(pool, tenant, text, values)) as pg.Pool['query'],
    }),
    end: () => pool.end(),
  };
}

async function queryAs(pool: pg.Pool, tenant: string, text: string, values?: unknown[]): Promise<pg.QueryResult> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await client.query(`begin read only; set local app.tenant = ${client.escapeLiteral(tenant)}`);
    const result = await client.query(text, values);
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
