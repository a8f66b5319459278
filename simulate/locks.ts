/**
 * Who must wait for whom, as the fence rows and the unique indexes of PostgreSQL have it. The stage asks before it opens a
 * gate, so that on a real server nobody ever waits for a transaction that the stage holds still.
 */
export class Locks {
  readonly #shared = new Map<number, Set<object>>();
  readonly #taken = new Map<number, object>();
  readonly #keys = new Map<string, object>();

  /** Whether a batch may read the lane's fence now. */
  canShare(lane: number): boolean {
    return !this.#taken.has(lane);
  }

  /** Whether a takeover or a change by a person may lock the lane's fence now. */
  canTake(lane: number): boolean {
    return !this.#taken.has(lane) && (this.#shared.get(lane)?.size ?? 0) === 0;
  }

  share(lane: number, holder: object): void {
    const holders = this.#shared.get(lane) ?? new Set();
    holders.add(holder);
    this.#shared.set(lane, holders);
  }

  take(lane: number, holder: object): void {
    this.#taken.set(lane, holder);
  }

  /** Whether none of these keys is being written by somebody else who has not committed. */
  areFree(keys: readonly string[], holder: object): boolean {
    return keys.every((key) => (this.#keys.get(key) ?? holder) === holder);
  }

  takeKeys(keys: readonly string[], holder: object): void {
    for (const key of keys) this.#keys.set(key, holder);
  }

  /** Everything a transaction held, at its end. */
  release(holder: object): void {
    for (const holders of this.#shared.values()) holders.delete(holder);
    for (const [lane, taker] of this.#taken) if (taker === holder) this.#taken.delete(lane);
    for (const [key, taker] of this.#keys) if (taker === holder) this.#keys.delete(key);
  }
}
