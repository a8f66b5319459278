import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { dailyLoad } from '../../support/series.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const ADDED = ['anomaly_score', 'expected', 'lower', 'upper'];
const START_MS = Date.UTC(2026, 2, 1);

async function fileOf(text: string | Buffer, name = 'series.csv'): Promise<string> {
  const file = join(await temporaryDirectory(), name);
  writeFileSync(file, text);
  return file;
}

/** A series with one spike in its seventh day. */
function load(rows = 2_200): string {
  const lines = dailyLoad(rows).map((value, index) => {
    const at = new Date(START_MS + index * 300_000).toISOString();
    return `${at},${index === 2_000 ? 400 : value.toFixed(3)},eu`;
  });
  return `timestamp,value,region\n${lines.join('\n')}\n`;
}

/** What `--out` wrote, as records. */
async function detect(text: string | Buffer, args: readonly string[] = [], name = 'series.csv') {
  const file = await fileOf(text, name);
  const out = `${file}.out.csv`;
  const run = await runCli(['detect', file, '--out', out, '--quiet', ...args]);
  return { ...run, file, out, written: existsSync(out) ? readFileSync(out) : Buffer.alloc(0) };
}

describe('detect', () => {
  test('hands the same rows back with four columns more', async () => {
    const { written, exitCode, stdout } = await detect(load());
    expect(exitCode).toBe(0);
    const records: string[][] = parse(written);
    expect(records[0]).toEqual(['timestamp', 'value', 'region', ...ADDED]);
    expect(records.map((cells) => cells.slice(0, 3).join())).toEqual(load().trim().split('\n'));
    const scores = records.slice(1).map((cells) => Number(cells[3]));
    expect(scores.indexOf(Math.max(...scores))).toBe(2_000);
    expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
    // The expectation of the spike is what the time of day had before.
    const [, , , , expected, lower, upper] = (records[2_001] ?? []).map(Number);
    expect(lower).toBeLessThan(expected ?? 0);
    expect(upper).toBeLessThan(300);
    expect(stdout).toMatch(/^WHEN +LINE +OBSERVED +EXPECTED +USUAL RANGE +HOW RARE$/m);
    expect(stdout).toMatch(/^7 Mar 2026 22:40 UTC +2002 +400 /m);
  });

  test('writes rows to stdout and what it says about them to stderr', async () => {
    const { stdout, stderr, exitCode } = await runCli(['detect', await fileOf(load(300)), '--quiet']);
    expect(exitCode).toBe(0);
    expect(parse(stdout)).toHaveLength(301);
    expect(stderr).toContain('300 rows of');
    expect(stderr).toContain(
      'times from "timestamp", values from "value" (guessed; --timestamp and --value say otherwise)',
    );
  });

  test('writes scores with at least nine significant digits', async () => {
    const { written } = await detect(load());
    const scores = parse(written, { columns: true }).map((record) => String(Object(record).anomaly_score));
    const digits = scores.map((score) => score.replace(/e.*$/, '').replace(/^0\.0*|\./g, '').length);
    expect(Math.min(...digits)).toBeGreaterThanOrEqual(9);
  });

  test('with --channel both names the scores of each and shows the rarer', async () => {
    const { written } = await detect(load(), ['--channel', 'both']);
    const records: Readonly<Record<string, string>>[] = parse(written, { columns: true });
    expect(Object.keys(records[0] ?? {}).slice(3)).toEqual([...ADDED, 'anomaly_score_fast', 'anomaly_score_slow']);
    for (const record of records) {
      const [fast, slow] = [Number(record.anomaly_score_fast), Number(record.anomaly_score_slow)];
      expect(Number(record.anomaly_score)).toBe(Math.max(fast, slow));
    }
  });

  test('scores the same whatever the times are written in', async () => {
    const lines = load(700).trim().split('\n').slice(1);
    const scoresIn = async (format: (ms: number) => string) => {
      const text = lines.map((line, index) => `${format(START_MS + index * 300_000)},${line.split(',')[1]}`);
      const { written } = await detect(`timestamp,value\n${text.join('\n')}\n`);
      return parse(written, { columns: true }).map((record) => Object(record).anomaly_score);
    };
    const iso = await scoresIn((ms) => new Date(ms).toISOString());
    expect(await scoresIn((ms) => `${ms}`)).toEqual(iso);
    expect(await scoresIn((ms) => `${ms / 1000}`)).toEqual(iso);
    expect(await scoresIn((ms) => new Date(ms).toISOString().slice(0, 19).replace('T', ' '))).toEqual(iso);
  });

  test('is one JSON object with --json, and without --out no rows', async () => {
    const { stdout, json } = await runCli(['detect', await fileOf(load()), '--json']);
    expect(stdout).not.toContain('anomaly_score,');
    expect(json()).toMatchObject({
      channel: 'slow',
      timestampColumn: 'timestamp',
      valueColumn: 'value',
      guessed: ['timestamp', 'value'],
      rows: 2200,
      scored: 2200,
      stepSeconds: 300,
      incidents: expect.arrayContaining([
        expect.objectContaining({ line: 2002, observed: 400, at: '2026-03-07T22:40:00.000Z' }),
      ]),
    });
  });

  test('reads and writes gzip', async () => {
    const file = await fileOf(gzipSync(load(400)), 'series.csv.gz');
    const out = `${file}.out.gz`;
    expect((await runCli(['detect', file, '--out', out, '--quiet'])).exitCode).toBe(0);
    expect(parse(gunzipSync(readFileSync(out)))).toHaveLength(401);
  });
});

