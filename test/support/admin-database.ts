import pg from 'pg';

/** The run's PostgreSQL, as the global setup hands it to the test files. */
export interface TestPostgres {
  /** A superuser's address; its database is only for creating others. */
  readonly adminUrl: string;
  /** The migrated database that test databases are copies of. */
  readonly template: string;
  /** Every test database of this run begins with it, so that the run can remove them. */
  readonly prefix: string;
}

/** The lanes a test database is laid out with; ask for an `empty` one and migrate it yourself for another number. */
export const TEST_LANES = 4;

/** Runs one statement on a connection of its own, outside any transaction, as CREATE DATABASE wants. */
export async function adminQuery(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** The same server and role, another database. */
export function withDatabase(connectionString: string, name: string): string {
  const url = new URL(connectionString);
  url.pathname = `/${name}`;
  return url.href;
}

/** Names of the databases that begin with `prefix`. */
export async function databasesNamed(url: string, prefix: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [prefix],
    );
    return rows.map((row) => row.datname);
  } finally {
    await client.end();
  }
}
