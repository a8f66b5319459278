import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { minorToNanos } from '../../src/domain/money/minor-units.ts';
import { driftBasisPoints, Tally } from '../../src/domain/reconciliation/drift.ts';
import {
  agrees,
  type Cause,
  type Difference,
  judgePair,
  sumOfLedger,
  sumOfStripe,
} from '../../src/domain/reconciliation/judge-pair.ts';
import type { LedgerMovement, Owner, StripeMovement } from '../../src/domain/reconciliation/movement.ts';
import { pairUp } from '../../src/domain/reconciliation/pair-up.ts';

const NOW_MS = Date.UTC(2026, 2, 10);
const JUDGING = { nowMs: NOW_MS, graceMs: 900_000, lateMs: 86_400_000 };
const OWNER: Owner = { tenant: 'default', account: 'acme', isInReview: false };

interface Books {
  readonly ledger: readonly LedgerMovement[];
  readonly stripe: readonly StripeMovement[];
}

function stripeRow(
  reference: string,
  id: string,
  amountMinor: bigint,
  over: Partial<StripeMovement> = {},
): StripeMovement {
  return {
    reference,
    id,
    currency: 'USD',
    amountMinor,
    atMs: NOW_MS - 5 * 86_400_000,
    balanceAmountMinor: amountMinor,
    feeMinor: 59n,
    netMinor: amountMinor - 59n,
    balanceCurrency: 'USD',
    paymentIntent: `pi_${reference}`,
    topupId: reference.startsWith('pi_') ? `top_${reference}` : null,
    ...over,
  };
}

function ledgerRow(
  reference: string,
  key: string,
  amountMinor: bigint,
  over: Partial<LedgerMovement> = {},
): LedgerMovement {
  const amountNanos = minorToNanos(amountMinor, 'USD');
  return { reference, key, currency: 'USD', amountNanos, atMs: NOW_MS - 5 * 86_400_000 + 2_000, ...over };
}

const amountMinor = fc.bigInt({ min: 50n, max: 500_000n });

