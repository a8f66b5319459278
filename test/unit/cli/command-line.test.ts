import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { AppError } from '../../../src/errors.ts';
import { cliContext, runCli } from '../../support/cli.ts';

const failing = (error: unknown) => ({ openBooks: () => Promise.reject(error) });

describe('usage', () => {
  test.each([
    ['no command', []],
    ['a group without its command', ['wallet']],
    ['an unknown command', ['wallets']],
    ['an unknown option', ['wallet', 'list', '--colour']],
    ['a missing argument', ['wallet', 'show']],
    ['too many arguments', ['wallet', 'show', 'a', 'b']],
    ['a missing mandatory option', ['wallet', 'freeze', 'acme', '--hours', '2']],
    ['hours that are no number', ['wallet', 'freeze', 'acme', '--reason', 'x', '--hours', '2h']],
    ['a limit of zero', ['wallet', 'list', '--limit', '0']],
    ['a status that does not exist', ['alert', 'list', '--status', 'closed']],
    ['an empty key', ['wallet', 'topup', 'acme', '1', '--key', '']],
    ['usage that is neither kept, posted nor voided', ['wallet', 'thaw', 'acme', '--usage', 'drop']],
  ])('%s exits 2 and leaves stdout empty', async (_name, args) => {
    const { exitCode, stdout, stderr } = await runCli(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^(error CLI_USAGE: |Usage: )/);
  });

  test('with --json a usage error is the one object on stdout', async () => {
    const result = await runCli(['wallet', 'show', '--json']);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toBe('');
    expect(result.json()).toEqual({
      error: { code: 'CLI_USAGE', message: "missing required argument 'account'", fix: expect.any(String) },
    });
  });

  test('a word after -- does not ask for JSON', async () => {
    const { stdout } = await runCli(
      ['wallet', 'show', '--', '--json'],
      failing(new AppError('WALLET_NOT_FOUND', 'no')),
    );
    expect(stdout).toBe('');
  });

  test('help and version exit 0 without reading any configuration', async () => {
    const broken = { config: () => Promise.reject(new Error('not read')) as never };
    expect(await runCli(['--help'], broken)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Usage: tollkeeper'),
    });
    expect(await runCli(['--version'], broken)).toMatchObject({ exitCode: 0, stdout: '1.2.3\n' });
  });
});

describe('every command', () => {
  const output = { data: () => undefined, note: () => undefined, columns: undefined };
  const program = createProgram({ ...cliContext({}), output, setExitCode: () => undefined });
  const leaves = program.commands.flatMap((command) => (command.commands.length > 0 ? command.commands : [command]));

  test('is registered', () => {
    expect(program.commands).toHaveLength(COMMANDS.length);
  });

  test.each(
    leaves.map(
      (command) =>
        [command.parent === program ? command.name() : `${command.parent?.name()} ${command.name()}`, command] as const,
    ),
  )('%s has --json and examples in its help', async (name, command) => {
    expect(command.options.map(({ long }) => long)).toContain('--json');
    const { stdout } = await runCli([...name.split(' '), '--help']);
    expect(stdout).toMatch(/Examples:\n {2}\$ /);
  });

  test('that changes something can do a dry run', () => {
    const changes = ['topup', 'refund', 'dispute', 'reinstate', 'correct', 'limit', 'freeze', 'thaw'];
    const writers = [...changes.map((name) => `wallet ${name}`), 'ingest', 'migrate'];
    const dry = leaves.filter(({ options }) => options.some(({ long }) => long === '--dry-run'));
    const names = dry.map((command) =>
      command.parent === program ? command.name() : `${command.parent?.name()} ${command.name()}`,
    );
    expect(names.sort()).toEqual(expect.arrayContaining(writers.sort()));
  });
});

