import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chargeFor, type ExactCharge } from '../../src/domain/money/price.ts';
import { parseQuantity } from '../../src/domain/money/quantity.ts';
import { amountToPay, residueAfter } from '../../src/domain/money/residue.ts';

const ATTOS = 10n ** 18n;

/** Charges as a price book makes them: a quantity of up to 9 decimals at a price of up to 9 decimals of a nano. */
const charge = fc
  .record({
    whole: fc.nat(1_000_000),
    fraction: fc.nat(999_999_999),
    coefficient: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    decimals: fc.nat(9),
  })
  .map(({ whole, fraction, coefficient, decimals }) => {
    const quantity = parseQuantity(`${whole}.${String(fraction).padStart(9, '0')}`);
    if (typeof quantity === 'string') throw new Error(quantity);
    const prices = [{ fromMs: 0, coefficient, decimals }];
    const meters = new Map([['m', { name: 'm', unit: 'u', kind: 'usage', prices } as const]]);
    const book = { currency: 'USD', meters, overrides: new Map() };
    const exact = chargeFor(book, { account: 'a', meter: 'm', quantity, occurredAtMs: 1 });
    if (typeof exact === 'string') throw new Error(exact);
    const attos = (quantity.coefficient * coefficient * ATTOS) / 10n ** BigInt(quantity.decimals + decimals);
    return { exact, attos };
  });

const raw = fc
  .record({ nanos: fc.bigInt({ min: 0n, max: 5n }), attos: fc.bigInt({ min: -ATTOS / 2n, max: ATTOS / 2n }) })
  .filter(({ nanos, attos }) => nanos > 0n || attos >= 0n);

function pay(charges: readonly ExactCharge[]) {
  let [paid, residue] = [0n, 0n];
  for (const exact of charges) {
    const amount = amountToPay(residue, exact);
    expect(amount >= 0n).toBe(true);
    residue = residueAfter(residue, exact, amount);
    expect(2n * (residue < 0n ? -residue : residue) <= ATTOS).toBe(true);
    paid += amount;
  }
  return { paid, residue };
}

describe('the residue of a wallet', () => {
  it('and what was paid are together exactly what the charges cost', () => {
    fc.assert(
      fc.property(fc.array(charge, { maxLength: 60 }), (charges) => {
        const { paid, residue } = pay(charges.map(({ exact }) => exact));
        expect(paid * ATTOS + residue).toBe(charges.reduce((sum, { attos }) => sum + attos, 0n));
      }),
      { numRuns: 500 },
    );
  });

  it('is never more than half a nano, and no payment is negative, whatever the fractions', () => {
    fc.assert(
      fc.property(fc.array(raw, { maxLength: 60 }), (charges) => {
        const { paid, residue } = pay(charges);
        expect(paid * ATTOS + residue).toBe(charges.reduce((sum, { nanos, attos }) => sum + nanos * ATTOS + attos, 0n));
      }),
      { numRuns: 1_000 },
    );
  });

  it('makes a million tokens at $0.0375 per million cost $0.0375, one by one', () => {
    const one = { nanos: 38n, attos: -ATTOS / 2n };
    let [paid, residue] = [0n, 0n];
    for (let token = 0; token < 1_000_000; token++) {
      const amount = amountToPay(residue, one);
      residue = residueAfter(residue, one, amount);
      paid += amount;
    }
    expect({ paid, residue }).toEqual({ paid: 37_500_000n, residue: 0n });
  });
});
