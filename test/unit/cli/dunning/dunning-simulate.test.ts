import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../../../../src/cli/demo/random.ts';
import { makeUpPayers } from '../../../../src/cli/dunning/made-up-payers.ts';
import type { SecretPayer } from '../../../../src/cli/dunning/payer.ts';
import { POLICIES, playPolicies } from '../../../../src/cli/dunning/play-policies.ts';
import { comparisons, totals } from '../../../../src/cli/dunning/policy-report.ts';
import { runCli } from '../../../support/cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'payers-'));
});
afterAll(() => rm(folder, { recursive: true }));

const week = (value: number) => Array.from({ length: 168 }, () => value);
const line = {
  payer: 'acme',
  timezone: 'Europe/Berlin',
  amount: 50,
  currency: 'usd',
  declineCode: 'insufficient_funds',
  activity: week(3),
  history: [{ at: '2026-03-01T12:00:00Z', succeeded: false, declineCode: 'insufficient_funds' }],
  success: week(1),
};

async function simulate(lines: readonly (object | string)[], ...args: readonly string[]) {
  const path = join(folder, 'payers.ndjson');
  await writeFile(path, lines.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))).join('\n'));
  return runCli(['dunning', 'simulate', '--payers', path, ...args]);
}

const READING = { zone: 'local', firstDay: 'monday' } as const;
const hour = (seed: number) => (payer: number, at: number) => createRandom(seed + payer * 1_000_003, at).next();

describe('the play of policies', () => {
  test('tells no policy how payments will end', () => {
    const payers = makeUpPayers(5, 60);
    const other = payers.map((secret): SecretPayer => ({ ...secret, success: secret.success.map((p) => 1 - p / 2) }));
    // Every payment goes through, whatever its chance: a first try at another time would show in the days.
    const play = (secrets: readonly SecretPayer[]) =>
      playPolicies(secrets, { fate: (_, at) => (at < 0 ? 0.5 : -1), reading: READING }).payers.map(
        ({ ended }) => ended,
      );
    expect(play(other)).toEqual(play(payers));
    expect(new Set(play(payers).map(({ tollkeeper }) => tollkeeper.days)).size).toBeGreaterThan(5);
  });

  test('gives every policy the same fate in the same hour, and no more tries than it may have', () => {
    const { payers } = playPolicies(makeUpPayers(6, 300), { fate: hour(6), reading: READING });
    for (const { ended } of payers) {
      expect(ended.ladder_1_3_5_7.attempts).toBeLessThanOrEqual(4);
      expect(ended.even_8_in_14_days.attempts).toBeLessThanOrEqual(8);
      expect(ended.tollkeeper.attempts).toBeLessThanOrEqual(12);
      for (const policy of POLICIES) expect(ended[policy].days ?? 0).toBeLessThanOrEqual(14);
    }
  });

  test('recovers more than either static policy with fewer tries, on payers it was not fitted to', () => {
    const played = playPolicies(makeUpPayers(909, 1_500), { fate: hour(909) });
    const [ours, ladder, even] = totals(played);
    expect(ours?.attempts).toBeLessThan(ladder?.attempts ?? 0);
    expect(ours?.attempts).toBeLessThan(even?.attempts ?? 0);
    for (const { low } of comparisons(played)) expect(low).toBeGreaterThan(0);
  });

  test('finds nothing where there is nothing to find', () => {
    const flat = makeUpPayers(3, 800).map((secret): SecretPayer => ({ ...secret, success: week(0.2) }));
    const [against] = comparisons(playPolicies(flat, { fate: hour(3), reading: READING }));
    // Only its spare tries can help here, the hours cannot: a win as large as with hidden hours would be a leak.
    expect(against?.moreRecoveredPercent ?? 99).toBeLessThan(35);
  });

  test('never retries what must not be retried, under any policy', () => {
    const payers = makeUpPayers(4, 40).map(
      ({ payer, success }): SecretPayer => ({ payer: { ...payer, declineCode: 'stolen_card' }, success }),
    );
    const { payers: played } = playPolicies(payers, { fate: () => 0, reading: READING });
    for (const { ended } of played)
      for (const policy of POLICIES) expect(ended[policy]).toEqual({ attempts: 0, days: null });
  });
});

