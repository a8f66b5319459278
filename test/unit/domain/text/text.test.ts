import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanLabel, cleanText, displayWidth } from '../../../../src/domain/text/clean.ts';
import { sparkline } from '../../../../src/domain/text/sparkline.ts';
import { labelled, wrapText } from '../../../../src/domain/text/wrap.ts';

describe('clean text', () => {
  test.each([
    ['escape sequences', 'a\u001b[31mb', 'a�[31mb'],
    ['an eight-bit control sequence introducer', 'a\u009b31mb', 'a�31mb'],
    ['line breaks', 'a\r\nb\u2028c', 'a��b�c'],
    ['bidi overrides', 'a\u202eb\u2066c', 'a�b�c'],
    ['invisible characters', 'ad\u200bmin\ufeff', 'ad�min�'],
    ['lone surrogates', 'a\ud800b', 'a�b'],
    ['tag characters', 'a\u{e0041}b', 'a�b'],
    ['towers of marks', `a${'\u0301'.repeat(9)}b`, `a${'\u0301'.repeat(3)}�b`],
    ['nothing from ordinary text', 'Łódź 東京 a̐ 👩 é', 'Łódź 東京 a̐ 👩 é'],
  ])('takes out %s', (_, text, expected) => {
    expect(cleanText(text)).toBe(expected);
  });

  test('never holds a control character and is clean the second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const clean = cleanText(text);
        expect(clean).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e]/u);
        expect(cleanText(clean)).toBe(clean);
      }),
    );
  });

  test('a label never takes more columns than it may', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), fc.integer({ min: 4, max: 40 }), (text, columns) => {
        expect(displayWidth(cleanLabel(text, columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });

  test('a long label keeps both ends', () => {
    expect(cleanLabel('customer-0000000000-eu-0007', 16)).toBe('customer-0…-0007');
    expect(cleanLabel('short', 16)).toBe('short');
  });
});

describe('sparkline', () => {
  test.each([
    [[0, 1, 2, 3, 4, 5, 6, 7], '▁▂▃▄▅▆▇█'],
    [[5, 5], '██'],
    [[0, 0], '▁▁'],
    [[], ''],
    [[Number.NaN, -3, Number.POSITIVE_INFINITY, 8], '▁▁██'],
  ])('%j', (values, expected) => {
    expect(sparkline(values)).toBe(expected);
  });
});

describe('wrapped text', () => {
  test('breaks at spaces, cuts what cannot be broken', () => {
    expect(wrapText('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrapText('abcdefgh', 3)).toEqual(['abc', 'def', 'gh']);
    expect(wrapText('東京都', 4)).toEqual(['東京', '都']);
  });

  test('puts the label on the first line only', () => {
    expect(labelled('Why', ['one two', 'three'], { indent: 5, columns: 10 })).toBe('Why  one\n     two\n     three');
  });
});
