/** A seeded source of random numbers; the same seed and stream give the same numbers on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** A whole number from 0 to bound − 1. */
  below(bound: number): number;
  /** One of the items; the list must not be empty. */
  pick<Item>(items: readonly Item[]): Item;
  /** Gamma distributed with mean 1 and this coefficient of variation. */
  gammaOfMeanOne(cv: number): number;
  /** Lower-case hexadecimal digits. */
  hex(digits: number): string;
}

/**
 * SFC32 (Chris Doty-Humphrey's PractRand), seeded through SplitMix32. Own code instead of Math.random because a demo,
 * its tests and its golden digest must agree everywhere; `stream` gives every account its own numbers, so that adding
 * an attack does not move anybody else's usage.
 */
export function createRandom(seed: number, stream: number): Random {
  let state = (seed ^ Math.imul(stream + 1, 0x9e37_79b9) ^ Math.floor(seed / 0x1_0000_0000)) | 0;
  const splitMix = (): number => {
    state = (state + 0x9e37_79b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0_aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a_2d97);
    return (mixed ^ (mixed >>> 15)) | 0;
  };
  let a = splitMix();
  let b = splitMix();
  let c = splitMix();
  let counter = 1;
  const bits = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round += 1) bits();

  const next = (): number => bits() / 0x1_0000_0000;
  const below = (bound: number): number => Math.floor(next() * bound);
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    below,
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError('pick needs at least one item');
      return item;
    },
    gammaOfMeanOne: (cv) => gammaOfMeanOne(next, cv),
    hex: (digits) => {
      let text = '';
      while (text.length < digits) text += bits().toString(16).padStart(8, '0');
      return text.slice(0, digits);
    },
  };
}

/** Marsaglia and Tsang (2000); shapes below one use their boost U^(1/shape). Only log, exp and sqrt: see Math.pow. */
function gammaOfMeanOne(next: () => number, cv: number): number {
  const shape = 1 / (cv * cv);
  if (shape === 1) return -Math.log(1 - next());
  const boosted = shape < 1 ? shape + 1 : shape;
  const d = boosted - 1 / 3;
  const step = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = standardNormal(next);
    const root = 1 + step * normal;
    if (root <= 0) continue;
    const cube = root * root * root;
    const uniform = 1 - next();
    if (Math.log(uniform) >= 0.5 * normal * normal + d - d * cube + d * Math.log(cube)) continue;
    const boost = shape < 1 ? Math.exp(Math.log(1 - next()) / shape) : 1;
    return (d * cube * boost) / shape;
  }
}

/** Marsaglia's polar method, the second normal thrown away: keeping it would make draws depend on call order. */
function standardNormal(next: () => number): number {
  for (;;) {
    const x = 2 * next() - 1;
    const y = 2 * next() - 1;
    const square = x * x + y * y;
    if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square);
  }
}
