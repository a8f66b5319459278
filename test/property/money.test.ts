import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  divideHalfEven,
  formatDecimal,
  formatExactMoney,
  formatMoney,
  NANOS_MAX,
  NANOS_PER_UNIT,
  parseMoney,
} from '../../src/domain/money/nanos.ts';
import { chargeFor } from '../../src/domain/money/price.ts';
import { parseQuantity, type Quantity } from '../../src/domain/money/quantity.ts';
import type { MeterPrice, PriceBook } from '../../src/domain/rules/price-book.ts';
import { DAY_MS } from '../../src/domain/time.ts';

const SETTINGS = { seed: 20_260_301, numRuns: 2_000 } as const;

const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
/** A decimal as text: up to 18 whole digits and 18 decimals, with zeros wherever zeros may be. */
const decimalText = fc
  .tuple(digits(18), fc.option(digits(18), { nil: undefined }))
  .map(([whole, fraction]) => (fraction === undefined ? whole : `${whole}.${fraction}`));

function quantityOf(value: unknown): Quantity {
  const quantity = parseQuantity(value);
  if (typeof quantity === 'string') throw new Error(`${String(value)}: ${quantity}`);
  return quantity;
}

/** Value times 10^18, by plain text shifting: shares nothing with the parser. */
function scaled18(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(18, '0'));
}

describe('quantities', () => {
  it('keep every digit of a decimal string', () => {
    fc.assert(
      fc.property(decimalText, (text) => {
        const { coefficient, decimals } = quantityOf(text);
        expect(coefficient * 10n ** BigInt(18 - decimals)).toBe(scaled18(text));
      }),
      SETTINGS,
    );
  });

  it('have one canonical text per value, which reads back as the same quantity', () => {
    fc.assert(
      fc.property(decimalText, fc.integer({ min: -18, max: 18 }), (text, exponent) => {
        const quantity = quantityOf(text);
        expect(quantity.text).toMatch(/^(?:0|[1-9]\d*)(?:\.\d*[1-9])?$/);
        expect(quantityOf(quantity.text)).toEqual(quantity);
        // The same value written with an exponent is the same quantity, or is refused for its digits.
        const shifted = parseQuantity(`${quantity.text}e${exponent}`);
        if (typeof shifted === 'string') return;
        const back = parseQuantity(`${shifted.text}e${-exponent}`);
        expect(back).toEqual(quantity);
      }),
      SETTINGS,
    );
  });

  it('take a JSON number by its shortest decimal, as if it had been sent as text', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e17, noNaN: true }), (value) => {
        const parsed = parseQuantity(value);
        expect(parsed).toEqual(parseQuantity(String(Math.abs(value))));
        if (typeof parsed !== 'string') expect(parsed.approximate).toBe(Math.abs(value));
      }),
      SETTINGS,
    );
    expect(quantityOf(0.1).text).toBe('0.1');
    expect(quantityOf(-0)).toEqual(quantityOf('0'));
    expect(quantityOf(9_007_199_254_740_991).text).toBe('9007199254740991');
  });

  it('refuse what is no decimal of at most 18 whole digits and 18 decimals, each with its own code', () => {
    const cases: readonly (readonly [unknown, string])[] = [
      ['', 'QUANTITY_NOT_DECIMAL'],
      [' 1', 'QUANTITY_NOT_DECIMAL'],
      ['1\n', 'QUANTITY_NOT_DECIMAL'],
      ['+1', 'QUANTITY_NOT_DECIMAL'],
      ['.5', 'QUANTITY_NOT_DECIMAL'],
      ['5.', 'QUANTITY_NOT_DECIMAL'],
      ['1,5', 'QUANTITY_NOT_DECIMAL'],
      ['1_000', 'QUANTITY_NOT_DECIMAL'],
      ['0x10', 'QUANTITY_NOT_DECIMAL'],
      ['1e', 'QUANTITY_NOT_DECIMAL'],
      ['1e1e1', 'QUANTITY_NOT_DECIMAL'],
      ['1n', 'QUANTITY_NOT_DECIMAL'],
      ['١٢', 'QUANTITY_NOT_DECIMAL'],
      ['１', 'QUANTITY_NOT_DECIMAL'],
      [null, 'QUANTITY_NOT_DECIMAL'],
      [true, 'QUANTITY_NOT_DECIMAL'],
      [['1'], 'QUANTITY_NOT_DECIMAL'],
      [{ valueOf: 1 }, 'QUANTITY_NOT_DECIMAL'],
      [1n, 'QUANTITY_NOT_DECIMAL'],
      ['x'.repeat(1_000_000), 'QUANTITY_NOT_DECIMAL'],
      ['NaN', 'QUANTITY_NOT_FINITE'],
      ['-Infinity', 'QUANTITY_NOT_FINITE'],
      [Number.NaN, 'QUANTITY_NOT_FINITE'],
      [Number.POSITIVE_INFINITY, 'QUANTITY_NOT_FINITE'],
      [-1, 'QUANTITY_NEGATIVE'],
      ['-0.000000000000000001', 'QUANTITY_NEGATIVE'],
      ['1e18', 'QUANTITY_TOO_LARGE'],
      ['1e400', 'QUANTITY_TOO_LARGE'],
      [1e21, 'QUANTITY_TOO_LARGE'],
      ['9'.repeat(19), 'QUANTITY_TOO_LARGE'],
      ['9'.repeat(1_000_000), 'QUANTITY_TOO_LARGE'],
      ['1e-19', 'QUANTITY_TOO_PRECISE'],
      [5e-324, 'QUANTITY_TOO_PRECISE'],
      [`0.${'1'.repeat(30)}`, 'QUANTITY_TOO_PRECISE'],
      [`0.${'1'.repeat(1_000_000)}`, 'QUANTITY_TOO_PRECISE'],
    ];
    for (const [value, code] of cases)
      expect([String(value).slice(0, 40), parseQuantity(value)]).toEqual([String(value).slice(0, 40), code]);
    expect(quantityOf('-0').text).toBe('0');
    expect(quantityOf('999999999999999999.999999999999999999').text).toBe('999999999999999999.999999999999999999');
    expect(quantityOf('0e9999').text).toBe('0');
  });

  it('never throw, whatever text or number comes in', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[-+0-9.eE]{0,70}$/),
      fc.double(),
      fc.anything(),
    );
    fc.assert(
      fc.property(hostile, (value) => {
        const parsed = parseQuantity(value);
        if (typeof parsed === 'string') expect(parsed).toMatch(/^QUANTITY_/);
        else expect(parsed.coefficient >= 0n).toBe(true);
      }),
      SETTINGS,
    );
  });
});

