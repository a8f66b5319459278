import { describe, expect, test } from 'vitest';
import type { FoundEvent, Occurrence } from '../../../src/pipeline/queries/found-event.ts';
import type { RejectedView } from '../../../src/pipeline/queries/queries.ts';
import { runCli } from '../../support/cli.ts';

const RECEIVED_MS = Date.UTC(2026, 2, 3, 12);
const REJECTED_MS = Date.UTC(2026, 10, 23, 21, 2);

const POSTED: Occurrence = {
  status: 'posted',
  code: null,
  field: null,
  value: null,
  fix: null,
  raw: null,
  tenant: 'default',
  source: 'gw',
  account: 'acme',
  wallet: 'wal_1y5sjm80cxanr',
  meter: 'output_tokens',
  quantity: '3',
  amount: 1_800n,
  currency: 'USD',
  occurredAtMs: RECEIVED_MS,
  ingestedAtMs: RECEIVED_MS,
  rejectedAtMs: null,
  key: null,
  corrections: [],
  batch: { lane: 2, batchNo: 1 },
  quarantine: null,
  entry: {
    kind: 'usage',
    sequence: 1n,
    balanceAfter: -1_800n,
    batch: { lane: 2, batchNo: 1 },
    postedAtMs: REJECTED_MS,
  },
};

const DUPLICATE: Occurrence = { ...POSTED, status: 'duplicate', amount: null, entry: null };

const REJECTED: Occurrence = {
  ...POSTED,
  status: 'rejected',
  code: 'JOB_NOT_JSON',
  field: '(line)',
  value: '"{\\"id\\":"',
  fix: 'The line cannot be read: not valid JSON. Correct it and send it again.',
  raw: '{"id":"e1","acc\u001b[2J',
  account: null,
  wallet: null,
  meter: null,
  quantity: null,
  amount: null,
  currency: null,
  occurredAtMs: null,
  ingestedAtMs: null,
  rejectedAtMs: REJECTED_MS,
  batch: null,
  entry: null,
};

function books(given: { readonly found?: FoundEvent; readonly rejected?: readonly RejectedView[] }) {
  const asked: unknown[] = [];
  const queries = {
    findEvent: () => Promise.resolve(given.found),
    rejected: (filter: unknown) => {
      asked.push(filter);
      return Promise.resolve(given.rejected ?? []);
    },
  };
  return { asked, given: { openBooks: () => Promise.resolve({ queries, close: () => Promise.resolve() } as never) } };
}

const shown = (occurrences: readonly Occurrence[]) =>
  books({ found: { id: 'e1', status: occurrences[0]?.status ?? 'posted', occurrences } }).given;

describe('events show', () => {
  test('shows money with every digit it has', async () => {
    const { stdout } = await runCli(['events', 'show', 'e1'], shown([POSTED]));
    expect(stdout).toContain('Amount    $0.0000018\n');
    expect(stdout).toContain('balance after it −$0.0000018\n');
  });

  test('does not say that a duplicate has no price, only that an unpriced event has none', async () => {
    const { stdout } = await runCli(['events', 'show', 'e1'], shown([DUPLICATE]));
    expect(stdout).toContain('duplicate: known already, nothing was charged');
    expect(stdout).not.toContain('Amount');
    const unknown: Occurrence = { ...POSTED, status: 'quarantined', code: 'unknown_meter', amount: null, entry: null };
    expect((await runCli(['events', 'show', 'e1'], shown([unknown]))).stdout).toMatch(/Amount +no price/);
  });

  test('says when a rejected event was rejected, which is not when its file says it was received', async () => {
    const { stdout } = await runCli(['events', 'show', 'e1'], shown([REJECTED]));
    expect(stdout).toMatch(/^Rejected +23 Nov 2026 21:02 UTC$/m);
    expect(stdout).not.toContain('Received');
    const { json } = await runCli(['events', 'show', 'e1', '--json'], shown([REJECTED]));
    expect(json()).toMatchObject({
      occurrences: [{ ingestedAt: null, rejectedAt: '2026-11-23T21:02:00.000Z', raw: REJECTED.raw }],
    });
  });

  test('shows a rejected event as it came, without what could act on a terminal', async () => {
    const { stdout } = await runCli(['events', 'show', 'e1'], shown([REJECTED]));
    expect(stdout).toContain('As sent   {"id":"e1","acc\ufffd[2J');
  });
});

describe('events rejected', () => {
  const row: RejectedView = {
    id: null,
    tenant: 'default',
    source: 'gw',
    code: 'JOB_NOT_JSON',
    field: '(line)',
    value: 'not json',
    fix: 'The line cannot be read: not valid JSON. Correct it and send it again.',
    raw: 'not json',
    rejectedAtMs: REJECTED_MS,
  };

  test('lists what was refused, also what has no id, with code and fix', async () => {
    const { given } = books({ rejected: [row] });
    const { stdout, exitCode } = await runCli(['events', 'rejected'], given);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('23 Nov 2026 21:02 UTC  –   gw      JOB_NOT_JSON  (line)  not json  The line cannot');
    const listed = await runCli(['events', 'rejected', '--json'], given);
    expect(listed.json()).toEqual({
      rejected: [
        {
          id: null,
          tenant: 'default',
          source: 'gw',
          code: 'JOB_NOT_JSON',
          field: '(line)',
          value: 'not json',
          fix: row.fix,
          raw: 'not json',
          rejectedAt: '2026-11-23T21:02:00.000Z',
        },
      ],
      limit: 50,
    });
  });

  test('is narrowed by run, code and source', async () => {
    const { given, asked } = books({});
    const args = ['--run', 'run_1', '--code', 'JOB_NOT_JSON', '--source', 'gw', '--limit', '3'];
    expect((await runCli(['events', 'rejected', ...args], given)).stdout).toBe('No rejected events.\n');
    expect(asked).toEqual([{ tenant: 'default', limit: 3, run: 'run_1', code: 'JOB_NOT_JSON', source: 'gw' }]);
  });

  test('says when there may be more', async () => {
    const { given } = books({ rejected: [row, row] });
    const { stderr } = await runCli(['events', 'rejected', '--limit', '2'], given);
    expect(stderr).toBe('Only the first 2; --limit shows more.\n');
  });

  test('refuses a code that does not exist', async () => {
    expect(await runCli(['events', 'rejected', '--code', 'NOPE'])).toMatchObject({ exitCode: 2 });
  });
});