describe('dunning simulate', () => {
  test('compares the three policies on a file, in money, tries, days and customers', async () => {
    const { stdout, exitCode } = await simulate([line, { ...line, payer: 'bob', amount: '20.50' }], '--json');
    expect(exitCode).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ payers: 2, seed: 1, hours: { zone: 'local', firstDay: 'monday' }, notes: [] });
    expect(result.policies.map(({ policy }: { readonly policy: string }) => policy)).toEqual(POLICIES);
    for (const policy of result.policies)
      expect(policy).toMatchObject({
        recovered: { USD: 70.5 },
        recoveredShare: 1,
        payersRecovered: 2,
        customersCutOff: 0,
        attempts: 2,
        attemptsPerPayer: 1,
      });
    expect(result.comparisons).toHaveLength(2);
  });

  test('gives the same answer twice, and another for another seed', async () => {
    const run = (seed: string) => runCli(['dunning', 'simulate', '--count', '80', '--seed', seed, '--json']);
    const [first, again, other] = await Promise.all([run('7'), run('7'), run('8')]);
    expect(again.stdout).toBe(first.stdout);
    expect(other.stdout).not.toBe(first.stdout);
  });

  test('shows a table that says what the columns mean', async () => {
    const { stdout } = await simulate([line]);
    expect(stdout).toContain('ladder_1_3_5_7');
    expect(stdout).toContain('$50.00');
    expect(stdout).toMatch(/against even_8_in_14_days: \+0\.0 % recovered/);
    expect(stdout).toContain('CUT OFF never paid in two weeks');
  });

  test('reads a compressed file', async () => {
    const path = join(folder, 'payers.ndjson.gz');
    await writeFile(path, gzipSync(`${JSON.stringify(line)}\n`));
    const { stdout } = await runCli(['dunning', 'simulate', '--payers', path, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ payers: 1 });
  });

  test('takes a zone that does not exist as UTC and says so, and a code nobody knows as one try', async () => {
    const odd = { ...line, timezone: 'Mars/Olympus', declineCode: 'moon_phase', success: week(0) };
    const { stdout } = await simulate([odd], '--json');
    const result = JSON.parse(stdout);
    expect(result.notes).toEqual(['There is no time zone "Mars/Olympus"; times are UTC.']);
    for (const { attempts } of result.policies) expect(attempts).toBe(1);
  });

  test('adds currencies each by its own mean, and never to one another', async () => {
    const yen = { ...line, payer: 'kenji', currency: 'JPY', amount: 5_000 };
    const { stdout } = await simulate([line, yen], '--json');
    expect(JSON.parse(stdout).policies[0].recovered).toEqual({ USD: 50, JPY: 5_000 });
  });

  test.each([
    ['no JSON', '{"payer": ', 'line 2: no JSON'],
    ['a missing amount', { ...line, amount: undefined }, 'line 2: amount: (missing) – needs a number or a decimal'],
    ['an amount of nothing', { ...line, amount: 0 }, 'line 2: amount: 0 – must be more than zero'],
    ['a short week', { ...line, activity: [1, 2] }, 'activity: a list of 2 – needs 168 numbers'],
    ['a chance above one', { ...line, success: [...week(1).slice(1), 1.5] }, 'success.167: 1.5'],
    ['a negative count', { ...line, activity: [-1, ...week(1).slice(1)] }, 'activity.0: -1'],
    [
      'a day that is none',
      { ...line, history: [{ at: '2026-02-30', succeeded: true }] },
      'history.0.at: "2026-02-30" – needs an RFC 3339 time',
    ],
    ['a currency that is none', { ...line, currency: 'dollars' }, 'currency: "dollars" – needs a three-letter code'],
    ['the same payer twice', line, 'line 2: payer "acme" stands on line 1 already'],
    ['a list', [1, 2], 'line 2: (line)'],
  ])('refuses the whole file over %s, naming line, field and value', async (_, bad, message) => {
    const { stderr, stdout, exitCode } = await simulate([line, bad]);
    expect(exitCode).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('PAYERS_INVALID');
    expect(stderr).toContain(message);
  });

  test('refuses an empty file, and one that is not there', async () => {
    expect((await simulate([])).stderr).toContain('holds no payer');
    const { stderr, exitCode } = await runCli(['dunning', 'simulate', '--payers', join(folder, 'none.ndjson')]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('none.ndjson');
  });
});
