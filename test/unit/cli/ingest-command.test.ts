import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readRules } from '../../../src/wire/rules.ts';
import { runCli } from '../../support/cli.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

type Answer = (event: { readonly id: string }) => Readonly<Record<string, unknown>>;

const posted: Answer = ({ id }) => ({ id, status: 'posted' });
const rejected: Answer = ({ id }) => ({
  id,
  status: 'rejected',
  code: 'QUANTITY_NEGATIVE',
  field: 'quantity',
  value: '"-1"',
  fix: 'Usage is never negative.',
});

/** A pipeline that answers every event alike, and how often it was opened. */
function pipeline(answer: Answer) {
  let opened = 0;
  const openIntake = () => {
    opened++;
    return Promise.resolve({
      run: 'run_0123456789abcdef',
      submit: (job: { readonly events: readonly unknown[] }) => Promise.resolve(job.events.map(answer as never)),
      close: () => Promise.resolve(),
    } as never);
  };
  return { given: { readRules: (directory?: string) => readRules(directory), openIntake }, opened: () => opened };
}

async function fileOf(events: number, name = 'usage.ndjson'): Promise<string> {
  const file = join(await temporaryDirectory(), name);
  writeFileSync(file, Array.from({ length: events }, (_, index) => `{"id":"e${index + 1}"}\n`).join(''));
  return file;
}

describe('the summary of ingest', () => {
  test('names codes as they are, lists the first rejected with their ids, and says where the rest is', async () => {
    const { stdout, exitCode } = await runCli(['ingest', await fileOf(12), '--quiet'], pipeline(rejected).given);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Rejected: QUANTITY_NEGATIVE 12.\n');
    expect(stdout).toMatch(/^LINE {2}ID {3,}CODE/m);
    expect(stdout).toMatch(/^ {3}1 {2}e1 {3,}QUANTITY_NEGATIVE {2}quantity {2}"-1"/m);
    expect(stdout).toContain('The first 10 of 12 rejected:\n');
    expect(stdout).toContain('All 12: tollkeeper events rejected --run run_0123456789abcdef\n');
    expect(stdout).not.toContain('e11');
  });

  test('does not call a few rejected events the first ones', async () => {
    const { stdout } = await runCli(['ingest', await fileOf(2), '--quiet'], pipeline(rejected).given);
    expect(stdout).toContain('The 2 rejected:\n');
    expect(stdout).toContain('They are kept: tollkeeper events rejected --run run_0123456789abcdef\n');
  });

  test('keeps why events were quarantined apart, in words', async () => {
    const over: Answer = ({ id }) => ({ id, status: 'quarantined', code: 'over_limit' });
    const { stdout } = await runCli(['ingest', await fileOf(2), '--quiet'], pipeline(over).given);
    expect(stdout).toBe(
      '2 events: posted 0, duplicate 0, quarantined 2, rejected 0.\nQuarantined: over the limit 2.\n',
    );
  });

  test('says which duplicates may be its own, after the pipeline was interrupted', async () => {
    const again: Answer = ({ id }) => ({ id, status: id === 'e3' ? 'posted' : 'duplicate', redelivered: id !== 'e2' });
    const { stdout } = await runCli(['ingest', await fileOf(4), '--quiet'], pipeline(again).given);
    expect(stdout).toBe(
      '4 events: posted 1, duplicate 3, quarantined 0, rejected 0.\n' +
        'Of the duplicates 2 were in jobs that the pipeline was interrupted in: this run may have posted them itself just before.\n',
    );
  });

  test('names the run in its JSON', async () => {
    const { json } = await runCli(['ingest', await fileOf(1), '--json'], pipeline(rejected).given);
    expect(json()).toMatchObject({ run: 'run_0123456789abcdef', rejected: 1, firstRejected: [{ line: 1, id: 'e1' }] });
  });
});

describe('the order of jobs', () => {
  /** Answers later the fuller a job is, so that jobs sent at once overtake each other. */
  async function jobsAtOnce(line: string): Promise<number> {
    const file = join(await temporaryDirectory(), 'usage.ndjson');
    writeFileSync(file, line.repeat(10_001));
    let now = 0;
    let most = 0;
    const submit = async ({ events }: { readonly events: readonly unknown[] }) => {
      now++;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, events.length > 1 ? 20 : 1));
      now--;
      return events.map(() => ({ id: 'e', status: 'posted' }));
    };
    const intake = { run: 'run_0123456789abcdef', submit, close: () => Promise.resolve() };
    const openIntake = () => Promise.resolve(intake as never);
    const given = { readRules: (directory?: string) => readRules(directory), openIntake };
    expect((await runCli(['ingest', file, '--quiet'], given)).stdout).toContain('posted 10,001');
    return most;
  }

  test('is that of the file when the file is the clock: a later job would put its lanes ahead of the one before', async () => {
    expect(await jobsAtOnce('{"id":"e","properties":{"received_at":"2026-03-01T00:00:00Z"}}\n')).toBe(1);
  });

  test('is free when the clock is ours: several are on their way at once', async () => {
    expect(await jobsAtOnce('{"id":"e"}\n')).toBeGreaterThan(1);
  });
});

