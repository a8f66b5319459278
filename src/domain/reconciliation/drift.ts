import type { Cause, Difference } from './judge-pair.ts';

/** What one currency adds up to over a run. */
export interface CurrencyTotals {
  /** Nano-units that are about wallets. */
  readonly ledgerNanos: bigint;
  readonly stripeNanos: bigint;
  /** Gross movements of Stripe's: what drift is a share of. */
  readonly turnoverNanos: bigint;
  /** Sum of what each difference is off by, whatever its sign: two errors do not hide each other. */
  readonly driftNanos: bigint;
}

/** Sums of a run. */
export interface Totals {
  readonly pairs: number;
  readonly agreed: number;
  readonly foreign: number;
  readonly byCause: Readonly<Partial<Record<Cause, number>>>;
  readonly byCurrency: ReadonlyMap<string, CurrencyTotals>;
  /** Since when the oldest difference of money is there. */
  readonly oldestMs: number | null;
}

const NOTHING: CurrencyTotals = { ledgerNanos: 0n, stripeNanos: 0n, turnoverNanos: 0n, driftNanos: 0n };

/** Sums a run up as it goes. */
export class Tally {
  #agreed = 0;
  #foreign = 0;
  #differing = 0;
  #oldestMs: number | null = null;
  readonly #causes = new Map<Cause, number>();
  readonly #currencies = new Map<string, CurrencyTotals>();

  agree(currency: string, ledgerNanos: bigint, stripeNanos: bigint): void {
    this.#agreed++;
    this.#add(currency, ledgerNanos, stripeNanos, 0n);
  }

  foreign(): void {
    this.#foreign++;
  }

  differ(difference: Difference): void {
    const { cause, currency, ledgerNanos, stripeNanos, sinceMs } = difference;
    const drift = difference.driftNanos;
    this.#differing++;
    this.#causes.set(cause, (this.#causes.get(cause) ?? 0) + 1);
    this.#add(currency, ledgerNanos, cause === 'currency' ? 0n : stripeNanos, drift);
    if (drift !== 0n && sinceMs < (this.#oldestMs ?? Number.POSITIVE_INFINITY)) this.#oldestMs = sinceMs;
  }

  totals(): Totals {
    return {
      pairs: this.#agreed + this.#foreign + this.#differing,
      agreed: this.#agreed,
      foreign: this.#foreign,
      byCause: Object.fromEntries(this.#causes),
      byCurrency: new Map(this.#currencies),
      oldestMs: this.#oldestMs,
    };
  }

  #add(currency: string, ledgerNanos: bigint, stripeNanos: bigint, driftNanos: bigint): void {
    const before = this.#currencies.get(currency) ?? NOTHING;
    this.#currencies.set(currency, {
      ledgerNanos: before.ledgerNanos + ledgerNanos,
      stripeNanos: before.stripeNanos + stripeNanos,
      turnoverNanos: before.turnoverNanos + magnitude(stripeNanos),
      driftNanos: before.driftNanos + magnitude(driftNanos),
    });
  }
}

/** Drift in parts per ten thousand of the turnover, rounded up: a drift that is there is never shown as none. */
export function driftBasisPoints({ driftNanos, turnoverNanos }: CurrencyTotals): bigint {
  if (driftNanos === 0n) return 0n;
  // Money on one side alone is all of it.
  if (turnoverNanos === 0n) return 10_000n;
  return (driftNanos * 10_000n + turnoverNanos - 1n) / turnoverNanos;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
