import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { connectionConfig } from './pool.ts';

/** Class number of the advisory locks that say "this lane's writer lives": the number spells "TK". */
export const LANE_LOCK_CLASS = 0x544b;

const RETAKE_MS_MIN = 10;
const RETAKE_MS_MAX = 250;

/**
 * The signs of life of this process's lane writers: one session holds one advisory lock a lane, and the server drops
 * them all the moment the process dies. It drops them as well when only the connection breaks; they are then taken again
 * for as long as it takes, because a lane without its lock looks like an orphan to everybody else.
 *
 * A lock that cannot be had back is no reason to stop writing: it may be held by the ghost of our own broken session.
 * Whether a writer may write is for the fence row alone to say.
 */
export class LaneLocks {
  readonly #connectionString: string;
  readonly #lockClass: number;
  readonly #wanted = new Set<number>();
  readonly #held = new Set<number>();
  #session: pg.Client | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #isRetaking = false;

  /** @param lockClass another one for what is no lane and has one keeper all the same. */
  constructor(connectionString: string, lockClass = LANE_LOCK_CLASS) {
    this.#connectionString = connectionString;
    this.#lockClass = lockClass;
  }

  /** Takes a lane's lock, if it is not ours already. False: another live session holds it. */
  take(lane: number): Promise<boolean> {
    return this.#inTurn(async () => {
      const wasWanted = this.#wanted.has(lane);
      this.#wanted.add(lane);
      let isHeld = false;
      try {
        isHeld = await this.#lock(lane);
      } finally {
        if (!isHeld && !wasWanted) await this.#giveUp(lane);
      }
      return isHeld;
    });
  }

  release(lane: number): Promise<void> {
    return this.#inTurn(() => this.#giveUp(lane));
  }

  /** One at a time: two callers must not each open a session. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #lock(lane: number): Promise<boolean> {
    if (this.#held.has(lane)) return true;
    const session = await this.#open();
    const { rows } = await session.query<{ isHeld: boolean }>('select pg_try_advisory_lock($1, $2) as "isHeld"', [
      this.#lockClass,
      lane,
    ]);
    const isHeld = rows[0]?.isHeld === true && this.#session === session;
    if (isHeld) this.#held.add(lane);
    return isHeld;
  }

  async #giveUp(lane: number): Promise<void> {
    this.#wanted.delete(lane);
    const [session, wasHeld] = [this.#session, this.#held.delete(lane)];
    if (session === undefined) return;
    if (this.#wanted.size === 0) {
      this.#forget(session);
      await session.end().catch(() => undefined);
    } else if (wasHeld) {
      // A session that cannot even do this is broken, and the server has dropped the lock with it.
      await session.query('select pg_advisory_unlock($1, $2)', [this.#lockClass, lane]).catch(() => undefined);
    }
  }

  async #open(): Promise<pg.Client> {
    if (this.#session !== undefined) return this.#session;
    const session = new pg.Client(connectionConfig(this.#connectionString, 'lanes'));
    const onEnd = () => {
      this.#forget(session);
      void this.#retake();
    };
    session.on('error', onEnd);
    session.on('end', onEnd);
    await session.connect();
    this.#session = session;
    return session;
  }

  #forget(session: pg.Client): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#held.clear();
  }

  async #retake(): Promise<void> {
    if (this.#isRetaking) return;
    this.#isRetaking = true;
    for (let waitMs = RETAKE_MS_MIN; ; waitMs = Math.min(2 * waitMs, RETAKE_MS_MAX)) {
      if ([...this.#wanted].every((lane) => this.#held.has(lane))) break;
      await sleep(waitMs);
      await this.#inTurn(async () => {
        for (const lane of this.#wanted) await this.#lock(lane);
      }).catch(() => undefined);
    }
    this.#isRetaking = false;
  }
}
