import pg from 'pg';

/** Whether an error came from PostgreSQL with one of these SQLSTATE codes. */
export function isSqlState(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof pg.DatabaseError && error.code !== undefined && codes.includes(error.code);
}
