import { describe, expect, test } from 'vitest';
import { parseMeterTargets } from '../../../src/domain/usage-export/meter-targets.ts';
import { addUp, correctedBy, exactQuantity, hourOf } from '../../../src/domain/usage-export/usage-change.ts';

describe('meters to export', () => {
  test('are read with units and decimals, and without', () => {
    const targets = parseMeterTargets(' gpt-4 tokens.in=ai_tokens/1000:3, images=images ,');
    expect(typeof targets).toBe('string');
    expect(parseMeterTargets('gpt-4.tokens:in=ai_tokens/1000:3, images=images ,')).toEqual(
      new Map([
        [
          'gpt-4.tokens:in',
          { meter: 'gpt-4.tokens:in', eventName: 'ai_tokens', scale: { unitsPerValue: 1000n, decimals: 3 } },
        ],
        ['images', { meter: 'images', eventName: 'images', scale: { unitsPerValue: 1n, decimals: 6 } }],
      ]),
    );
  });

  test.each([
    ['tokens', 'is not METER=EVENT_NAME'],
    ['tokens=', 'is not METER=EVENT_NAME'],
    ['tokens=a/0', 'is not METER=EVENT_NAME'],
    ['tokens=a b', 'is not METER=EVENT_NAME'],
    ['tokens=a:13', 'has more than 12 decimals'],
    ['tokens=a, tokens=b', '"tokens" stands twice'],
    ['tokens=a, images=a', '"tokens" and "images" go to one meter'],
  ])('%j is refused: %s', (text, why) => {
    expect(parseMeterTargets(text)).toContain(why);
  });
});

describe('what a correction does to usage', () => {
  const unit = 10n ** 18n;
  const corrections = [
    { correctionNo: 1, kind: 'amend', quantity: '2.5' },
    { correctionNo: 2, kind: 'amend', quantity: null },
    { correctionNo: 3, kind: 'amend', quantity: '4' },
    { correctionNo: 4, kind: 'void', quantity: null },
  ] as const;

  test.each([
    [1, (-25n * unit) / 10n],
    [2, 0n],
    [3, (15n * unit) / 10n],
    [4, -4n * unit],
    [9, undefined],
  ] as const)('the correction %i of five units moves %s', (no, moved) => {
    expect(correctedBy('5', corrections, no)).toBe(moved);
    expect(correctedBy('5', corrections.toReversed(), no)).toBe(moved);
  });

  test('all of them together leave nothing of a voided event', () => {
    const moved = corrections.map(({ correctionNo }) => correctedBy('5', corrections, correctionNo) ?? 0n);
    expect(moved.reduce((sum, value) => sum + value, exactQuantity('5') ?? 0n)).toBe(0n);
  });

  test('a quantity that is none is not guessed', () => {
    expect(exactQuantity('many')).toBeUndefined();
    expect(correctedBy('many', corrections, 4)).toBe(-4n * unit);
    expect(correctedBy('many', corrections, 1)).toBeUndefined();
  });
});

test('changes of the same hour are added up, and the newest posting counts', () => {
  const hour = { tenant: 'default', account: 'acme', meter: 'tokens', hourMs: hourOf(7_199_999) };
  expect(
    addUp([
      { ...hour, quantity: 3n, postedAtMs: 9 },
      { ...hour, account: 'bob', quantity: 1n, postedAtMs: 1 },
      { ...hour, quantity: -1n, postedAtMs: 5 },
    ]),
  ).toEqual([
    { ...hour, quantity: 2n, postedAtMs: 9 },
    { ...hour, account: 'bob', quantity: 1n, postedAtMs: 1 },
  ]);
  expect(hour.hourMs).toBe(3_600_000);
});
