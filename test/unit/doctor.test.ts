import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isWritableDirectory } from '../../src/adapters/disk-space.ts';
import { judgeDatabase } from '../../src/pipeline/doctor/judge-database.ts';
import { judgeDisk } from '../../src/pipeline/doctor/judge-disk.ts';
import { judgeLaneCount, judgeLanes } from '../../src/pipeline/doctor/judge-lanes.ts';
import { judgeQueue } from '../../src/pipeline/doctor/judge-queue.ts';
import { judgeRedis, type RedisHealth } from '../../src/pipeline/doctor/judge-redis.ts';
import type { DatabaseHealth } from '../../src/pipeline/queries/database-health.ts';

import { temporaryDirectory } from '../support/temporary-directory.ts';

const REDIS: RedisHealth = {
  version: '7.0.15',
  maxmemoryPolicy: 'noeviction',
  appendonly: 'yes',
  appendfsync: 'always',
};
const NOW_MS = Date.UTC(2026, 2, 2);
const lane = (number: number, isOwned: boolean) => ({
  lane: number,
  owner: 'a',
  isOwned,
  epoch: 1n,
  lastBatch: 3,
  ingestedAtMs: null,
});
const DATABASE: DatabaseHealth = {
  serverVersion: '16.2',
  serverMajor: 16,
  clockMs: NOW_MS,
  sizeBytes: 10_000_000n,
  migrationsPending: [],
  migrationsNewer: [],
  lanes: [lane(0, true), lane(1, true)],
  outboxUnsent: 0,
  outboxOldestMs: null,
  quarantineOpen: 0,
};

const worst = (findings: readonly { readonly status: string }[]) =>
  ['fail', 'warn', 'ok'].find((status) => findings.some((finding) => finding.status === status));

describe('Redis', () => {
  test.each([
    ['as it should be', {}, 'ok'],
    ['that evicts', { maxmemoryPolicy: 'allkeys-lru' }, 'fail'],
    ['without an append-only file', { appendonly: 'no' }, 'warn'],
    ['that hides its settings', { maxmemoryPolicy: null, appendonly: null, appendfsync: null }, 'warn'],
    ['that is too old', { version: '5.0.14' }, 'fail'],
  ] as const)('%s', (_name, over, status) => {
    expect(worst(judgeRedis({ ...REDIS, ...over }))).toBe(status);
  });
});

describe('the database', () => {
  test.each([
    ['is well', {}, 'ok'],
    ['is not migrated', { migrationsPending: ['0001-ledger.sql'] }, 'fail'],
    ['was migrated by a newer release', { migrationsNewer: ['9999-later.sql'] }, 'fail'],
    ['has a clock that is off by seconds', { clockMs: NOW_MS - 5_000 }, 'warn'],
    ['has a clock that is off by minutes', { clockMs: NOW_MS + 300_000 }, 'fail'],
    ['is too old', { serverMajor: 12 }, 'fail'],
    ['has an outbox nobody empties', { outboxUnsent: 3, outboxOldestMs: NOW_MS - 600_000 }, 'warn'],
  ] as const)('%s', (_name, over, status) => {
    expect(worst(judgeDatabase({ ...DATABASE, ...over }, NOW_MS))).toBe(status);
  });
});

describe('lanes', () => {
  test.each([
    ['that are all written', [true, true], 9, 'ok'],
    ['of which one has no writer', [true, false], 0, 'fail'],
    ['at rest, with nothing to do', [false, false], 0, 'warn'],
    ['at rest while jobs wait', [false, false], 1, 'fail'],
    ['at rest, with queues that cannot be seen', [false, false], null, 'warn'],
    ['that are not laid out yet', [], 0, 'ok'],
  ] as const)('%s', (_name, owned, waiting, status) => {
    const findings = judgeLanes(
      owned.map((isOwned, number) => lane(number, isOwned)),
      waiting,
    );
    expect(worst(findings) ?? 'ok').toBe(status);
  });

  test('of another number than configured are a warning', () => {
    expect(judgeLaneCount(4, 4)).toEqual([]);
    expect(judgeLaneCount(4, 8)).toMatchObject([
      { status: 'warn', fix: expect.stringContaining('TOLLKEEPER_LANES=4') },
    ]);
  });

  test('that have no writer while jobs wait ask for Tollkeeper to be started', () => {
    expect(judgeLanes([lane(0, false)], 3).at(-1)).toEqual({
      area: 'lanes',
      status: 'fail',
      message: '3 jobs wait and no lane has a writer',
      fix: 'Start Tollkeeper: `tollkeeper start` takes every free lane.',
    });
  });
});

test('a disk that runs full is a warning, a full one a failure', () => {
  const judge = (gib: number, isWritable = true) =>
    judgeDisk({ directory: '/data', freeBytes: gib * 1024 ** 3, isWritable }).status;
  expect([judge(100), judge(2), judge(0.1)]).toEqual(['ok', 'warn', 'fail']);
  expect(judge(100, false)).toBe('fail');
});

test('a data directory that cannot be written is told from one that can, or that can be made', async () => {
  const directory = await temporaryDirectory();
  expect(await isWritableDirectory(join(directory, 'not', 'there'))).toBe(true);
  await writeFile(join(directory, 'file'), '');
  expect(await isWritableDirectory(join(directory, 'file', 'below'))).toBe(false);
  // Not even a superuser writes there.
  expect(await isWritableDirectory('/proc/sys')).toBe(false);
});

test('failed jobs are a warning: their events are not accounted for', () => {
  const counts = { waiting: 1, active: 0, completed: 9, failed: 0, delayed: 0 };
  expect([judgeQueue('usage', counts).status, judgeQueue('usage', { ...counts, failed: 2 }).status]).toEqual([
    'ok',
    'warn',
  ]);
});

test('whatever is not ok says what to do', () => {
  const findings = [
    ...judgeRedis({ version: null, maxmemoryPolicy: 'x', appendonly: 'no', appendfsync: null }),
    ...judgeDatabase({ ...DATABASE, serverMajor: 9, clockMs: 0, outboxOldestMs: 0 }, NOW_MS),
    ...judgeLanes([lane(0, true), lane(1, false)], 0),
    ...judgeLanes([lane(0, false)], 0),
    ...judgeLanes([lane(0, false)], 5),
  ];
  for (const finding of findings) expect(finding.fix === undefined).toBe(finding.status === 'ok');
});
