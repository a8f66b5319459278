import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ARCHIVE_COLUMNS, parseEntryLine } from '../../../../src/domain/archive/archived-entry.ts';
import { CLOSE_MARGIN_MS, closingTime, LANE_IDLE_MS } from '../../../../src/domain/archive/closable-days.ts';
import { dayStartMs, formatDay, parseDay } from '../../../../src/domain/archive/day.ts';
import type { Manifest } from '../../../../src/domain/archive/manifest.ts';
import { parseWholeNumber } from '../../../../src/domain/archive/whole-number.ts';
import { formatEventKey } from '../../../../src/domain/events/event-key.ts';
import { judgeTime } from '../../../../src/domain/ledger/lateness.ts';
import { DAY_MS } from '../../../../src/domain/time.ts';
import { checkFile } from '../../../../src/pipeline/archive/check-file.ts';

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const WINDOW_MS = 35 * DAY_MS;

const clocks = fc.array(
  fc.record({
    lane: fc.nat(63),
    clockMs: fc.option(fc.integer({ min: 0, max: NOW_MS + DAY_MS })),
    lastWriteMs: fc.option(fc.integer({ min: NOW_MS - 3 * LANE_IDLE_MS, max: NOW_MS })),
  }),
  { maxLength: 6 },
);

describe('the closing time', () => {
  test('is a day start that no active lane could still post before', () => {
    fc.assert(
      fc.property(clocks, fc.integer({ min: 1, max: 100 }), (lanes, days) => {
        const lateWindowMs = days * DAY_MS;
        const { beforeMs } = closingTime({ nowMs: NOW_MS, lateWindowMs, lanes });
        expect(dayStartMs(beforeMs)).toBe(beforeMs);
        for (const { clockMs, lastWriteMs } of lanes) {
          if (clockMs === null || lastWriteMs === null || lastWriteMs < NOW_MS - LANE_IDLE_MS) continue;
          expect(judgeTime(beforeMs - 1, clockMs, lateWindowMs)).not.toBe('in_time');
        }
        expect(beforeMs).toBeLessThanOrEqual(NOW_MS - lateWindowMs - CLOSE_MARGIN_MS);
      }),
    );
  });

  test('is our own clock’s when no lane is behind it', () => {
    const lanes = [{ lane: 1, clockMs: NOW_MS, lastWriteMs: NOW_MS }];
    expect(closingTime({ nowMs: NOW_MS, lateWindowMs: WINDOW_MS, lanes })).toEqual({
      beforeMs: Date.UTC(2026, 3, 26),
      heldBackBy: null,
    });
  });
});

describe('a closed day', () => {
  test('is too late for usage inside the window', () => {
    const occurredAtMs = NOW_MS - 10 * DAY_MS;
    expect(judgeTime(occurredAtMs, NOW_MS, WINDOW_MS, occurredAtMs)).toBe('in_time');
    expect(judgeTime(occurredAtMs, NOW_MS, WINDOW_MS, occurredAtMs + 1)).toBe('too_late');
  });
});

describe('days', () => {
  test('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40_000 }), (day) => {
        expect(parseDay(formatDay(day * DAY_MS))).toBe(day * DAY_MS);
      }),
    );
  });

  test.each(['2026-02-30', '2026-13-01', '26-01-01', '2026-1-1', '2026-01-01T00:00:00Z', ''])('%j is none', (text) => {
    expect(parseDay(text)).toBeUndefined();
  });
});

interface Row {
  readonly timeMs: number;
  readonly seq: bigint;
  readonly amount: bigint;
}

const DAY_START_MS = Date.UTC(2026, 0, 1);
const row = fc.record({
  timeMs: fc.integer({ min: DAY_START_MS, max: DAY_START_MS + DAY_MS - 1 }),
  seq: fc.bigInt({ min: 1n, max: 2n ** 62n }),
  amount: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
});

function lineOf({ timeMs, seq, amount }: Row): string {
  const key = formatEventKey({ timeMs, h0: Number(seq % 4_294_967_296n), h1: 7, h2: 9 });
  return [key, 5n, seq, amount, 0n, '2026-01-01 00:00:00+00', -3n, 2n, 1, 1, 'USD'].join('\t');
}

function manifestOf(rows: readonly Row[], text: string): Manifest {
  const keys = rows.map((each) => lineOf(each).split('\t')[0] ?? '').sort();
  return {
    format: 'tollkeeper-entries',
    version: 1,
    day: '2026-01-01',
    file: 'entry-2026-01-01.tsv.gz',
    compression: 'gzip',
    encoding: 'postgresql-copy-text',
    columns: [...ARCHIVE_COLUMNS],
    order: [],
    rows: rows.length,
    sums: rows.length === 0 ? {} : { USD: rows.reduce((sum, { amount }) => sum + amount, 0n).toString() },
    firstKey: keys[0] ?? null,
    lastKey: keys.at(-1) ?? null,
    sha256: createHash('sha256').update(text).digest('hex'),
    contentBytes: text.length,
    fileBytes: 1,
    schema: 'x',
    exportedAt: '2026-03-01T00:00:00.000Z',
  };
}

async function* inChunks(text: string, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
}

describe('a file', () => {
  const rows = fc
    .uniqueArray(row, { selector: ({ seq }) => seq, maxLength: 12 })
    .map((list) => [...list].sort((left, right) => (left.seq < right.seq ? -1 : 1)));

  test('is right in chunks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 300 }), async (list, size) => {
        const text = list.map((each) => `${lineOf(each)}\n`).join('');
        const check = await checkFile(manifestOf(list, text), inChunks(text, size));
        expect(check).toMatchObject({ faults: [], rows: list.length });
      }),
    );
  });

  test('is wrong when any byte of it is another', async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.nat(), fc.integer({ min: 1, max: 127 }), async (list, place, by) => {
        fc.pre(list.length > 0);
        const text = list.map((each) => `${lineOf(each)}\n`).join('');
        const bytes = Buffer.from(text);
        const at = place % bytes.length;
        bytes.writeUInt8(((bytes[at] ?? 0) + by) % 128, at);
        const check = await checkFile(manifestOf(list, text), inChunks(bytes.toString('latin1'), 64));
        expect(check.faults).not.toEqual([]);
      }),
    );
  });

  test('is wrong when its entries are of another day', async () => {
    const list = [{ timeMs: DAY_START_MS + DAY_MS, seq: 1n, amount: 1n }];
    const text = `${lineOf(list[0] ?? { timeMs: 0, seq: 0n, amount: 0n })}\n`;
    const { faults } = await checkFile(manifestOf(list, text), inChunks(text, 64));
    expect(faults).toEqual(['there are entries of other days than 2026-01-01']);
  });
});

test.each(['', '1.5', '+1', '9223372036854775808', '-9223372036854775809', 'x', ' 1'])(
  '%j is no 64-bit number',
  (text) => {
    expect(parseWholeNumber(text)).toBeUndefined();
  },
);

test('a line with a column too many is no entry', () => {
  const line = lineOf({ timeMs: DAY_START_MS, seq: 1n, amount: -5n });
  expect(parseEntryLine(line)).toMatchObject({ amount: -5n, kind: 1, currency: 'USD' });
  expect(parseEntryLine(`${line}\t1`)).toBeUndefined();
});
