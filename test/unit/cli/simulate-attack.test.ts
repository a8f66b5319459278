import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { ATTACKS } from '../../../src/cli/attacks/plan-attacks.ts';
import { createRandom } from '../../../src/cli/demo/random.ts';
import { readRules } from '../../../src/wire/rules.ts';
import { runCli } from '../../support/cli.ts';

interface Line {
  readonly id: string;
  readonly account: string;
  readonly meter: string;
  readonly timestamp: string;
  readonly properties: { readonly received_at: string };
}

const START = Date.parse('2026-03-02T00:00:00Z');
const REGIONS = ['us-east', 'eu-west', 'ap-south', 'sa-east'];

/** Thirty accounts that work by day for four weeks. */
function honestUsage(): string {
  const random = createRandom(7, 0);
  const lines: { at: number; text: string }[] = [];
  for (let account = 0; account < 30; account++) {
    for (let day = 0; day < 28; day++) {
      for (let n = 0; n < 12; n++) {
        const at = START + day * 86_400_000 + Math.floor(random.between(8, 20) * 3_600_000);
        const received_at = new Date(at + random.below(9_000)).toISOString();
        const event = {
          id: `a${account}-${day}-${n}`,
          account: `acct_${account}`,
          meter: 'llm.tokens',
          quantity: 100 + random.below(4_000),
          timestamp: new Date(at).toISOString(),
          source: `gateway-${account % 7}`,
          ...(account % 2 === 0 ? { seq: day * 12 + n } : {}),
          properties: { received_at, region: REGIONS[account % 3], key: `key_${account}` },
        };
        lines.push({ at: Date.parse(received_at), text: JSON.stringify(event) });
      }
    }
  }
  return lines
    .sort((a, b) => a.at - b.at)
    .map(({ text }) => `${text}\n`)
    .join('');
}

async function attacked(...more: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'attack-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'usage.ndjson'), honestUsage());
  const out = join(folder, 'out');
  const run = await runCli(
    ['simulate-attack', '--events', join(folder, 'usage.ndjson'), '--out', out, '--attacks', '1', '--quiet', ...more],
    { readRules: (directory, options) => readRules(directory, options) },
  );
  const read = async (name: string) => readFile(join(out, name));
  return { run, read };
}

const rows = (csv: Buffer) =>
  csv
    .toString()
    .trim()
    .split('\n')
    .slice(1)
    .map((row) => row.split(','));

test('writes every family in order of arrival, with labels that fit the lines', async () => {
  const { run, read } = await attacked('--warm-up-days', '8');
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  const lines = gunzipSync(await read('events.ndjson.gz'))
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const arrivals = lines.map(({ properties }) => Date.parse(properties.received_at));
  expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));

  const attacks = new Map(rows(await read('labels.csv')).map((row) => [row[0], row]));
  expect(new Set([...attacks.values()].map((row) => row[1]))).toEqual(new Set(ATTACKS.map(({ name }) => name)));
  const stolen = rows(await read('fraud.csv'));
  const counted = new Map<string, number>();
  for (const [line = '', id = ''] of stolen) {
    const event = lines[Number(line)];
    const [, family, accounts = '', , start = ''] = attacks.get(id) ?? [];
    expect(accounts.split(';'), `${family} line ${line}`).toContain(event?.account);
    expect(Date.parse(event?.properties.received_at ?? '')).toBeGreaterThanOrEqual(Date.parse(start));
    counted.set(id, (counted.get(id) ?? 0) + 1);
  }
  for (const [id = '', row] of attacks) expect(String(counted.get(id))).toBe(row[6]);
  // Nothing happens before the rules know what is usual.
  const first = Math.min(...stolen.map(([line]) => arrivals[Number(line)] ?? 0));
  expect(first).toBeGreaterThan(START + 8 * 86_400_000);
  const meta = JSON.parse((await read('meta.json')).toString()) as { events: number };
  expect(meta.events).toBe(lines.length);
});

test('draws the same attacks from the same seed, and others from another', async () => {
  const files = async (seed: string) => {
    const { read } = await attacked('--seed', seed, '--family', 'stolen_key_drain', 'backdating');
    return `${gunzipSync(await read('events.ndjson.gz'))}${await read('labels.csv')}${await read('fraud.csv')}`;
  };
  const first = await files('5');
  expect(await files('5')).toBe(first);
  expect(await files('6')).not.toBe(first);
});

test('says what is wrong with what it was given', async () => {
  const history = await attacked('--family', 'nothing');
  expect(history.run).toMatchObject({ exitCode: 2 });
  expect((await attacked('--difficulty', '1.5')).run.stderr).toContain('a number from 0 to 1');
  const late = await attacked('--warm-up-days', '300');
  expect(late.run).toMatchObject({ exitCode: 1 });
  expect(late.run.stderr).toContain('enough priced usage before and after 300 days');
});