describe('the exit code of ingest', () => {
  test.each([[[]], [['--json']]])('is 0 when events were rejected: they have their status (%j)', async (options) => {
    const result = await runCli(['ingest', await fileOf(1), '--quiet', ...options], pipeline(rejected).given);
    expect(result.exitCode).toBe(0);
  });

  test.each([[[]], [['--json']]])('is 1 with --strict when any was rejected, and 0 otherwise (%j)', async (options) => {
    const args = ['ingest', await fileOf(1), '--quiet', '--strict', ...options];
    expect((await runCli(args, pipeline(rejected).given)).exitCode).toBe(1);
    expect((await runCli(args, pipeline(posted).given)).exitCode).toBe(0);
  });

  test('is 1 with --strict when a dry run finds a line that cannot be read', async () => {
    const file = await fileOf(1);
    writeFileSync(file, '{"id":"e1"}\n{"id":\n');
    expect((await runCli(['ingest', file, '--dry-run', '--strict'])).exitCode).toBe(1);
    expect((await runCli(['ingest', file, '--dry-run'])).exitCode).toBe(0);
  });

  test('is 2 for a file that is not there, and nothing was opened for it', async () => {
    for (const options of [[], ['--clock', 'wall']]) {
      const { given, opened } = pipeline(posted);
      const result = await runCli(['ingest', '/nowhere/usage.ndjson', '--quiet', ...options], given);
      expect(result).toMatchObject({ exitCode: 2, stdout: '' });
      expect(result.stderr).toContain('error FILE_UNREADABLE: /nowhere/usage.ndjson does not exist.');
      expect(opened()).toBe(0);
    }
  });

  test('is 1 for a file that is damaged, and what came before the damage is counted', async () => {
    const { gzipSync } = await import('node:zlib');
    const file = await fileOf(1, 'cut.ndjson.gz');
    const whole = gzipSync('{"id":"e1"}\n'.repeat(2_000), { level: 0 });
    writeFileSync(file, whole.subarray(0, whole.length / 2));
    const result = await runCli(['ingest', file, '--quiet'], pipeline(posted).given);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('error FILE_DAMAGED: ');
    expect(result.stderr).toMatch(/^[\d,]+ events: posted [\d,]+, duplicate 0/);
  });

  test('is in the help', async () => {
    const { stdout } = await runCli(['ingest', '--help']);
    expect(stdout).toMatch(/Exit codes:.*rejected/s);
    expect((await runCli(['rules', 'check', '--help'])).stdout).toContain('exit 2');
    expect((await runCli(['--help'])).stdout).toMatch(/2 wrong usage.*file/s);
  });
});

describe('an ingest that is asked to stop', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ])('%s: finishes what is on its way, says how far it came, and exits %i', async (signal, code) => {
    let stop: (name: string) => void = () => undefined;
    const stopRequested = () =>
      new Promise<string>((resolve) => {
        stop = resolve;
      });
    let jobs = 0;
    const submit = async (job: { readonly events: readonly unknown[] }) => {
      if (++jobs === 1) stop(signal);
      await new Promise((resolve) => setImmediate(resolve));
      return job.events.map(posted as never);
    };
    const openIntake = () => Promise.resolve({ run: 'run_1', submit, close: () => Promise.resolve() } as never);
    const result = await runCli(['ingest', await fileOf(60_000), '--quiet'], {
      ...pipeline(posted).given,
      openIntake,
      stopRequested,
    });
    expect(result.exitCode).toBe(code);
    const settled = jobs * 5_000;
    expect(settled).toBeLessThan(60_000);
    expect(result.stderr).toContain(
      `Stopped by ${signal} after ${settled.toLocaleString('en-US')} events, all of them settled.`,
    );
    expect(result.stdout).toContain(`posted ${settled.toLocaleString('en-US')}`);
  });
});

test.each([
  ['a binary file', Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 37) % 256))],
  ['a file that is one huge line', Buffer.from('x'.repeat(3_000_000))],
])('%s is told what it should be, not to check its path', async (_name, bytes) => {
  const file = join(await temporaryDirectory(), 'usage');
  writeFileSync(file, bytes);
  const { exitCode, stderr } = await runCli(['ingest', file], pipeline(posted).given);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('error FILE_UNREADABLE: ');
  expect(stderr).toContain('Fix: Name a text file of usage events');
});