describe('errors', () => {
  test('exit 1 with code, message and fix on stderr', async () => {
    const error = new AppError('DATABASE_UNREACHABLE', 'PostgreSQL does not answer', {
      cause: new Error('connect ECONNREFUSED'),
    });
    const { exitCode, stdout, stderr } = await runCli(['wallet', 'list'], failing(error));
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe(
      'error DATABASE_UNREACHABLE: PostgreSQL does not answer (connect ECONNREFUSED)\n  Fix: Check DATABASE_URL and that PostgreSQL accepts connections.\n',
    );
  });

  test('of a driver do not show its password', async () => {
    const { stderr } = await runCli(['wallet', 'list'], failing(new Error('cannot parse postgres://me:hunter2@db/x')));
    expect(stderr).toContain('UNEXPECTED');
    expect(stderr).not.toContain('hunter2');
  });

  test('with customer text in them cannot act on a terminal', async () => {
    const { stderr } = await runCli(
      ['wallet', 'list'],
      failing(new AppError('WALLET_NOT_FOUND', 'a\u001b[2J has no wallet')),
    );
    expect(stderr).not.toContain('\u001b');
  });

  test('an amount that is none is a usage error', async () => {
    const { rules } = await shippedRules();
    for (const amount of ['0', '-5', 'abc', '1e3', '5.00 EUR', '0.0000000001']) {
      const result = await runCli(['wallet', 'topup', 'acme', '--json', '--', amount], rules);
      expect(result.exitCode, amount).toBe(2);
    }
  });

  test('an amount below zero is named, not taken for an option', async () => {
    const { rules } = await shippedRules();
    for (const amount of ['-1 USD', '-5', '-.5', '-$3', '-20.00 USD']) {
      const { exitCode, stderr } = await runCli(['wallet', 'topup', 'acme', amount], rules);
      expect({ amount, exitCode }).toEqual({ amount, exitCode: 2 });
      expect(stderr).toMatch(/^error AMOUNT_INVALID: "/);
      expect(stderr).toContain(`"${amount}" is not a positive amount`);
    }
    const { stderr } = await runCli(['wallet', 'topup', 'acme', '5', '--promo'], rules);
    expect(stderr).toContain("unknown option '--promo'");
  });
});

async function shippedRules() {
  const { readRules } = await import('../../../src/wire/rules.ts');
  return { rules: { readRules: (directory?: string) => readRules(directory) } };
}

describe('rules', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tollkeeper-rules-'));
    writeFileSync(join(directory, 'ruleset.yaml'), 'nonsense: true\n');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('that are shipped pass check and test', async () => {
    const { rules } = await shippedRules();
    expect(await runCli(['rules', 'check'], rules)).toMatchObject({ exitCode: 0 });
    const result = await runCli(['rules', 'test', '--json'], rules);
    expect(result).toMatchObject({ exitCode: 0 });
    expect(result.json()).toMatchObject({ ok: true });
  });

  test('in a directory that is not there exit 2 when it is named, and 1 when the environment names it', async () => {
    const { rules } = await shippedRules();
    const gone = join(directory, 'gone');
    const named = await runCli(['rules', 'check', gone, '--json'], rules);
    expect(named.exitCode).toBe(2);
    expect(named.json()).toMatchObject({ error: { code: 'FILE_UNREADABLE' } });
    const { readConfiguredRules } = await import('../../../src/wire/rules.ts');
    const configured = await runCli(['rules', 'check', '--json'], { readRules: () => readConfiguredRules(gone) });
    expect(configured.exitCode).toBe(1);
    expect(configured.json()).toMatchObject({
      error: { code: 'CONFIG_INVALID', message: expect.stringMatching(/^TOLLKEEPER_RULES_DIR: .*gone cannot be read/) },
    });
  });

  test('that do not load exit 1, with every place and fix', async () => {
    const { rules } = await shippedRules();
    const checked = await runCli(['rules', 'check', directory], rules);
    expect(checked.exitCode).toBe(1);
    expect(checked.stdout).toContain('RULE-SHAPE-021');
    expect(checked.stdout).toContain('Fix: ');
    const tested = await runCli(['rules', 'test', directory, '--json'], rules);
    expect(tested.exitCode).toBe(1);
    expect(tested.json()).toMatchObject({ ok: false, tests: [] });
  });
});

describe('doctor', () => {
  const diagnose = (status: 'ok' | 'warn' | 'fail') => () =>
    Promise.resolve([
      {
        area: 'redis' as const,
        status,
        message: 'maxmemory-policy',
        ...(status === 'ok' ? {} : { fix: 'Set noeviction.' }),
      },
    ]);

  test.each([
    ['ok', 0],
    ['warn', 0],
    ['fail', 1],
  ] as const)('with a finding that is %s exits %i', async (status, exitCode) => {
    expect(await runCli(['doctor'], { diagnose: diagnose(status) })).toMatchObject({ exitCode });
    const result = await runCli(['doctor', '--json'], { diagnose: diagnose(status) });
    expect(result.json()).toMatchObject({ ok: exitCode === 0, findings: [{ status }] });
  });

  test('shows the fix beside what is wrong', async () => {
    const { stdout } = await runCli(['doctor'], { diagnose: diagnose('fail') });
    expect(stdout).toBe('✗ redis  maxmemory-policy\n         Fix: Set noeviction.\n1 problem.\n');
  });
});

