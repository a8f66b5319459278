/**
 * Who was seen under which value (a device, a source, a domain) in a trailing window. Bounded: the oldest sightings make
 * room, so a flood of made-up values costs memory nothing.
 */
export class WindowedSets {
  readonly #windowMs: number;
  readonly #max: number;
  readonly #members = new Map<number, Map<string, number>>();
  readonly #queue: { readonly value: number; readonly member: string; readonly atMs: number }[] = [];
  #head = 0;

  constructor(windowMs: number, max: number) {
    this.#windowMs = windowMs;
    this.#max = max;
  }

  add(value: number, member: string, nowMs: number): void {
    this.#expire(nowMs);
    const members = this.#members.get(value) ?? new Map<string, number>();
    members.set(member, nowMs);
    this.#members.set(value, members);
    this.#queue.push({ value, member, atMs: nowMs });
  }

  /** Members under a value, with when each was seen last. */
  of(value: number): ReadonlyMap<string, number> {
    return this.#members.get(value) ?? NOBODY;
  }

  size(value: number): number {
    return this.#members.get(value)?.size ?? 0;
  }

  #expire(nowMs: number): void {
    for (; this.#head < this.#queue.length; this.#head++) {
      const oldest = this.#queue[this.#head];
      if (oldest === undefined) break;
      const isKept = nowMs - oldest.atMs < this.#windowMs && this.#queue.length - this.#head < this.#max;
      if (isKept) break;
      const members = this.#members.get(oldest.value);
      if (members?.get(oldest.member) !== oldest.atMs) continue;
      members.delete(oldest.member);
      if (members.size === 0) this.#members.delete(oldest.value);
    }
    if (this.#head < this.#max) return;
    this.#queue.splice(0, this.#head);
    this.#head = 0;
  }
}

const NOBODY: ReadonlyMap<string, number> = new Map();
