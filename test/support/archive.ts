import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createArchiveFiles } from '../../src/adapters/archive-files.ts';
import { createArchiveStore } from '../../src/adapters/postgres/archive/archive-store.ts';
import { formatDay } from '../../src/domain/archive/day.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import type { ArchiveFiles, ArchiveStore } from '../../src/pipeline/archive/archive-store.ts';
import { type ExportRequest, exportDays } from '../../src/pipeline/archive/export-days.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from './ledger.ts';

/** When the archive looks at the ledger. */
export const LATER_MS = START_MS + 60 * DAY_MS;
/** The late window of all archive tests. */
export const WINDOW_MS = 35 * DAY_MS;

/** A ledger with a directory for its archive. */
export interface TestArchive {
  readonly ledger: TestLedger;
  readonly store: ArchiveStore;
  readonly files: ArchiveFiles;
  readonly directory: string;
  readonly run: (request?: Partial<ExportRequest>) => ReturnType<typeof exportDays>;
  /** Proofs that fail. */
  readonly failing: () => Promise<readonly string[]>;
}

/** A fresh ledger and an empty archive directory. */
export async function openTestArchive(): Promise<TestArchive> {
  const directory = await mkdtemp(join(tmpdir(), 'tk-archive-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const ledger = await openTestLedger();
  const store = createArchiveStore(ledger.pool);
  const files = createArchiveFiles([directory]);
  const standard = { nowMs: LATER_MS, lateWindowMs: WINDOW_MS, beforeMs: undefined, directory, dryRun: false };
  return {
    ledger,
    store,
    files,
    directory,
    run: (request = {}) => exportDays(store, files, { ...standard, ...request }),
    failing: async () =>
      (await ledger.queries.proofs(PLAIN_RULESET))
        .filter(({ ok }) => !ok)
        .map(({ name, detail }) => `${name}: ${detail}`),
  };
}

/** Two accounts, two old days whose usage is interleaved by late events, and a present day in every lane used. */
export async function fill(ledger: TestLedger, nowMs = LATER_MS): Promise<void> {
  for (const account of ['acme', 'other']) {
    await topUp(ledger.admin, {
      tenant: 'default',
      account,
      currency: 'USD',
      amount: 100n * USD,
      source: 'paid',
      overdraftNanos: PLAIN_RULESET.overdraftNanos,
      key: `fund-${account}`,
      actor: 'test',
      reason: null,
      nowMs: START_MS,
      dryRun: false,
    });
    await ledger.use(account, [
      { id: `${account}-1`, dollars: '2' },
      { id: `${account}-2`, dollars: '0.5' },
    ]);
    await ledger.use(account, [
      { id: `${account}-3`, atMs: START_MS + DAY_MS, receivedAtMs: START_MS + DAY_MS },
      // Late: its number is higher than that of the day after it.
      { id: `${account}-late`, dollars: '3', receivedAtMs: START_MS + DAY_MS },
      { id: `${account}-4`, atMs: START_MS + DAY_MS + HOUR_MS, receivedAtMs: START_MS + DAY_MS + HOUR_MS },
    ]);
    await ledger.use(account, [{ id: `${account}-now`, dollars: '4', atMs: nowMs, receivedAtMs: nowMs }]);
  }
}

/** The days that `fill` puts old usage on. */
export const FIRST = formatDay(START_MS);
export const SECOND = formatDay(START_MS + DAY_MS);

/** `2026-03-02 archived 8`, one a day. */
export async function states({ store }: TestArchive): Promise<readonly string[]> {
  return (await store.days()).map(({ dayMs, state, rows }) => `${formatDay(dayMs)} ${state} ${rows}`);
}
