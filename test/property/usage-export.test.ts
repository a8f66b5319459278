import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { exportAmount, quantityOf, valueText } from '../../src/domain/usage-export/export-amount.ts';
import {
  exportIdentifier,
  isSafeToRepeat,
  judgeSummary,
  PAST_WINDOW_MS,
  planExport,
} from '../../src/domain/usage-export/plan-export.ts';

const NOW = Date.UTC(2026, 2, 2, 9, 30);
const scales = fc.record({
  unitsPerValue: fc.constantFrom(1n, 3n, 7n, 1_000n, 1_000_000n),
  decimals: fc.integer({ min: 0, max: 12 }),
});
const quantities = fc.bigInt({ min: 0n, max: 10n ** 24n });

describe('amounts', () => {
  test('exported values and the carry are exactly the usage, in any order and with any corrections', () => {
    fc.assert(
      fc.property(scales, fc.array(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n })), (scale, changes) => {
        let carry = 0n;
        let steps = 0n;
        for (const change of changes) {
          const amount = exportAmount(change, carry, scale);
          carry = amount.carry;
          steps += amount.valueSteps;
          expect(carry < quantityOf(1n, scale) && carry > -quantityOf(1n, scale)).toBe(true);
        }
        const usage = changes.reduce((sum, change) => sum + change, 0n);
        expect(quantityOf(steps, scale) + carry).toBe(usage);
      }),
    );
  });

  test('are written as plain decimals, or not at all', () => {
    const scale = { unitsPerValue: 1n, decimals: 3 };
    expect([1n, -1n, 1_500n, -20_000n, 0n].map((steps) => valueText(steps, scale))).toEqual([
      '0.001',
      '-0.001',
      '1.5',
      '-20',
      '0',
    ]);
    expect(valueText(999_999_999_999_999n, scale)).toBe('999999999999.999');
    expect(valueText(1_000_000_000_000_001n, scale)).toBeUndefined();
  });
});

test('after any late events, voids and amendments the sums of what is sent are the ledger, and nothing is sent twice', () => {
  const histories = fc.array(fc.record({ hour: fc.integer({ min: 0, max: 5 }), ledger: quantities }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(scales, histories, (scale, history) => {
      const ledger = new Map<number, bigint>();
      const exported = new Map<number, bigint>();
      let carry = 0n;
      let steps = 0n;
      for (const [turn, change] of history.entries()) {
        const hourMs = NOW - (NOW % HOUR_MS) - change.hour * HOUR_MS;
        ledger.set(hourMs, change.ledger);
        for (const again of [false, true]) {
          const amounts = { ledger: change.ledger, exported: exported.get(hourMs) ?? 0n, carry, scale };
          const plan = planExport({ hourMs }, amounts, NOW + turn * 1_000);
          expect(plan.kind).not.toBe('too_late');
          if (plan.kind === 'too_late') return;
          if (again) expect(plan.kind).toBe('nothing');
          if (plan.kind === 'send') {
            steps += plan.valueSteps;
            expect(plan.atMs).toBe(plan.reason === 'usage' ? hourMs : NOW - (NOW % HOUR_MS));
          }
          exported.set(hourMs, change.ledger);
          carry = plan.carry;
        }
      }
      const total = [...ledger.values()].reduce((sum, quantity) => sum + quantity, 0n);
      expect(quantityOf(steps, scale) + carry).toBe(total);
    }),
  );
});

describe('what Stripe no longer takes', () => {
  const scale = { unitsPerValue: 1n, decimals: 0 };
  const one = 10n ** 18n;

  test('is left to a person when it is usage, and corrected now when it is less usage', () => {
    const hourMs = NOW - PAST_WINDOW_MS;
    const more = planExport({ hourMs }, { ledger: 5n * one, exported: one, carry: 0n, scale }, NOW);
    expect(more).toEqual({ kind: 'too_late', quantity: 4n * one });
    const less = planExport({ hourMs }, { ledger: one, exported: 5n * one, carry: 0n, scale }, NOW);
    expect(less).toMatchObject({ kind: 'send', reason: 'correction', valueSteps: -4n, atMs: NOW - (NOW % HOUR_MS) });
  });

  test('an identifier is repeated within a day only', () => {
    expect(isSafeToRepeat(null, NOW)).toBe(true);
    expect(isSafeToRepeat(NOW - DAY_MS / 2, NOW)).toBe(true);
    expect(isSafeToRepeat(NOW - DAY_MS, NOW)).toBe(false);
  });

  test('the sum of the meter says what became of it, or that nobody can know', () => {
    expect(judgeSummary({ seen: 12n, acknowledged: 5n, uncertain: 7n })).toBe('arrived');
    expect(judgeSummary({ seen: 5n, acknowledged: 5n, uncertain: 7n })).toBe('lost');
    expect(judgeSummary({ seen: 9n, acknowledged: 5n, uncertain: 7n })).toBe('unknown');
    // Events that cancel each other out look the same whether they arrived or not.
    expect(judgeSummary({ seen: 5n, acknowledged: 5n, uncertain: 0n })).toBe('unknown');
  });
});

test('identifiers differ for hours that differ, however their names are written, and fit Stripe', () => {
  const names = fc.string({ maxLength: 4, unit: fc.constantFrom('a', ':', '1', '/') });
  const hours = fc.record({ tenant: names, account: names, meter: names, hourMs: fc.integer({ min: 0, max: 3 }) });
  fc.assert(
    fc.property(hours, hours, fc.nat(3), fc.nat(3), (a, b, partA, partB) => {
      const same = JSON.stringify([a, partA]) === JSON.stringify([b, partB]);
      expect(exportIdentifier(a, partA) === exportIdentifier(b, partB)).toBe(same);
      expect(exportIdentifier(a, partA).length).toBeLessThanOrEqual(100);
    }),
  );
});
