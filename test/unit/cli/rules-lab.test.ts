import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { readRules, readRuleTexts } from '../../../src/wire/rules.ts';
import { runCli } from '../../support/cli.ts';

const directory = mkdtempSync(join(tmpdir(), 'tollkeeper-rules-lab-'));
afterAll(() => rmSync(directory, { recursive: true }));

const given = {
  readRules: (place?: string) => readRules(place, { runTests: false }),
  readRuleTexts: (place?: string) => readRuleTexts(place),
};
const file = (name: string, content: string | Buffer) => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};
const HOSTILE = '<script>alert(1)</script>|`x`';

/** A dollar an hour for thirty days, then a drain; the account's name is markup. */
const lines = Array.from({ length: 760 }, (_, index) => {
  const hours = Math.min(index, 720);
  const atMs = Date.UTC(2026, 0, 5) + hours * 3_600_000 + Math.max(0, index - 720) * 300_000;
  const received = new Date(atMs + 1_000).toISOString();
  const quantity = index < 720 ? 500 : 15_000;
  const names = { id: `e${index}`, source: 's', account: HOSTILE, meter: 'api.calls' };
  return JSON.stringify({
    ...names,
    quantity,
    timestamp: new Date(atMs).toISOString(),
    seq: index,
    properties: { received_at: received },
  });
});
const events = file('usage.ndjson', `${lines.join('\n')}\n`);
const HEADER = 'attack_id,family,accounts,sources,start,end,loss_usd';
const labels = file(
  'labels.csv',
  `${HEADER}\ncase_1,drain,${HOSTILE},,2026-02-04T00:00:00Z,2026-02-04T04:00:00Z,1200\n`,
);

test('a backtest of a file needs no database, and writes alerts, Markdown and a page without anything that runs', async () => {
  const [alerts, html, markdown] = ['alerts.ndjson', 'r.html', 'r.md'].map((name) => join(directory, name));
  const args = ['rules', 'backtest', '--events', events, '--alerts', alerts ?? '', '--labels', labels, '--json'];
  const run = await runCli([...args, '--html', html ?? '', '--markdown', markdown ?? ''], given);
  expect(run.exitCode).toBe(0);
  expect(run.json()).toMatchObject({ v: 1, events: { read: 760 }, freezes: [{ account: HOSTILE }] });
  const first = JSON.parse(readFileSync(alerts ?? '', 'utf8').split('\n')[0] ?? '');
  expect(Object.keys(first)).toEqual(['account', 'at', 'score', 'rule']);
  expect(Date.parse(first.at) % 300_000).toBe(1_000);
  const page = readFileSync(html ?? '', 'utf8');
  expect(page).toContain('<svg');
  expect(page).not.toContain('<script');
  expect(readFileSync(markdown ?? '', 'utf8')).not.toContain('<script');
});

test('a compressed file says the same as the plain one', async () => {
  const packed = file('usage.ndjson.gz', gzipSync(lines.join('\n')));
  const [plain, other] = [events, packed].map((path) =>
    runCli(['rules', 'backtest', '--events', path, '--json'], given),
  );
  const without = async (run: typeof plain) => ({ ...((await run)?.json() as object), history: '' });
  expect(await without(other)).toEqual(await without(plain));
});

test('a file of other names is read with a mapping', async () => {
  const csv = file('export.csv', 'event,customer,src,what,n,when\n1,acme,s,api.calls,2.5,2026-01-05T00:00:00Z\n');
  const map = 'id=event,account=customer,source=src,meter=what,quantity=n,occurredAt=when';
  const run = await runCli(['rules', 'backtest', '--events', csv, '--map', map, '--json'], given);
  expect(run.json()).toMatchObject({ events: { read: 1, unreadable: 0 }, accounts: 1 });
});

