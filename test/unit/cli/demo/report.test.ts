import { describe, expect, test } from 'vitest';
import type { DemoAttackResult, DemoReport } from '../../../../src/cli/demo/demo-report.ts';
import { renderDemoReport } from '../../../../src/cli/demo/report.ts';
import { displayWidth } from '../../../../src/domain/text/clean.ts';

const ESCAPE = '\u001b';

const hours = (of: (hour: number) => number) => Array.from({ length: 60 }, (_, hour) => of(hour).toFixed(2));
const daily = (hour: number) => 1.4 + 0.9 * Math.sin((hour / 24) * 2 * Math.PI);

const report: DemoReport = {
  v: 1,
  seed: 7,
  knowsTruth: true,
  currency: 'USD',
  accounts: 318,
  days: 14,
  from: '2026-03-03T00:00:00.000Z',
  to: '2026-03-17T00:00:00.000Z',
  events: {
    received: 412_300,
    posted: 411_870,
    duplicate: 248,
    quarantined: 171,
    rejected: 11,
    quarantinedBy: { frozen: 120, over_limit: 40, altered: 11 },
    rejectedBy: { QUANTITY_NEGATIVE: 4, TIME_INVALID: 7 },
  },
  money: { charged: '3204.113', quarantined: '612.4' },
  timings: { engineStartMs: 912, replayMs: 21_400, eventsPerSecond: 19_266.3 },
  alerts: [
    {
      alertId: 'alt_1',
      account: 'acct_7f3a',
      outcome: 'review',
      raisedAt: '2026-03-14T02:11:00.000Z',
      title: 'acct_7f3a · needs a review · 14 Mar 2026 02:11 UTC',
      summary: 'Spent $18.20 in 1 hour. In comparable windows this account usually spends $1.10.\n\nWhy …',
      moneyAtRisk: '218.4',
    },
    {
      alertId: 'alt_2',
      account: 'acct_7f3a',
      outcome: 'freeze',
      raisedAt: '2026-03-14T02:40:00.000Z',
      title: 'acct_7f3a · wallet frozen',
      summary: 'Spent $31.00 in 1 hour. In comparable windows this account usually spends $1.10.\n\nWhy …',
      moneyAtRisk: '0',
    },
    {
      alertId: 'alt_3',
      account: 'acct_0b11',
      outcome: 'watch',
      raisedAt: '2026-03-12T09:00:00.000Z',
      title: 'acct_0b11 · worth watching',
      summary: 'Spent $9.00 in 6 hours.\n\nWhy …',
      moneyAtRisk: '9',
    },
  ],
  attacks: [
    {
      account: 'acct_7f3a',
      family: 'leaked_key',
      startedAt: '2026-03-14T01:29:00.000Z',
      endedAt: '2026-03-14T09:29:00.000Z',
      alertedAt: '2026-03-14T02:11:00.000Z',
      reviewedAt: '2026-03-14T02:11:00.000Z',
      frozenAt: '2026-03-14T02:40:00.000Z',
      charged: '33.05',
      heldBack: '571.2',
    },
    {
      account: 'acct_91c0',
      family: 'slow_drain',
      startedAt: '2026-03-10T00:00:00.000Z',
      endedAt: '2026-03-17T00:00:00.000Z',
      alertedAt: null,
      reviewedAt: null,
      frozenAt: null,
      charged: '14.2',
      heldBack: '0',
    },
  ],
  lookAlikes: [{ account: 'acct_0b11', kind: 'product_launch' }],
  freezes: [
    { account: 'acct_7f3a', at: '2026-03-14T02:40:00.000Z', until: '2026-03-15T02:40:00.000Z', refused: '590.1' },
    { account: 'acct_3333', at: '2026-03-15T02:40:00.000Z', until: '2026-03-16T02:40:00.000Z', refused: '3.1' },
  ],
  chart: {
    account: 'acct_7f3a',
    from: '2026-03-12T00:00:00.000Z',
    charged: hours((hour) => daily(hour) + (hour === 49 ? 12 : hour === 50 ? 19 : 0)),
    refused: hours((hour) => (hour >= 50 && hour < 58 ? 42 + 3 * (hour % 3) : 0)),
    usual: hours(daily),
    attackAt: '2026-03-14T01:29:00.000Z',
    frozenAt: '2026-03-14T02:40:00.000Z',
  },
  proof: [
    { claim: 'every transaction sums to zero', holds: true, detail: '1,204 batches' },
    { claim: 'every wallet equals its postings', holds: true, detail: '319 wallets, 411,874 entries' },
    { claim: 'priced facts equal entries', holds: true, detail: '$3,204.11 both ways' },
    { claim: 'the chain of batches is unbroken', holds: true, detail: '1,204 links' },
  ],
};