/** Half-even by comparing fractions: |n − q·d| ≤ d/2, and at exactly half the quotient is even. */
function expectHalfEven(quotient: bigint, numerator: bigint, denominator: bigint): void {
  const twice = (numerator - quotient * denominator) * 2n;
  const distance = twice < 0n ? -twice : twice;
  expect(distance <= denominator).toBe(true);
  if (distance === denominator) expect(quotient % 2n).toBe(0n);
}

describe('nano-units', () => {
  it('divide half to even, above and below zero', () => {
    const halves = fc.tuple(
      fc.bigInt({ min: -1_000n, max: 1_000n }),
      fc.bigInt({ min: 1n, max: 40n }).map((n) => n * 2n),
    );
    const anything = fc.tuple(fc.bigInt(), fc.bigInt({ min: 1n, max: 10n ** 40n }));
    fc.assert(
      fc.property(fc.oneof(halves, anything), ([numerator, denominator]) => {
        expectHalfEven(divideHalfEven(numerator, denominator), numerator, denominator);
        expect(divideHalfEven(-numerator, denominator)).toBe(-divideHalfEven(numerator, denominator));
      }),
      SETTINGS,
    );
    expect([5n, 15n, 25n, -5n, -15n].map((n) => divideHalfEven(n, 10n))).toEqual([0n, 2n, 2n, 0n, -2n]);
  });

  it('print as an exact decimal that reads back as the same amount', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }), (nanos) => {
        expect(parseMoney(formatDecimal(nanos))).toEqual({ nanos });
        expect(parseMoney(`${formatDecimal(nanos)} EUR`)).toEqual({ nanos, currency: 'EUR' });
      }),
      SETTINGS,
    );
    expect(formatDecimal(-37_500n)).toBe('-0.0000375');
    expect(formatDecimal(NANOS_MAX)).toBe('9223372036.854775807');
  });

  it('print for people within half of the last shown digit', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.bigInt({ min: -NANOS_MAX, max: NANOS_MAX }), fc.bigInt({ min: -20_000_000n, max: 20_000_000n })),
        (nanos) => {
          const text = formatMoney(nanos, 'USD');
          expect(text).toMatch(/^−?\$(?:\d{1,3}(?:,\d{3})*)\.(?:\d{2}|\d{4})$/);
          const decimals = text.length - text.indexOf('.') - 1;
          const shown = BigInt(text.replace(/[−$,.]/g, '')) * (nanos < 0n ? -1n : 1n);
          expect(shown).toBe(divideHalfEven(nanos, 10n ** BigInt(9 - decimals)));
        },
      ),
      SETTINGS,
    );
    expect(formatMoney(1_204_600_000_000n, 'USD')).toBe('$1,204.60');
    expect(formatMoney(-5n * NANOS_PER_UNIT, 'CHF')).toBe('−5.00 CHF');
  });

  it('are shown exactly where every digit counts, with no zeros beyond the second decimal', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.bigInt({ min: -NANOS_MAX, max: NANOS_MAX }), fc.bigInt({ min: -20_000_000n, max: 20_000_000n })),
        (nanos) => {
          const text = formatExactMoney(nanos, 'USD');
          expect(text).toMatch(/^−?\$(?:\d{1,3}(?:,\d{3})*)\.\d{2}(?:\d{0,6}[1-9])?$/);
          const [whole = '', fraction = ''] = text.replace(/[−$,]/g, '').split('.');
          const shown = BigInt(whole + fraction.padEnd(9, '0')) * (nanos < 0n ? -1n : 1n);
          expect(shown).toBe(nanos);
        },
      ),
      SETTINGS,
    );
    expect(formatExactMoney(-1_800n, 'USD')).toBe('−$0.0000018');
    expect(formatExactMoney(0n, 'USD')).toBe('$0.00');
    expect(formatExactMoney(1_204_600_000_000n, 'CHF')).toBe('1,204.60 CHF');
    expect(formatExactMoney(5n * NANOS_PER_UNIT, '')).toBe('5.00');
  });

  it('are not read from text that is not an exact amount', () => {
    for (const text of [
      '',
      '.5',
      '1.',
      '1e3',
      '1,000.00',
      '$5',
      '1.0000000001',
      '1234567890',
      'NaN',
      '1 usd',
      '1  USD',
      '--1',
    ])
      expect([text, parseMoney(text)]).toEqual([text, undefined]);
  });
});

