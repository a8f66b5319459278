/** Running level and spread of a series: the unit of every floor. */
export interface SeriesSize {
  rows: number;
  level: number;
  variance: number;
}

const RATE = 0.0005;
const WARM_UP_ROWS = 50;
/** A value further off than this many spreads is taken as this far. */
const CLIP_SPREADS = 6;
/** No spread is below this share of the level: the rest is rounding of the arithmetic. */
const SPREAD_SHARE_MIN = 1e-9;
const SPREAD_MIN = 1e-150;

/** Nothing known yet. */
export function startSize(): SeriesSize {
  return { rows: 0, level: 0, variance: 0 };
}

/** The spread, above zero. */
export function spreadOf({ level, variance }: SeriesSize): number {
  return Math.max(Math.sqrt(variance), Math.abs(level) * SPREAD_SHARE_MIN, SPREAD_MIN);
}

/** Learns one value. */
export function learnSize(size: SeriesSize, value: number): void {
  if (size.rows === 0) size.level = value;
  const spread = spreadOf(size);
  // The first change of a constant is learned whole: clipped to a spread of nothing it would not be learned for years.
  const isConstant = size.variance <= spread * spread * (1 - SPREAD_SHARE_MIN);
  const limit = size.rows < WARM_UP_ROWS || isConstant ? Number.MAX_VALUE : CLIP_SPREADS * spread;
  const off = Math.max(-limit, Math.min(limit, value - size.level));
  size.rows++;
  const rate = Math.max(RATE, 1 / size.rows);
  size.level += rate * off;
  size.variance = (1 - rate) * size.variance + rate * off * off;
}
