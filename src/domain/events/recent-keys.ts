import type { EventKey } from './event-key.ts';

const SLOTS_MIN = 1 << 12;
const LOAD_MAX = 0.6;

/** One generation: open addressing over typed arrays, because a Map of 10^5 keys costs ten times the memory. */
class Generation {
  #h0 = new Uint32Array(SLOTS_MIN);
  #h1 = new Uint32Array(SLOTS_MIN);
  #h2 = new Uint16Array(SLOTS_MIN);
  #timeMs = new Float64Array(SLOTS_MIN).fill(-1);
  size = 0;
  newestMs = -1;

  find({ h0, h1, h2 }: EventKey): EventKey | undefined {
    const mask = this.#h0.length - 1;
    for (let slot = h1 & mask; this.#timeMs[slot] !== -1; slot = (slot + 1) & mask) {
      if (this.#h0[slot] === h0 && this.#h1[slot] === h1 && this.#h2[slot] === h2) {
        return { timeMs: this.#timeMs[slot] ?? 0, h0, h1, h2 };
      }
    }
    return undefined;
  }

  add(key: EventKey): void {
    if (this.size >= this.#h0.length * LOAD_MAX) this.#grow();
    this.#put(key.h0, key.h1, key.h2, key.timeMs);
    this.size++;
    if (key.timeMs > this.newestMs) this.newestMs = key.timeMs;
  }

  #put(h0: number, h1: number, h2: number, timeMs: number): void {
    const mask = this.#h0.length - 1;
    let slot = h1 & mask;
    while (this.#timeMs[slot] !== -1) slot = (slot + 1) & mask;
    this.#h0[slot] = h0;
    this.#h1[slot] = h1;
    this.#h2[slot] = h2;
    this.#timeMs[slot] = timeMs;
  }

  #grow(): void {
    const [h0, h1, h2, timeMs] = [this.#h0, this.#h1, this.#h2, this.#timeMs];
    const slots = h0.length * 2;
    this.#h0 = new Uint32Array(slots);
    this.#h1 = new Uint32Array(slots);
    this.#h2 = new Uint16Array(slots);
    this.#timeMs = new Float64Array(slots).fill(-1);
    for (let slot = 0; slot < timeMs.length; slot++) {
      const at = timeMs[slot] ?? -1;
      if (at !== -1) this.#put(h0[slot] ?? 0, h1[slot] ?? 0, h2[slot] ?? 0, at);
    }
  }
}

/**
 * The event keys a lane has written lately, so that most events need no look-up in SQL. It is complete for event times
 * at or after `completeFromMs`: an event older than that, or one whose hash is here, must be confirmed by a look-up;
 * any other is certainly new. Two generations bound the memory; dropping the older one raises `completeFromMs`.
 */
export class RecentKeys {
  #young = new Generation();
  #old = new Generation();
  #completeFromMs: number;
  readonly #generationMax: number;

  /** @param completeFromMs event time from which the caller will add every stored key; 0 when nothing is stored. */
  constructor(completeFromMs: number, generationMax = 100_000) {
    this.#completeFromMs = completeFromMs;
    this.#generationMax = generationMax;
  }

  get completeFromMs(): number {
    return this.#completeFromMs;
  }

  /** The stored key with this identity hash, whatever its time: a suspicion that the caller confirms in SQL. */
  find(key: EventKey): EventKey | undefined {
    return this.#young.find(key) ?? this.#old.find(key);
  }

  add(key: EventKey): void {
    if (this.#young.size >= this.#generationMax) {
      // Every key of the dropped generation is at most this new, so completeness starts just after it.
      if (this.#old.size > 0) this.#completeFromMs = Math.max(this.#completeFromMs, this.#old.newestMs + 1);
      this.#old = this.#young;
      this.#young = new Generation();
    }
    this.#young.add(key);
  }
}