test('lines that are no events are counted and the first is named; a file without any is an error', async () => {
  const mixed = file('mixed.ndjson', `{"id":1}\nnonsense\n${lines[0]}\n`);
  const { stdout } = await runCli(['rules', 'backtest', '--events', mixed, '--quiet'], given);
  expect(stdout).toContain('HISTORY_UNREADABLE_LINES');
  const none = await runCli(['rules', 'backtest', '--events', file('none.ndjson', 'nonsense\n')], given);
  expect(none.exitCode).toBe(1);
  expect(none.stderr).toContain('HISTORY_EMPTY');
  const empty = await runCli(['rules', 'backtest', '--events', file('empty.ndjson', '')], given);
  expect(empty.stderr).toContain('HISTORY_EMPTY');
});

test.each([
  ['wrong columns', 'a,b\n1,2\n', 'it needs attack_id'],
  ['no rows', `${HEADER}\n`, 'has no rows'],
  ['a time that is none', `${HEADER}\nc,f,a,,yesterday,2026-01-01T00:00:00Z,1\n`, ':2: start is "yesterday"'],
  [
    'an attack listed twice',
    `${HEADER}\nc,f,a,,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,1\nc,f,a,,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,1\n`,
    'listed above',
  ],
])('labels with %s are refused with the place', async (_what, text, said) => {
  const run = await runCli(
    ['rules', 'backtest', '--events', events, '--labels', file('bad.csv', text), '--quiet'],
    given,
  );
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain('LABELS_INVALID');
  expect(run.stderr).toContain(said);
});

test('the scorecard says of every rule what to do with it, and why', async () => {
  const run = await runCli(['rules', 'scorecard', '--events', events, '--labels', labels, '--json'], given);
  const { rules, attacks } = run.json() as { attacks: number; rules: readonly { rule: string; verdict: string }[] };
  expect(attacks).toBe(1);
  expect(rules.find(({ rule }) => rule === 'spend-burst')).toMatchObject({ verdict: 'keep', recall: { value: 1 } });
  expect(rules.find(({ rule }) => rule === 'tampered-meter')).toMatchObject({
    verdict: 'tune',
    precision: { value: null },
    recall: { value: 0, hits: 0, of: 1 },
  });
  // Of one attack it found none: that bounds its recall as it would bound another rule's.
  const missed = rules.find(({ rule }) => rule === 'tampered-meter') as unknown as { recall: { high: number } };
  expect(missed.recall.high).toBeCloseTo(0.793, 3);
});

test('a threshold is tuned within a budget, and written without touching anything else', async () => {
  const copy = mkdtempSync(join(directory, 'rules-'));
  for (const { path, text } of (await readRuleTexts()).files)
    writeFileSync(join(copy, path.replace('rules/', '')), text);
  const path = join(copy, 'spend-burst.yaml');
  const before = readFileSync(path, 'utf8');
  const run = await runCli(
    ['rules', 'tune', 'spend-burst', copy, '--events', events, '--budget', '100', '--write', '--json'],
    given,
  );
  expect(run.json()).toMatchObject({ key: 'detect.times', chosen: '3', isWritten: true });
  expect(readFileSync(path, 'utf8')).toBe(before.replace('times: 6', 'times: 3'));
  const strict = await runCli(
    ['rules', 'tune', 'spend-burst', copy, '--events', events, '--budget', '0.1', '--json'],
    given,
  );
  expect(strict.json()).toMatchObject({ chosen: null, isWritten: false });
  expect((await runCli(['rules', 'tune', 'nobody', copy, '--events', events], given)).exitCode).toBe(2);
});

test('the diff of unchanged rules is empty, and ends with 0', async () => {
  const run = await runCli(['rules', 'diff', 'rules', 'rules', '--events', events, '--json'], given);
  expect(run.exitCode).toBe(0);
  expect(run.json()).toMatchObject({ isEmpty: true, flips: [], newlyFrozen: [], released: [], rules: [] });
});

test('mutants that no test notices are listed, and end with 1', async () => {
  const run = await runCli(['rules', 'mutate', '--rule', 'tampered-meter', '--json'], given);
  const { survivors, mutants } = run.json() as { survivors: readonly unknown[]; mutants: number };
  expect(mutants).toBeGreaterThan(survivors.length);
  expect(run.exitCode).toBe(survivors.length > 0 ? 1 : 0);
  const unknown = await runCli(['rules', 'mutate', '--rule', 'nobody'], given);
  expect(unknown.exitCode).toBe(2);
});