const price = fc.record({ coefficient: fc.bigInt({ min: 0n, max: 10n ** 15n }), decimals: fc.nat(12) });

function bookOf(listed: readonly MeterPrice[], own: readonly MeterPrice[] | undefined): PriceBook {
  return {
    currency: 'USD',
    meters: new Map([['tokens', { name: 'tokens', unit: 'token', kind: 'usage', prices: listed }]]),
    overrides: own === undefined ? new Map() : new Map([['acct_own', new Map([['tokens', own]])]]),
  };
}

describe('a charge', () => {
  it('is the exact product of quantity and price, rounded once to the nano, half to even', () => {
    fc.assert(
      fc.property(decimalText, price, (text, { coefficient, decimals }) => {
        const quantity = quantityOf(text);
        const book = bookOf([{ fromMs: 0, coefficient, decimals }], undefined);
        const charge = chargeFor(book, { account: 'acct', meter: 'tokens', quantity, occurredAtMs: 1 });
        const numerator = scaled18(text) * coefficient;
        const denominator = 10n ** BigInt(18 + decimals);
        if (typeof charge !== 'string') {
          expectHalfEven(charge.nanos, numerator, denominator);
          expect(charge.nanos <= NANOS_MAX / 4n).toBe(true);
        } else {
          expect(charge).toBe('too_large');
          expect(numerator > (NANOS_MAX / 4n) * denominator).toBe(true);
        }
      }),
      SETTINGS,
    );
  });

  it("takes the price in force when the usage occurred, the account's own before the listed one", () => {
    const steps = fc.array(fc.record({ day: fc.nat(60), nanos: fc.nat(1_000) }), { minLength: 1, maxLength: 6 });
    const pricesOf = (drawn: readonly { day: number; nanos: number }[]): MeterPrice[] =>
      [...new Map(drawn.map(({ day, nanos }) => [day, nanos]))]
        .sort(([left], [right]) => left - right)
        .map(([day, nanos]) => ({ fromMs: day * DAY_MS, coefficient: BigInt(nanos), decimals: 0 }));
    fc.assert(
      fc.property(
        steps,
        fc.option(steps, { nil: undefined }),
        fc.nat(61 * DAY_MS),
        fc.boolean(),
        (listed, own, atMs, isOwn) => {
          const book = bookOf(pricesOf(listed), own === undefined ? undefined : pricesOf(own));
          const account = isOwn ? 'acct_own' : 'acct';
          const charge = chargeFor(book, { account, meter: 'tokens', quantity: quantityOf(1), occurredAtMs: atMs });
          const agreed = isOwn && own !== undefined ? own : listed;
          const inForce = pricesOf(agreed)
            .filter(({ fromMs }) => fromMs <= atMs)
            .at(-1);
          expect(typeof charge === 'string' ? charge : charge.nanos).toBe(inForce?.coefficient ?? 'unknown_meter');
        },
      ),
      SETTINGS,
    );
  });

  it('of an unknown meter is none', () => {
    const book = bookOf([{ fromMs: 0, coefficient: 1n, decimals: 0 }], undefined);
    for (const meter of ['token', '', '__proto__', 'constructor'])
      expect(chargeFor(book, { account: 'acct', meter, quantity: quantityOf(1), occurredAtMs: 0 })).toBe(
        'unknown_meter',
      );
  });
});
