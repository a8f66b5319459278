import { DAY_MS } from '../time.ts';

/** How often one card may be tried. */
export interface AttemptCap {
  readonly attempts: number;
  readonly windowMs: number;
  readonly because: string;
}

/**
 * Hard caps per payment method, whatever the policy says. Visa allows 15 to 20 tries in 30 days and Stripe begins to block
 * after the 15th; Mastercard allows 10 in 24 hours (support.stripe.com on excessive retries; networks' rules as payment
 * processors publish them). The smaller of each is taken, since the network of a card is not always known.
 */
export const HARD_CAPS: readonly AttemptCap[] = [
  { attempts: 10, windowMs: DAY_MS, because: 'a card may be tried 10 times in 24 hours' },
  { attempts: 15, windowMs: 30 * DAY_MS, because: 'a card may be tried 15 times in 30 days' },
];

/** When a card may be tried next. */
export interface CapVerdict {
  /** Not before; equals `nowMs` when nothing stands in the way. */
  readonly fromMs: number;
  /** The cap that stands in the way now. */
  readonly because: string | null;
}

/**
 * The first moment at or after `nowMs` at which one more try keeps every cap.
 *
 * @param attemptsMs every try of this payment method, for whatever payment, in any order; those after `nowMs` count too
 */
export function earliestByCaps(
  attemptsMs: readonly number[],
  nowMs: number,
  caps: readonly AttemptCap[] = HARD_CAPS,
): CapVerdict {
  let verdict: CapVerdict = { fromMs: nowMs, because: null };
  const latestFirst = [...attemptsMs].sort((a, b) => b - a);
  for (const cap of caps) {
    // The cap-th newest try must have left the window before another one may enter it.
    const blocking = latestFirst[cap.attempts - 1];
    if (blocking === undefined) continue;
    const fromMs = blocking + cap.windowMs;
    if (fromMs > verdict.fromMs) verdict = { fromMs, because: cap.because };
  }
  return verdict;
}
