import pg from 'pg';

/** Whether an error came from PostgreSQL with one of these SQLSTATE codes. */
export function isSqlState(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof pg.DatabaseError && error.code !== undefined && codes.includes(error.code);
}

/** Ends of the server's sessions: shutdown, crash and start-up (class 57), and broken connections (class 08). */
const AWAY = ['57P01', '57P02', '57P03', '08000', '08003', '08006'];

/** Whether an error says that the server is ending, starting or gone, and not that the question was wrong. */
export function isServerAway(error: unknown): boolean {
  if (isSqlState(error, ...AWAY)) return true;
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ECONNRESET' || error.message.startsWith('Connection terminated');
}
