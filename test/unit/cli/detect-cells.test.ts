import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** What `--out` wrote. */
async function detect(text: string, args: readonly string[] = []) {
  const file = join(await temporaryDirectory(), 'series.csv');
  writeFileSync(file, text);
  const run = await runCli(['detect', file, '--out', `${file}.out.csv`, '--quiet', ...args]);
  return { ...run, written: readFileSync(`${file}.out.csv`) };
}

test('with --raw cells come back byte for byte, whatever stands in them', async () => {
  const cell = fc
    .string({ unit: 'binary', maxLength: 12 })
    .map((text) => (/[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text));
  const rows = fc.array(fc.tuple(cell, fc.integer({ min: -1000, max: 1000 })), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(rows, async (cells) => {
      const lines = cells.map(([note, value], index) => `${1_700_000_000 + index * 60},${value},${note}`);
      const { written } = await detect(`timestamp,value,note\n${lines.join('\n')}\n`, ['--raw']);
      const [, ...rest] = written
        .toString('latin1')
        .trimEnd()
        .split(/\n(?=1700000\d{3},)/);
      const back = rest.map((line) => line.split(',').slice(0, -4).join());
      expect(back).toEqual(lines.map((line) => Buffer.from(line).toString('latin1')));
    }),
    { numRuns: 40, seed: 20_260_303 },
  );
});

test('cells that a spreadsheet would run get an apostrophe, numbers and everything else stay as they are', async () => {
  const inert = [
    ['=cmd|"/C calc"!A0', '\'=cmd|"/C calc"!A0'],
    ['"=1+1,2"', '"\'=1+1,2"'],
    ['@SUM(A1)', "'@SUM(A1)"],
    [' +49 30 1', " '+49 30 1"],
    ['＝1', "'＝1"],
    ['%1', "'%1"],
    ['-5', '-5'],
    ['+1.5e3', '+1.5e3'],
    ['-', '-'],
    ['eu=1', 'eu=1'],
    ['"a=b"', '"a=b"'],
  ] as const;
  const lines = inert.map(([given], index) => `${1_700_000_000 + index * 60},${-index},${given}`);
  const { written, stderr } = await detect(`timestamp,value,=note\n${lines.join('\n')}\n`);
  const [head, ...rest] = written.toString().trimEnd().split('\n');
  expect(head).toMatch(/^timestamp,value,'=note,anomaly_score/);
  for (const [index, [, wanted]] of inert.entries()) {
    expect(rest[index]).toMatch(/(?:,[\d.e+-]*){4}$/);
    expect(rest[index]?.replace(/(?:,[\d.e+-]*){4}$/, '')).toBe(`${1_700_000_000 + index * 60},${-index},${wanted}`);
  }
  expect(stderr).toContain('6 rows with a cell that a spreadsheet would run');
});

test('a hostile column name acts neither on a terminal nor in a plot nor in JSON', async () => {
  const name = '=cmd|<img src=x onerror=alert(1)>\u001b[2J\u202e&\'"';
  const file = join(await temporaryDirectory(), 'series.csv');
  writeFileSync(file, `timestamp,"${name.replaceAll('"', '""')}"\n1700000000,1\n1700000300,2\n`);
  const out = join(file, '..', 'out.csv');
  for (const target of ['x.svg', 'x.html'].map((end) => join(file, '..', end))) {
    const { stdout, stderr, exitCode } = await runCli(['detect', file, '--quiet', '--out', out, '--plot', target]);
    expect(exitCode).toBe(0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come through.
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    const text = readFileSync(target, 'utf8');
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come through.
    expect(text).not.toMatch(/<img|[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
  expect(readFileSync(out, 'utf8').split('\n')[0]).toContain(`"'${name.replaceAll('"', '""')}`);
});
