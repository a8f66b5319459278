import fc from 'fast-check';
import { expect, test } from 'vitest';
import { divideByPowerOfTen, divideExactly } from '../../src/domain/money/price.ts';

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const decimals = fc.integer({ min: 1, max: 18 });

test('dividing in doubles gives what dividing in BigInt gives, to the last atto', () => {
  const product = fc.oneof(
    fc.bigInt({ min: 0n, max: SAFE }),
    fc.bigInt({ min: SAFE - 1_000n, max: SAFE + 1_000n }),
    fc.bigInt({ min: 0n, max: 10n ** 36n }),
  );
  fc.assert(
    fc.property(product, decimals, (value, places) => {
      expect(divideByPowerOfTen(value, places)).toEqual(divideExactly(value, places));
    }),
    { numRuns: 5_000 },
  );
});

test('halves and their neighbours are rounded alike', () => {
  const whole = fc.bigInt({ min: 0n, max: 10n ** 7n });
  fc.assert(
    fc.property(whole, fc.integer({ min: 1, max: 15 }), fc.constantFrom(-1n, 0n, 1n), (value, places, off) => {
      const power = 10n ** BigInt(places);
      const product = value * power + power / 2n + off;
      expect(divideByPowerOfTen(product, places)).toEqual(divideExactly(product, places));
    }),
    { numRuns: 5_000 },
  );
});
