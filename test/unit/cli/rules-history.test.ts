import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../../src/domain/time.ts';
import type { BacktestReport } from '../../../src/pipeline/backtest/report.ts';
import { readRules } from '../../../src/wire/rules.ts';
import { runCli } from '../../support/cli.ts';

const directory = mkdtempSync(join(tmpdir(), 'tollkeeper-history-'));
afterAll(() => rmSync(directory, { recursive: true }));

const given = { readRules: (place?: string) => readRules(place, { runTests: false }) };

/** The shipped rules, with the one about sources that fall silent in shadow. */
const rules = join(directory, 'rules');
cpSync('rules', rules, { recursive: true });
const silentRule = join(rules, 'silent-source.yaml');
writeFileSync(silentRule, readFileSync(silentRule, 'utf8').replace('mode: draft', 'mode: shadow'));

interface Row {
  readonly id: string;
  readonly account: string;
  readonly source: string;
  readonly atMs: number;
  readonly quantity: number;
}

const START_MS = Date.UTC(2026, 0, 5);
const COLUMNS = 'id,account,source,meter,quantity,timestamp,received_at';

function ndjson(rows: readonly Row[]): string {
  const lines = rows.map(({ id, account, source, atMs, quantity }) => {
    const at = new Date(atMs).toISOString();
    const names = { id, account, source, meter: 'api.calls' };
    return JSON.stringify({ ...names, quantity, timestamp: at, properties: { received_at: at } });
  });
  return `${lines.join('\n')}\n`;
}

function csv(rows: readonly Row[]): string {
  const lines = rows.map(({ id, account, source, atMs, quantity }) => {
    const at = new Date(atMs).toISOString();
    return [id, account, source, 'api.calls', quantity, at, at].join(',');
  });
  return `${[COLUMNS, ...lines].join('\n')}\n`;
}

const FORMATS = [
  { format: 'ndjson', write: ndjson },
  { format: 'csv', write: csv },
] as const;

function fileOf(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

async function play(path: string): Promise<BacktestReport> {
  const run = await runCli(['rules', 'backtest', rules, '--events', path, '--json'], given);
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  return run.json() as unknown as BacktestReport;
}

/** Twenty-four accounts at an hourly pace by two keys in turn for twenty days; one of them is drained at the end. */
function usage({ hole = 0 }: { readonly hole?: number } = {}): Row[] {
  const rows: Row[] = [];
  for (let hour = 0; hour < 20 * 24; hour++) {
    for (let account = 0; account < 24; account++) {
      const atMs = START_MS + hour * HOUR_MS + account * 60_000 + (hour >= 14 * 24 ? hole : 0);
      const names = { id: `u${account}-${hour}`, account: `acct-${account}`, source: `key-${account}-${hour % 2}` };
      rows.push({ ...names, atMs, quantity: 500 });
    }
  }
  const endMs = (rows.at(-1)?.atMs ?? 0) + 60_000;
  for (let step = 0; step < 40; step++)
    rows.push({ id: `d${step}`, account: 'acct-7', source: 'key-7-0', atMs: endMs + step * 300_000, quantity: 15_000 });
  return rows;
}

const codesOf = ({ warnings }: BacktestReport) => warnings.map(({ code }) => code);

describe.each(FORMATS)('a history in $format', ({ format, write }) => {
  test('holds every event twice: each counts once, and the report says how many did not', async () => {
    const rows = usage();
    const clean = await play(fileOf(`clean.${format}`, write(rows)));
    const twice = await play(fileOf(`twice.${format}`, write(rows.flatMap((row) => [row, row]))));
    expect(clean.freezes).toHaveLength(1);
    expect(clean.events).toMatchObject({ read: rows.length, duplicates: 0, altered: 0 });
    expect(twice.events).toMatchObject({ read: 2 * rows.length, duplicates: rows.length, altered: 0 });
    expect(twice.freezes).toEqual(clean.freezes);
    expect(twice.money).toEqual(clean.money);
  });

  test('jumps back in arrival time: it is played in the order of its rows, with one warning', async () => {
    const rows = usage();
    const jumped = rows.map((row, index) => (index % 97 === 50 ? { ...row, atMs: row.atMs - 2 * HOUR_MS } : row));
    const clean = await play(fileOf(`clean.${format}`, write(rows)));
    const report = await play(fileOf(`jumped.${format}`, write(jumped)));
    expect(codesOf(report).filter((code) => code === 'HISTORY_NOT_IN_ARRIVAL_ORDER')).toHaveLength(1);
    expect(report.events).toMatchObject({ read: rows.length, duplicates: 0, unreadable: 0 });
    expect(report.freezes.map(({ account, at }) => ({ account, at }))).toEqual(
      clean.freezes.map(({ account, at }) => ({ account, at })),
    );
  });

  test('has a hole of three days: it is told, and nobody is said to have fallen silent', async () => {
    const clean = await play(fileOf(`clean.${format}`, write(usage())));
    const report = await play(fileOf(`hole.${format}`, write(usage({ hole: 3 * DAY_MS }))));
    expect(codesOf(clean)).not.toContain('HISTORY_GAP');
    expect(codesOf(report).filter((code) => code === 'HISTORY_GAP')).toHaveLength(1);
    const silent = report.rules.find(({ rule }) => rule === 'silent-source');
    expect(silent?.incidents).toBe(0);
    expect(report.alerts.accounts).toBe(1);
    expect(report.freezes.map(({ account }) => account)).toEqual(['acct-7']);
  });

  test('says other things under one id: that is told as a sign of tampering, and not spend', async () => {
    const rows = usage();
    const altered = rows.flatMap((row, index) =>
      index % 1_000 === 500 ? [row, { ...row, quantity: row.quantity / 10 }] : [row],
    );
    const clean = await play(fileOf(`clean.${format}`, write(rows)));
    const report = await play(fileOf(`altered.${format}`, write(altered)));
    expect(report.events).toMatchObject({ duplicates: 0, altered: altered.length - rows.length });
    expect(report.warnings.find(({ code }) => code === 'HISTORY_ALTERED_COPIES')?.message).toContain('tampers');
    expect(codesOf(clean)).not.toContain('HISTORY_ALTERED_COPIES');
    expect(report.money).toEqual(clean.money);
  });
});
