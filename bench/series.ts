import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mean, standardDeviation } from 'simple-statistics';
import { detectFile } from '../src/cli/detect/detect-file.ts';
import { noSink } from '../src/cli/detect/row-sink.ts';
import { levelShift } from '../src/domain/series/level-shift.ts';
import type { BenchRow } from './rows.ts';

const WINDOW = 500;
const NAIVE_ROWS = 20_000;
const STREAM_ROWS = 2_000_000;
const FILE_ROWS = 300_000;

/** Streaming scores beside recomputing a window of 500 per row, and rows per second of `detect`; in CPU time. */
export async function benchSeries(log: (line: string) => void): Promise<BenchRow[]> {
  log(`a window of ${WINDOW} recomputed per row, ${NAIVE_ROWS} rows`);
  const naive = cpuMsOf(() => naiveZ(NAIVE_ROWS)) / NAIVE_ROWS;
  log(`a streaming z, ${STREAM_ROWS} rows`);
  streamingZ(NAIVE_ROWS);
  const streaming = cpuMsOf(() => streamingZ(STREAM_ROWS)) / STREAM_ROWS;
  log(`detect, ${FILE_ROWS} rows a channel`);
  return [
    { name: 'z_to_naive', value: naive / streaming, unit: 'times' },
    { name: 'detect_slow_rows', value: await detectRows('slow'), unit: 'rows/s of CPU' },
    { name: 'detect_fast_rows', value: await detectRows('fast'), unit: 'rows/s of CPU' },
  ];
}

function loadAt(row: number): number {
  return 100 + ((row * 7919) % 101) + 40 * Math.sin(row / 45.8);
}

function naiveZ(rows: number): number {
  const window: number[] = [];
  let highest = 0;
  for (let row = 0; row < rows; row++) {
    const value = loadAt(row);
    if (window.length === WINDOW) {
      highest = Math.max(highest, Math.abs(value - mean(window)) / standardDeviation(window));
      window.shift();
    }
    window.push(value);
  }
  return highest;
}

function streamingZ(rows: number): number {
  const channel = levelShift();
  const state = channel.start();
  let highest = 0;
  for (let row = 0; row < rows; row++) {
    const point = { value: loadAt(row), slot: row, slotsPerPeriod: 0, level: 150, spread: 40 };
    highest = Math.max(highest, channel.score(state, point));
    channel.learn(state, point);
  }
  return highest;
}

async function detectRows(channel: 'fast' | 'slow'): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'tollkeeper-bench-'));
  try {
    const file = join(directory, 'series.csv');
    const lines = Array.from(
      { length: FILE_ROWS },
      (_, row) => `${1_700_000_000 + row * 60},${loadAt(row).toFixed(3)}`,
    );
    await writeFile(file, `timestamp,value\n${lines.join('\n')}\n`);
    const before = process.cpuUsage();
    const choice = { timestamp: undefined, value: undefined };
    const none = () => undefined;
    await detectFile({ file, choice, channel, listen: none, onProgress: none, isRaw: false }, noSink());
    return FILE_ROWS / (cpuMs(before) / 1000);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function cpuMsOf(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  return cpuMs(before);
}

function cpuMs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
