const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Ids that look like Stripe's and come out the same for the same seed. */
export class SeededIds {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** For example `pi_` and 24 letters and digits. */
  next(prefix: string, length = 24): string {
    let text = '';
    for (let at = 0; at < length; at += 1) text += ALPHABET.charAt(this.below(ALPHABET.length));
    return `${prefix}_${text}`;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    // Mulberry32: 32 bits of state are plenty for ids that only have to differ.
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }
}
