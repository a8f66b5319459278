import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { parseSeriesTime } from '../../src/domain/series/series-time.ts';

/** A labelled series. */
export interface Curve {
  readonly name: string;
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  /** Rows from and to, both inclusive, that people call anomalous. */
  readonly windows: readonly { readonly from: number; readonly to: number }[];
}

/** Curves of the AIOps Challenge 2018: CSV files (also .gz) of `timestamp,value,label`, a column `KPI ID` tells curves apart. */
export function readAiops(folder: string): readonly Curve[] {
  const curves: Curve[] = [];
  for (const name of csvFiles(folder)) {
    const byCurve = new Map<string, Record<string, string>[]>();
    for (const row of records(join(folder, name))) {
      const own = byCurve.get(row['KPI ID'] ?? name);
      if (own === undefined) byCurve.set(row['KPI ID'] ?? name, [row]);
      else own.push(row);
    }
    for (const [curve, rows] of byCurve) {
      const labels = rows.map(({ label }) => Number(label) === 1);
      curves.push({ name: curve, ...columnsOf(rows), windows: runsOf(labels) });
    }
  }
  if (curves.length === 0) throw new Error(`No CSV file in ${folder}.`);
  return curves;
}

/** A checkout of the Numenta Anomaly Benchmark: `data/**.csv` with `labels/combined_windows.json`. */
export function readNab(folder: string): readonly Curve[] {
  const windows: unknown = JSON.parse(readFileSync(join(folder, 'labels/combined_windows.json'), 'utf8'));
  if (typeof windows !== 'object' || windows === null) throw new Error('combined_windows.json is no object.');
  return Object.entries(windows).map(([name, limits]: [string, [string, string][]]) => {
    const columns = columnsOf(records(join(folder, 'data', name)));
    const rowOf = (time: string) => columns.timesMs.indexOf(parseSeriesTime(time.replace(/\.\d+$/, '')) ?? -1);
    return { name, ...columns, windows: limits.map(([from, to]) => ({ from: rowOf(from), to: rowOf(to) })) };
  });
}

function csvFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /\.csv(?:\.gz)?$/.test(name))
    .sort();
}

function records(path: string): Record<string, string>[] {
  const bytes = readFileSync(path);
  return parse(path.endsWith('.gz') ? gunzipSync(bytes) : bytes, { columns: true, bom: true });
}

function columnsOf(rows: readonly Record<string, string>[]): Pick<Curve, 'timesMs' | 'values'> {
  return {
    timesMs: Float64Array.from(rows, ({ timestamp = '' }) => parseSeriesTime(timestamp) ?? Number.NaN),
    values: Float64Array.from(rows, ({ value }) => Number(value)),
  };
}

function runsOf(labels: readonly boolean[]): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (const [row, isOdd] of labels.entries()) {
    if (!isOdd) continue;
    const last = runs.at(-1);
    if (last?.to === row - 1) last.to = row;
    else runs.push({ from: row, to: row });
  }
  return runs;
}
