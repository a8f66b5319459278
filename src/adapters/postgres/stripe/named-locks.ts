import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** Locks held at once by this process. Each keeps a connection of the pool while its work needs others of it. */
const HELD_MAX = 3;
const ASK_AGAIN_MS = 50;

/**
 * Locks by name among all processes on a database. A lock is the server's, on a connection of its own and outside any
 * transaction: the work asks Stripe, and a transaction that waits for a stranger would hold its rows. The server drops the
 * lock when the process dies.
 */
export function createNamedLocks(pool: pg.Pool): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<unknown>>();
  const waiting: (() => void)[] = [];
  let held = 0;
  const enter = async () => {
    if (held < HELD_MAX) held++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) held--;
    else next();
  };
  return async (name, work) => {
    // Those of this process that want the same name queue up here, where waiting costs no connection.
    const before = tails.get(name);
    const turn = (async () => {
      await before?.catch(() => undefined);
      await enter();
      try {
        return await locked(pool, name, work);
      } finally {
        leave();
      }
    })();
    tails.set(name, turn);
    try {
      return await turn;
    } finally {
      if (tails.get(name) === turn) tails.delete(name);
    }
  };
}

async function locked<T>(pool: pg.Pool, name: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    const client = await pool.connect();
    let broken: Error | undefined;
    const onError = (error: Error) => {
      broken = error;
    };
    client.on('error', onError);
    try {
      const { rows } = await client.query<{ ours: boolean }>(
        'select pg_try_advisory_lock(hashtextextended($1, 0)) as ours',
        [name],
      );
      if (rows[0]?.ours === true) {
        const result = await work();
        await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [name]);
        return result;
      }
    } catch (error) {
      // The connection goes, and the lock with it.
      broken ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
    // Another process has it. Its connection is given back meanwhile.
    await sleep(ASK_AGAIN_MS);
  }
}
