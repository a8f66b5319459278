import { describe, expect, test } from 'vitest';
import { HOUR_MS } from '../../src/domain/time.ts';
import { checkMeters, confirmTaken } from '../../src/pipeline/usage-export/check-meters.ts';
import { exportUsage } from '../../src/pipeline/usage-export/export-usage.ts';
import { credit } from '../support/credit.ts';
import { START_MS } from '../support/ledger.ts';
import { openExport } from '../support/usage-export.ts';

describe('the comparison with what the meter has counted', () => {
  test('confirms what agrees, waits while a meter still counts, and asks once', async () => {
    const { money, parts, use, run, nextHour } = await openExport();
    await use('acme', { id: 'a', dollars: '5' });
    nextHour();
    await run();
    expect(await confirmTaken(parts)).toMatchObject({ hours: 0 });
    money.advance(2 * HOUR_MS);
    expect(await confirmTaken(parts)).toMatchObject({ hours: 1, confirmed: 1, differences: [] });
    expect(await confirmTaken(parts)).toMatchObject({ hours: 0 });
    expect((await parts.store.totals(money.now())).unconfirmed).toBe(0);
  });

  test.each([
    ['duplicate', 10],
    ['rounding', 5.000001],
    ['unexplained', 1],
  ] as const)('calls it %s', async (cause, value) => {
    const { money, parts, use, run, nextHour } = await openExport();
    await use('acme', { id: 'a', dollars: '5' });
    nextHour();
    await run();
    money.advance(2 * HOUR_MS);
    const meters = { ...parts.meters, hours: async () => [{ hourMs: START_MS, value }] };
    const { differences } = await checkMeters({ ...parts, meters }, { fromMs: START_MS, toMs: money.now() });
    expect(differences).toMatchObject([{ account: 'acme', cause, ledger: 5_000_000n }]);
  });

  test('opens a case where only a person can mend it, once', async () => {
    const { money, parts, use, run, nextHour } = await openExport();
    await use('acme', { id: 'a', dollars: '5' });
    nextHour();
    await run();
    const meters = { ...parts.meters, hours: async () => [{ hourMs: START_MS, value: 10 }] };
    for (const hours of [2, 8]) {
      money.advance(hours * HOUR_MS);
      await exportUsage({ ...parts, meters }, money.store.openCase);
    }
    expect(await money.openCases()).toEqual(['usage_meter_duplicate']);
    const [opened] = await money.store.cases({ status: 'open', limit: 1 });
    expect(opened?.title).toBe(
      'The meter usd has counted 10 for the hour of 2026-03-02T09:00:00.000Z, and the ledger holds 5.',
    );
  });

  test('names what was not sent, and says when nobody could look', async () => {
    const { money, parts, use, run, nextHour } = await openExport();
    await credit(money.ledger, 'walk-in', 50);
    await use('walk-in', { id: 'w', dollars: '5' });
    await use('acme', { id: 'a', dollars: '5' });
    nextHour();
    await run();
    money.advance(2 * HOUR_MS);
    const window = { fromMs: START_MS, toMs: money.now() };
    expect((await checkMeters(parts, window)).differences).toMatchObject([{ account: 'walk-in', cause: 'not_sent' }]);
    const down = { ...parts.meters, hours: () => Promise.reject(new Error('down')) };
    expect(await checkMeters({ ...parts, meters: down }, window)).toMatchObject({ unlooked: 1 });
  });
});
