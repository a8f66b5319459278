import pg from 'pg';

/** One group of a lane is in flight at a time, so this many lanes of a process never wait for each other. */
const CONNECTIONS_MAX = 64;

/**
 * Connections for groups of holds alone, so that no hold waits for a slot that batches and people have taken. They send
 * queries without waiting for the answers of those before (pipeline mode): a group pays for two round trips, not five.
 */
export class HoldConnections {
  readonly #like: pg.Pool;
  #pool: pg.Pool | undefined;

  /** @param like a pool on the same database */
  constructor(like: pg.Pool) {
    this.#like = like;
  }

  connect(): Promise<pg.PoolClient> {
    if (this.#pool === undefined) {
      const options = { ...this.#like.options, pipeline: true, max: CONNECTIONS_MAX, allowExitOnIdle: true };
      this.#pool = new pg.Pool(options);
      // An idle connection that breaks is replaced by the next group.
      this.#pool.on('error', () => undefined);
    }
    return this.#pool.connect();
  }

  /** Ends what is open; whoever comes later opens it again. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.end();
  }
}

/**
 * Runs a database transaction in which the commit is sent right behind what `work` writes. Fails when anything of it failed:
 * PostgreSQL answers the commit of a failed transaction with a rollback.
 *
 * @param begin starts the transaction and asks its first questions
 * @param work sends all that is to be written before it returns
 */
export async function inPipelinedTransaction<B, T>(
  connecting: Promise<pg.PoolClient>,
  begin: (client: pg.PoolClient) => Promise<B>,
  work: (client: pg.PoolClient, begun: B) => Promise<{ readonly written: Promise<T> }>,
): Promise<T> {
  const client = await connecting;
  let broken: Error | undefined;
  // A connection that dies between queries emits here; without a listener the process would die with it.
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    const { written } = await work(client, await begin(client));
    const [result, commit] = await Promise.all([written, client.query('commit')]);
    if (commit.command !== 'COMMIT') throw new Error('the transaction was rolled back');
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
