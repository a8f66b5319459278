/** How much busier all accounts together are than usual at this time of day, as lanes read it. */
export interface PlatformMove {
  /** At least 1: a quiet platform excuses nobody and accuses nobody. */
  readonly factor: number;
  /** The hour after which it was computed, epoch milliseconds; 0 before the first. */
  readonly hourMs: number;
}

/** An ordinary day. */
export const NO_MOVE: PlatformMove = { factor: 1, hourMs: 0 };