describe('the end of the demo', () => {
  test('reads as agreed at 80 columns without colour', async () => {
    await expect(renderDemoReport(report, { color: false, columns: 80 })).toMatchFileSnapshot('golden/report-80.txt');
  });

  test.each([60, 80, 100, 240, 0, Number.NaN])('fits a terminal of %d columns', (columns) => {
    const limit = Math.min(100, Math.max(60, columns || 80));
    for (const line of renderDemoReport(report, { color: false, columns }).split('\n')) {
      expect(displayWidth(line)).toBeLessThanOrEqual(limit);
    }
  });

  test('colour adds escape codes and nothing else', () => {
    const plain = renderDemoReport(report, { color: false, columns: 80 });
    const painted = renderDemoReport(report, { color: true, columns: 80 });
    expect(plain).not.toContain('\u001b');
    expect(painted.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '')).toBe(plain);
  });

  test('says when events are unaccounted for and when a proof fails', () => {
    const broken: DemoReport = {
      ...report,
      events: { ...report.events, received: 412_301 },
      proof: [{ claim: 'every transaction sums to zero', holds: false, detail: 'off by $0.01' }],
    };
    const text = renderDemoReport(broken, { color: false, columns: 80 });
    expect(text).toMatch(/unaccounted +1 /);
    expect(text).toContain('✗ every transaction sums to zero  off by $0.01');
  });

  test('an empty run is still a report', () => {
    const { chart: _, ...rest } = report;
    const text = renderDemoReport(
      { ...rest, alerts: [], attacks: [], freezes: [], proof: [] },
      { color: false, columns: 80 },
    );
    expect(text).toContain('Alerts\n  None.');
    expect(text).toContain('Frozen wallets\n  None.');
    expect(text).not.toContain('not frozen');
  });

  describe('of a file, of which nobody said what is hidden in it', () => {
    const { chart: _, ...rest } = report;
    const ofFile: DemoReport = { ...rest, seed: null, knowsTruth: false, attacks: [], lookAlikes: [] };
    const text = renderDemoReport(ofFile, { color: false, columns: 80 });

    test('says what happened and claims nothing else', () => {
      expect(text).toContain('Alerts\n  3 alerts on 2 accounts.\n');
      expect(text).not.toMatch(/In truth|attacked|honest|stolen|benign|wrong|Seed/);
    });

    test('names every wallet that was frozen', () => {
      expect(text).toContain(
        'Frozen wallets\n  acct_7f3a was frozen 14 Mar 02:40 UTC until 15 Mar 02:40 UTC, with $590.10 of\n  usage kept aside.\n',
      );
      expect(text).toContain('acct_3333 was frozen');
    });
  });

  test('an alert to watch asks for nobody', () => {
    const [, slow] = report.attacks;
    const watched = { ...slow, alertedAt: '2026-03-10T14:42:00.000Z' } as DemoAttackResult;
    const textOf = (attack: DemoAttackResult) =>
      renderDemoReport({ ...report, attacks: [attack] }, { color: false, columns: 100 }).replaceAll(/\s+/g, ' ');
    expect(textOf(watched)).toContain('Listed to watch after 14.7 hours; no alert asked for a person.');
    expect(textOf({ ...watched, reviewedAt: '2026-03-11T00:00:00.000Z' })).toContain(
      'Not frozen, but an alert asked for a person after 24 hours.',
    );
  });

  test('says why the exact sum of losses differs from its rows, and nothing when it does not', () => {
    const [leak] = report.attacks;
    const attack = (account: string, charged: string) =>
      ({ ...leak, account, charged, heldBack: '10.004' }) as DemoAttackResult;
    const textOf = (attacks: readonly DemoAttackResult[]) =>
      renderDemoReport({ ...report, attacks }, { color: false, columns: 100 }).replaceAll(/\s+/g, ' ');
    const off = textOf([attack('acct_1', '1.004'), attack('acct_2', '2.004')]);
    // Rows: 1.00 + 10.00 + 2.00 + 10.00 = 23.00; exactly 23.016.
    expect(off).toContain('they would have lost $23.02.');
    expect(off).toContain('Rows are rounded one by one; the exact sum is $0.02 more than they add up to.');
    expect(textOf([attack('acct_1', '1.001')])).not.toContain('rounded');
  });

  test('suggests only commands that can be typed as they stand', () => {
    const [, next = ''] = renderDemoReport(report, { color: false, columns: 100 }).split('\nNext\n');
    for (const line of next.trimEnd().split('\n')) expect(line).toMatch(/^ {2}npx tollkeeper |^ {30,}\S/);
  });

  test('hostile account names stay on their line', () => {
    const evil = `evil\u001b[2J\n${'x'.repeat(300)}`;
    const text = renderDemoReport(
      JSON.parse(JSON.stringify(report).replaceAll('acct_7f3a', JSON.stringify(evil).slice(1, -1))),
      {
        color: false,
        columns: 80,
      },
    );
    expect(text).not.toContain('\u001b');
    for (const line of text.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
  });

  test('has no exclamation marks', () => {
    expect(renderDemoReport(report, { color: false, columns: 80 })).not.toContain('!');
  });
});