/** Payments, refunds of them that stay or fail, and disputes, as both sides have them when nothing went wrong. */
const books: fc.Arbitrary<Books> = fc
  .array(fc.record({ amount: amountMinor, kind: fc.constantFrom('payment', 'refund', 'failed_refund', 'dispute') }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((items) => {
    const ledger: LedgerMovement[] = [];
    const stripe: StripeMovement[] = [];
    for (const [index, { amount, kind }] of items.entries()) {
      const number = String((index * 7_919) % 1_000).padStart(3, '0');
      const add = (reference: string, suffix: string, minor: bigint) => {
        ledger.push(ledgerRow(reference, `stripe-${reference}${suffix}`, minor));
        stripe.push(stripeRow(reference, `txn_${reference}${suffix}`, minor));
      };
      if (kind === 'payment') add(`pi_${number}`, '', amount);
      if (kind === 'refund') add(`re_${number}`, '', -amount);
      if (kind === 'dispute') add(`txn_${number}`, '', -amount);
      if (kind === 'failed_refund') {
        add(`re_${number}`, '', -amount);
        add(`re_${number}`, '-failed', amount);
      }
    }
    return { ledger, stripe };
  });

function sorted<T extends { readonly reference: string }>(rows: readonly T[]): readonly T[] {
  return [...rows].sort((left, right) =>
    left.reference < right.reference ? -1 : left.reference > right.reference ? 1 : 0,
  );
}

async function* batches<T>(rows: readonly T[], size: number): AsyncGenerator<readonly T[]> {
  for (let index = 0; index < rows.length; index += size) yield rows.slice(index, index + size);
}

async function differencesOf({ ledger, stripe }: Books, size: number, owner: Owner | undefined = OWNER) {
  const found: Difference[] = [];
  const tally = new Tally();
  let foreign = 0;
  for await (const pair of pairUp(batches(sorted(ledger), size), batches(sorted(stripe), size))) {
    const verdict = judgePair(pair, owner, JUDGING);
    if (verdict.is === 'differs') {
      found.push(verdict.difference);
      tally.differ(verdict.difference);
    } else if (verdict.is === 'foreign') foreign++;
    else tally.agree('USD', sumOfLedger(pair.ledger), sumOfStripe(pair.stripe));
  }
  return { found, foreign, totals: tally.totals() };
}

function replace<T>(rows: readonly T[], index: number, row: T): readonly T[] {
  return rows.map((old, place) => (place === index ? row : old));
}

type Mutation = readonly [name: string, causes: readonly Cause[], mutate: (books: Books, index: number) => Books];

/** One change of one side, and what it may be called. */
const MUTATIONS: readonly Mutation[] = [
  [
    'a posting is missing',
    ['webhook_lost'],
    (b, i) => ({ ...b, ledger: b.ledger.filter((_row, place) => place !== i) }),
  ],
  [
    'a posting is there twice',
    ['posted_twice'],
    (b, i) => {
      const row = b.ledger[i];
      return row === undefined ? b : { ...b, ledger: [...b.ledger, { ...row, key: 'by-hand' }] };
    },
  ],
  [
    'a posting has another amount',
    ['amount'],
    (b, i) => {
      const row = b.ledger[i];
      return row === undefined
        ? b
        : { ...b, ledger: replace(b.ledger, i, { ...row, amountNanos: row.amountNanos + 1n }) };
    },
  ],
  [
    'a posting is in another currency',
    ['currency'],
    (b, i) => {
      const row = b.ledger[i];
      return row === undefined ? b : { ...b, ledger: replace(b.ledger, i, { ...row, currency: 'EUR' }) };
    },
  ],
  [
    'a payment is not at Stripe',
    ['unknown_in_stripe', 'posted_twice', 'amount'],
    (b, i) => ({ ...b, stripe: b.stripe.filter((_row, place) => place !== i) }),
  ],
  [
    'a fee does not add up',
    ['fee'],
    (b, i) => {
      const row = b.stripe[i];
      return row === undefined ? b : { ...b, stripe: replace(b.stripe, i, { ...row, netMinor: row.netMinor - 1n }) };
    },
  ],
  [
    'a movement appears at Stripe that nobody has posted',
    ['webhook_lost'],
    (b) => ({ ...b, stripe: [...b.stripe, stripeRow('pi_999x', 'txn_999x', 1_234n)] }),
  ],
];

describe('reconciliation of two sorted streams', () => {
  test('finds nothing in books that agree, however they are cut into batches', async () => {
    await fc.assert(
      fc.asyncProperty(books, fc.integer({ min: 1, max: 7 }), async (both, size) => {
        const { found, totals } = await differencesOf(both, size);
        expect(found).toEqual([]);
        for (const currency of totals.byCurrency.values()) {
          expect(currency.ledgerNanos).toBe(currency.stripeNanos);
          expect(driftBasisPoints(currency)).toBe(0n);
        }
      }),
    );
  });

  test.each(MUTATIONS)('finds and names that %s', async (_name, causes, mutate) => {
    await fc.assert(
      fc.asyncProperty(books, fc.nat(), fc.integer({ min: 1, max: 7 }), async (both, seed, size) => {
        const index = seed % both.ledger.length;
        const touched = both.ledger[index]?.reference ?? '';
        const { found, totals } = await differencesOf(mutate(both, index), size);
        expect(found).toHaveLength(1);
        expect([touched, 'pi_999x']).toContain(found[0]?.reference);
        expect(causes).toContain(found[0]?.cause);
        const [cause] = causes;
        if (cause !== 'fee')
          expect([...totals.byCurrency.values()].some(({ driftNanos }) => driftNanos > 0n)).toBe(true);
      }),
    );
  });

  test('sums drift by its size, so that two errors do not hide each other', async () => {
    const ledger = [ledgerRow('pi_1', 'stripe-pi_1', 1_000n), ledgerRow('pi_2', 'stripe-pi_2', 3_000n)];
    const stripe = [stripeRow('pi_1', 'txn_1', 2_000n), stripeRow('pi_2', 'txn_2', 2_000n)];
    const { totals } = await differencesOf({ ledger, stripe }, 2);
    const usd = totals.byCurrency.get('USD');
    expect(usd).toEqual({
      ledgerNanos: minorToNanos(4_000n, 'USD'),
      stripeNanos: minorToNanos(4_000n, 'USD'),
      turnoverNanos: minorToNanos(4_000n, 'USD'),
      driftNanos: minorToNanos(2_000n, 'USD'),
    });
    expect(usd === undefined ? undefined : driftBasisPoints(usd)).toBe(5_000n);
  });

  test('refuses rows that are not in order', async () => {
    const ledger = [ledgerRow('pi_2', 'a', 1n), ledgerRow('pi_1', 'b', 1n)];
    const read = async () => {
      for await (const pair of pairUp(batches(ledger, 5), batches([], 5))) agrees(pair);
    };
    await expect(read()).rejects.toThrow(/in the order of their reference/);
  });
});

describe('judging a pair', () => {
  const lost = { reference: 'pi_1', ledger: [], stripe: [stripeRow('pi_1', 'txn_1', 5_000n)] };
  const causeOf = (pair: Parameters<typeof judgePair>[0], owner: Owner | undefined, judging = JUDGING) => {
    const verdict = judgePair(pair, owner, judging);
    return verdict.is === 'differs' ? verdict.difference.cause : verdict.is;
  };

  test('tells a lost webhook from one that is on its way, a review, a stranger and an unknown top-up', () => {
    expect(causeOf(lost, OWNER)).toBe('webhook_lost');
    expect(causeOf(lost, OWNER, { ...JUDGING, nowMs: (lost.stripe[0]?.atMs ?? 0) + 1_000 })).toBe('timing');
    expect(causeOf(lost, { ...OWNER, isInReview: true })).toBe('timing');
    expect(causeOf(lost, undefined)).toBe('unknown_here');
    const stranger = { ...lost, stripe: [stripeRow('pi_1', 'txn_1', 5_000n, { topupId: null })] };
    expect(causeOf(stranger, undefined)).toBe('foreign');
  });

  test('lets a refund alone that failed before anybody posted it', () => {
    const stripe = [stripeRow('re_1', 'txn_1', -500n), stripeRow('re_1', 'txn_2', 500n)];
    expect(causeOf({ reference: 're_1', ledger: [], stripe }, OWNER)).toBe('agrees');
    const ledger = [ledgerRow('re_1', 'stripe-re_1', -500n)];
    expect(causeOf({ reference: 're_1', ledger, stripe }, OWNER)).toBe('webhook_lost');
  });

  test('names what was posted late, and what was posted three times', () => {
    const late = [ledgerRow('pi_1', 'stripe-pi_1', 5_000n, { atMs: NOW_MS })];
    expect(causeOf({ ...lost, ledger: late }, OWNER)).toBe('timing');
    const thrice = ['a', 'b', 'c'].map((key) => ledgerRow('pi_1', key, 5_000n));
    expect(causeOf({ ...lost, ledger: thrice }, OWNER)).toBe('posted_twice');
  });

  test('says of money without turnover that all of it is off', () => {
    expect(driftBasisPoints({ ledgerNanos: 5n, stripeNanos: 0n, turnoverNanos: 0n, driftNanos: 5n })).toBe(10_000n);
    expect(driftBasisPoints({ ledgerNanos: 0n, stripeNanos: 0n, turnoverNanos: 10n ** 15n, driftNanos: 1n })).toBe(1n);
  });
});