describe('ingest', () => {
  let file = '';
  beforeAll(() => {
    file = join(mkdtempSync(join(tmpdir(), 'tollkeeper-ingest-')), 'events.ndjson');
    writeFileSync(file, '{"id":"a"}\n{"id":"b"}\nnot json\n{"id":"c"}\n');
  });
  afterAll(() => rmSync(join(file, '..'), { recursive: true }));

  async function intake(answers: readonly unknown[]) {
    const jobs: unknown[] = [];
    let closed = 0;
    const { rules } = await shippedRules();
    const openIntake = () =>
      Promise.resolve({
        run: 'run_1',
        submit: (job: unknown) => {
          jobs.push(job);
          return Promise.resolve(answers as never);
        },
        close: () => {
          closed++;
          return Promise.resolve();
        },
      });
    return { given: { ...rules, openIntake }, jobs, closed: () => closed };
  }

  const rejected = {
    id: null,
    status: 'rejected',
    code: 'EVENT_NOT_OBJECT',
    field: '(event)',
    value: 'not json',
    fix: 'Send an object.',
  };
  const answers = [
    { id: 'a', status: 'posted' },
    { id: 'b', status: 'quarantined', code: 'over_limit' },
    rejected,
    { id: 'c', status: 'duplicate' },
  ];

  test('sends every line and counts what became of it, naming the line of a rejected one', async () => {
    const { given, jobs, closed } = await intake(answers);
    const result = await runCli(['ingest', file, '--json', '--clock', 'file'], given);
    const broken = { 'tollkeeper:line': 'not json', code: 'JOB_NOT_JSON', reason: 'not valid JSON' };
    expect(jobs).toEqual([{ v: 1, clock: 'file', events: [{ id: 'a' }, { id: 'b' }, broken, { id: 'c' }] }]);
    expect(result.json()).toMatchObject({
      events: 4,
      posted: 1,
      duplicate: 1,
      quarantined: 1,
      rejected: 1,
      firstRejected: [{ line: 3 }],
    });
    expect(closed()).toBe(1);
  });

  test.each([
    [
      'says when events arrived is read by that clock',
      '{"id":"a","properties":{"received_at":"2026-03-02T09:00:00Z"}}',
      [],
      'file',
    ],
    ['does not is read by ours', '{"id":"a","properties":{}}', [], undefined],
    [
      'begins with a broken line is read by the first event after it',
      'x\n{"id":"a","properties":{"received_at":"2026-03-02T09:00:00Z"}}',
      [],
      'file',
    ],
    [
      'says when events arrived is read by ours when asked',
      '{"id":"a","properties":{"received_at":"2026-03-02T09:00:00Z"}}',
      ['--clock', 'wall'],
      undefined,
    ],
  ])('a file that %s', async (_name, text, args, clock) => {
    const { given, jobs } = await intake([]);
    writeFileSync(`${file}.clock`, `${text}\n`);
    await runCli(['ingest', `${file}.clock`, '--format', 'ndjson', ...args], given);
    expect(jobs).toMatchObject([{ v: 1 }]);
    expect((jobs[0] as { clock?: string }).clock).toBe(clock);
  });

  test('a dry run opens nothing', async () => {
    const result = await runCli(['ingest', file, '--dry-run', '--json']);
    expect(result.json()).toEqual({ dryRun: true, events: 4, unreadable: 1 });
  });

  test('a file that is not there is a usage error', async () => {
    const { given } = await intake([]);
    const result = await runCli(['ingest', `${file}.gone`, '--json'], given);
    expect(result.exitCode).toBe(2);
    expect(result.json()).toMatchObject({ error: { code: 'FILE_UNREADABLE' } });
  });

  test('a mapping that cannot be read is a usage error', async () => {
    expect(await runCli(['ingest', file, '--map', 'nonsense'])).toMatchObject({ exitCode: 2 });
  });
});