describe('columns of detect', () => {
  test.each(['timestamp', 'value'])('an unknown --%s is answered with the columns there are', async (which) => {
    const { exitCode, stderr, out } = await detect(load(5), [`--${which}`, 'p99']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('has no column "p99". Its columns are "timestamp", "value", "region"');
    expect(existsSync(out)).toBe(false);
  });

  test('are guessed by what they hold when their names say nothing', async () => {
    const text = 'host,when,label,cpu\na,2026-03-01T00:00:00Z,0,1.5\na,2026-03-01T00:05:00Z,0,1.6\n';
    const { stderr } = await detect(text);
    expect(stderr).toContain('times from "when", values from "cpu"');
  });

  test('are taken as named', async () => {
    const text = 'ts,value,p99\n1700000000,x,5\n1700000300,y,6\n';
    const { stderr, stdout } = await detect(text, ['--timestamp', 'ts', '--value', 'p99']);
    expect(stderr).toBe('');
    expect(stdout).toContain('2 rows of');
  });

  test('may do without times: rows then count as evenly spaced', async () => {
    const { stderr, written, exitCode } = await detect('load\n1\n2\n3\n');
    expect(exitCode).toBe(0);
    expect(stderr).toContain('no column of times');
    expect(parse(written)).toHaveLength(4);
  });

  test('may do without a header', async () => {
    const { written, stderr } = await detect('1700000000,5\n1700000300,6\n', [
      '--timestamp',
      'column_1',
      '--value',
      'column_2',
    ]);
    expect(stderr).toBe('');
    expect(written.toString()).toMatch(/^1700000000,5,[^,]+,,,\n1700000300,6,[^,]+,5,/);
  });

  test('of numbers must exist', async () => {
    const { exitCode, stderr } = await detect('timestamp,name\n1700000000,a\n');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('no column holds numbers. Its columns are "timestamp", "name"');
  });

  test('of its own names are not written twice', async () => {
    const { exitCode, stderr } = await detect('timestamp,value,expected\n1700000000,1,2\n');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('has a column expected already');
  });
});

describe('bad input of detect', () => {
  test('missing cells get no score, and are counted', async () => {
    const text = load(400)
      .split('\n')
      .map((line, index) => (index === 100 || index === 200 ? line.replace(/,[^,]*,/, ',,') : line));
    const { written, stderr, exitCode } = await detect(text.join('\n'));
    expect(exitCode).toBe(0);
    expect(stderr).toContain('note: 2 rows without a value got no score (first on line 101).');
    expect(written.toString().split('\n')[100]).toMatch(/,,eu,,,,$/);
  });

  test('values and times that cannot be read get no score either', async () => {
    const { stderr, written } = await detect(
      'timestamp,value\n1700000000,1\n1700000300,many\nnoon,2\n1700000900,NaN\n',
    );
    expect(stderr).toContain('1 row with a value that is no number got no score (first on line 3)');
    expect(stderr).toContain('1 row with a time that cannot be read got no score (first on line 4)');
    expect(stderr).toContain('1 row without a value got no score (first on line 5)');
    expect(written.toString().split('\n').slice(2, 5)).toEqual([
      '1700000300,many,,,,',
      'noon,2,,,,',
      '1700000900,NaN,,,,',
    ]);
  });

  test.each([
    ['a constant series', Array.from({ length: 500 }, () => 7)],
    ['one row', [7]],
    ['two rows', [7, 8]],
  ])('%s is scored and has no incidents', async (_name, values) => {
    const text = values.map((value, index) => `${1_700_000_000 + index * 300},${value}`).join('\n');
    const { exitCode, stdout, written } = await detect(`timestamp,value\n${text}\n`);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('No incidents');
    expect(parse(written)).toHaveLength(values.length + 1);
  });

  test('a header without rows is no error', async () => {
    const { exitCode, written } = await detect('timestamp,value\n');
    expect(exitCode).toBe(0);
    expect(written.toString()).toBe('timestamp,value,anomaly_score,expected,lower,upper\n');
  });

  test('times that repeat or go back are one warning and exit 0', async () => {
    const lines = load(400).trim().split('\n');
    const text = [...lines.slice(0, 200), lines[199], lines[100], ...lines.slice(200)].join('\n');
    const { exitCode, stderr, written } = await detect(text, ['--timestamp', 'timestamp', '--value', 'value']);
    expect(exitCode).toBe(0);
    expect(stderr.trim().split('\n')).toEqual([
      'warning: 1 row repeats a time and 1 row goes back in time, first on line 201; scored in the order of the file. Sort it by time if that is not meant.',
    ]);
    expect(parse(written).every((cells) => cells.length === 7 && cells[3] !== '')).toBe(true);
  });

  test('a byte order mark and carriage returns come back as they were', async () => {
    const text = `\ufefftimestamp,value\r\n1700000000,1\r\n1700000300,2`;
    const { written, stdout } = await detect(text);
    expect(stdout).toContain('2 rows of');
    expect(written.toString()).toMatch(
      /^\ufefftimestamp,value,anomaly_score,expected,lower,upper\r\n1700000000,1,\S+,,,\r\n1700000300,2,\S+$/,
    );
  });

  test.each([';', '\t'])('%j may separate cells', async (delimiter) => {
    const { written, stdout } = await detect(load(300).replaceAll(',', delimiter));
    expect(stdout).toContain('300 rows of');
    expect(parse(written, { delimiter })[0]).toEqual(['timestamp', 'value', 'region', ...ADDED]);
  });

  test('a quoted name may hold more semicolons than the header has commas', async () => {
    const { exitCode, stdout } = await detect('timestamp,"a;b;c;d"\n1700000000,1\n1700000300,2\n');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('column a;b;c;d');
  });

  test('decimal commas are read where semicolons separate cells', async () => {
    const { json } = await detect('timestamp;value\n1700000000;1,5\n1700000300;2,25\n', ['--json']);
    expect(json()).toMatchObject({ scored: 2, unreadableValue: 0 });
  });

  test('quoted cells may hold separators, quotes and line breaks; a stray quote costs no other row', async () => {
    const text =
      'timestamp,note,value\n1700000000,"a, ""b""\nc",1\n1700000300,5" pipe,2\n1700000600,"open,3\n1700000900,d,4\n';
    const { written, json } = await detect(text, ['--json']);
    expect(json()).toMatchObject({ rows: 4, scored: 3 });
    expect(written.toString()).toMatch(/^1700000000,"a, ""b""\nc",1,[^,]+,,,$/m);
    expect(written.toString()).toMatch(/^1700000900,d,4,[^,]+,/m);
  });

  test('rows that are too short are filled up, so that scores stand under their names', async () => {
    const { written, stderr } = await detect('timestamp,value,region\n1700000000,1\n1700000300,2,eu\n');
    expect(written.toString().split('\n')[1]).toMatch(/^1700000000,1,,[^,]+,,,$/);
    expect(stderr).toContain('1 row with another number of cells than the header (first on line 2)');
  });

  test('bytes that are no UTF-8 come back as they were', async () => {
    const bytes = Buffer.concat([
      Buffer.from('timestamp,value,name\n1700000000,1,'),
      Buffer.from([0xff, 0xe9]),
      Buffer.from('\n'),
    ]);
    const { written } = await detect(bytes);
    expect(written.includes(Buffer.from([0x2c, 0xff, 0xe9, 0x2c]))).toBe(true);
  });

  test('an empty file, a missing one and a directory are told apart', async () => {
    expect((await detect('')).stderr).toContain('is empty');
    expect((await runCli(['detect', '/nowhere.csv'])).exitCode).toBe(2);
    expect((await runCli(['detect', await temporaryDirectory()])).stderr).toContain('is a directory');
  });

  test('a file that cannot be written leaves nothing behind', async () => {
    const file = await fileOf(load(10));
    const taken = `${file}.directory`;
    mkdirSync(taken);
    const run = await runCli(['detect', file, '--out', taken, '--quiet']);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('cannot be written');
    expect(readdirSync(join(file, '..')).filter((name) => name.endsWith('.partial'))).toEqual([]);
    expect((await runCli(['detect', file, '--out', '/nowhere/x.csv', '--quiet'])).exitCode).toBe(2);
  });

  test('the file to read is never written over', async () => {
    const file = await fileOf(load(10));
    const run = await runCli(['detect', file, '--out', file, '--quiet']);
    expect(run.exitCode).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe(load(10));
  });
});

describe('the plot of detect', () => {
  const plot = async (text: string, name: string) => {
    const file = await fileOf(text);
    const target = join(file, '..', name);
    const run = await runCli(['detect', file, '--json', '--plot', target]);
    return { ...run, text: existsSync(target) ? readFileSync(target, 'utf8') : '' };
  };

  test('is one self-contained SVG with the incident on it', async () => {
    const { text } = await plot(load(), 'series.svg');
    expect(text).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [^>]*>\n<title/);
    expect(text.match(/<circle class="mark"/g)?.length).toBeGreaterThan(0);
    expect(text).toContain('<title>1: 7 Mar 2026 22:40 UTC, 400</title>');
    expect(text).toContain('prefers-color-scheme:dark');
    expect(text).not.toMatch(/NaN|Infinity|undefined|<script|(?:href|src)=/);
    expect(wellFormed(text)).toBe(true);
  });

  test('as a page lists the incidents', async () => {
    const { text } = await plot(load(), 'series.html');
    expect(text).toContain('<!doctype html>');
    expect(text).toContain('<td>7 Mar 2026 22:40 UTC</td><td>2002</td><td>400</td>');
    expect(text).not.toMatch(/<script|(?:href|src)=/);
  });

  test.each([
    ['one row', 'timestamp,value\n1700000000,1\n'],
    ['no row', 'timestamp,value\n'],
    [
      'a constant',
      `timestamp,value\n${Array.from({ length: 50 }, (_, i) => `${1_700_000_000 + i * 60},0`).join('\n')}\n`,
    ],
    ['no times', 'value\n1\n2\n3\n'],
  ])('of %s is well formed', async (_name, text) => {
    const svg = (await plot(text, 'x.svg')).text;
    expect(wellFormed(svg)).toBe(true);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('must be named .svg or .html', async () => {
    expect((await plot(load(5), 'x.png')).exitCode).toBe(2);
  });
});

/** Whether every tag is closed in its order; enough for what has no comments and no sections. */
function wellFormed(xml: string): boolean {
  const open: string[] = [];
  for (const [, slash, name = '', rest = ''] of xml.matchAll(/<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<]*")*\s*\/?)>/gi)) {
    if (slash === '/') {
      if (open.pop() !== name) return false;
    } else if (!rest.endsWith('/')) open.push(name);
  }
  const tags = xml.match(/</g)?.length ?? 0;
  const known = [...xml.matchAll(/<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<]*")*\s*\/?)>/gi)].length;
  return open.length === 0 && tags === known;
}
