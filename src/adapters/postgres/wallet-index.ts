import type pg from 'pg';
import { HOUR_MS } from '../../domain/time.ts';

/** A day's usage goes on arriving for a while after midnight: writers gather, clocks differ, sources retry. */
const OVER_FOR_MS = 2 * HOUR_MS;

/** A day that takes more than this share of its entries between two looks is being filled in; its index can wait. */
const GROWTH_MAX = 0.01;
const GROWTH_EVENTS_MIN = 1_000;

/** How often is looked for days to index. */
const LOOK_MS = 60_000;

/** Advisory lock that lets one process index at a time; the number spells "TKWI". */
const INDEX_LOCK = 0x544b5749;

interface DayTable {
  readonly name: string;
  readonly inserted: bigint;
  /** null: the day has no index per wallet. */
  readonly valid: boolean | null;
}

/**
 * Gives each day of entries its index per wallet once the day is over. Before that the index would cost every batch more
 * than the statements of one day are worth: a page per wallet instead of the end of the table. Without blocking writers.
 */
export class WalletIndexer {
  readonly #pool: pg.Pool;
  readonly #now: () => number;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #inserted: ReadonlyMap<string, bigint> = new Map();
  #running: number | undefined;
  #isClosed = false;

  constructor(pool: pg.Pool, now: () => number) {
    this.#pool = pool;
    this.#now = now;
  }

  /** Indexes days that are over and quiet, the newest first; looks at most once a minute. Returns the tables' names. */
  async sweep(): Promise<readonly string[]> {
    const nowMs = this.#now();
    if (this.#isClosed || nowMs - this.#lookedAtMs < LOOK_MS) return [];
    this.#lookedAtMs = nowMs;
    const tables = await this.#daysWithout(nowMs);
    const before = this.#inserted;
    this.#inserted = new Map(tables.map(({ name, inserted }) => [name, inserted]));
    const quiet = tables.filter(({ name, inserted }) => isQuiet(before.get(name), inserted));
    return quiet.length === 0 ? [] : this.#alone((client) => this.#index(client, quiet));
  }

  /** Ends what is under way; a half-made index is taken away when somebody looks next. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#running !== undefined) await this.#pool.query('select pg_cancel_backend($1)', [this.#running]);
  }

  async #daysWithout(nowMs: number): Promise<readonly DayTable[]> {
    const { rows } = await this.#pool.query<DayTable>(
      `select c.relname as name, coalesce(s.n_tup_ins, 0) as inserted, i.indisvalid as valid
       from pg_inherits h join pg_class c on c.oid = h.inhrelid left join pg_stat_user_tables s on s.relid = c.oid
       left join pg_class x on x.relname = c.relname || '_wallet' and x.relnamespace = c.relnamespace
       left join pg_index i on i.indexrelid = x.oid
       where h.inhparent = 'entry'::regclass and c.relname ~ '^entry_\\d{8}$' and i.indisvalid is not true
         and to_date(right(c.relname, 8), 'YYYYMMDD') < to_date($1, 'YYYYMMDD')
       order by c.relname desc`,
      [new Date(nowMs - OVER_FOR_MS).toISOString().slice(0, 10).replaceAll('-', '')],
    );
    return rows;
  }

  async #index(client: pg.PoolClient, tables: readonly DayTable[]): Promise<readonly string[]> {
    const made: string[] = [];
    for (const { name, valid } of tables) {
      if (this.#isClosed) break;
      // What was cut off is in nobody's way, and is no use.
      if (valid === false) await client.query(`drop index concurrently if exists ${name}_wallet`);
      await client.query(`create index concurrently if not exists ${name}_wallet on ${name} (wallet_id, seq)`);
      made.push(name);
    }
    return made;
  }

  async #alone(work: (client: pg.PoolClient) => Promise<readonly string[]>): Promise<readonly string[]> {
    const client = await this.#pool.connect();
    let failure: Error | undefined;
    // A connection that dies between queries emits here; without a listener the process would die with it.
    const onError = (error: Error) => {
      failure = error;
    };
    client.on('error', onError);
    try {
      const { rows } = await client.query<{ pid: number; taken: boolean }>(
        'select pg_backend_pid() as pid, pg_try_advisory_lock($1) as taken',
        [INDEX_LOCK],
      );
      if (rows[0]?.taken !== true) return [];
      this.#running = rows[0].pid;
      // A day of a hundred million entries takes a minute.
      await client.query('set statement_timeout = 0');
      try {
        return await work(client);
      } catch (error) {
        if (this.#isClosed) return [];
        throw error;
      }
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      this.#running = undefined;
      client.off('error', onError);
      // The session's lock and setting go with it.
      client.release(failure ?? true);
    }
  }
}

function isQuiet(before: bigint | undefined, now: bigint): boolean {
  if (before === undefined) return false;
  const growth = Number(now - before);
  return growth <= Math.max(GROWTH_EVENTS_MIN, Number(now) * GROWTH_MAX);
}
