import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createArchiveFiles } from '../../src/adapters/archive-files.ts';
import { createArchiveStore } from '../../src/adapters/postgres/archive/archive-store.ts';
import { createQueries } from '../../src/adapters/postgres/queries/queries.ts';
import { createHistory } from '../../src/adapters/postgres/statement/history.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { exportDays } from '../../src/pipeline/archive/export-days.ts';
import { KindTotals, type StatementEntry } from '../../src/pipeline/statement/statement.ts';
import { statementJson, statementSchema } from '../../src/pipeline/statement/statement-json.ts';
import { verifyStatement } from '../../src/pipeline/statement/verify-statement.ts';
import { FIRST, LATER_MS, WINDOW_MS } from '../support/archive.ts';
import { fillEveryKind, TOKENS_RULESET } from '../support/every-kind.ts';
import { openTestLedger, START_MS } from '../support/ledger.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { verifyAfter } from '../support/verify.ts';

const ACME = { tenant: 'default', name: 'acme' };
const FILE = `entry-${FIRST}.tsv.gz`;

/** Books with every kind of entry and usage of a later day; `archive` moves the first day to its file. */
async function books() {
  const ledger = await openTestLedger(TOKENS_RULESET);
  await fillEveryKind(ledger);
  for (const account of ['acme', 'spent', 'bank', 'tight', 'cold', 'calls', 'wrong', 'gpus']) {
    await ledger.use(account, [{ id: `${account}-now`, atMs: LATER_MS, receivedAtMs: LATER_MS }]);
  }
  const directory = await temporaryDirectory();
  const files = createArchiveFiles([directory]);
  const history = createHistory(ledger.pool, files);
  return {
    ledger,
    history,
    directory,
    archive: async () => {
      const request = { nowMs: LATER_MS, lateWindowMs: WINDOW_MS, beforeMs: undefined, directory, dryRun: false };
      const { days } = await exportDays(createArchiveStore(ledger.pool), files, request);
      expect(days.map(({ day, what }) => `${day} ${what}`)).toContain(`${FIRST} exported`);
    },
    verify: async (...changes: readonly string[]) =>
      verifyAfter(ledger.pool, changes, { ruleset: TOKENS_RULESET, files }),
    failing: async () => (await createQueries(ledger.pool, files).proofs(TOKENS_RULESET)).filter(({ ok }) => !ok),
    statement: async (proof = false) => {
      const entries: StatementEntry[] = [];
      const totals = new KindTotals();
      const request = { wallet: ACME, fromMs: undefined, toMs: undefined };
      const summary = await history.statement(request, (page) => {
        entries.push(...page);
        for (const entry of page) totals.add(entry);
      });
      const places = new Map(entries.map(({ lane, batchNo }) => [`${lane} ${batchNo}`, { lane, batchNo }]));
      const proven = proof ? await history.prove(summary.wallet.walletId, [...places.values()], undefined) : undefined;
      return statementJson({ summary, ...request, entries, totals: totals.list(), proof: proven });
    },
  };
}

test('with archived days the books verify, and statement, history, balance and proof are as before', async () => {
  const { ledger, history, archive, verify, failing, statement } = await books();
  const look = async () => ({
    statement: await statement(),
    history: await history.entries(ACME, { before: undefined, limit: 4 }),
    older: await history.entries(ACME, { before: 4n, limit: 2 }),
    early: await history.balanceAt(ACME, (await postedAt()) ?? 0),
    now: await history.balanceAt(ACME, undefined),
  });
  const postedAt = async () => {
    const { entries } = await history.entries(ACME, { before: 4n, limit: 1 });
    return entries[0]?.postedAtMs;
  };
  const before = await look();
  await archive();
  expect(await look()).toEqual(before);
  expect(before.statement.entries.length).toBeGreaterThan(8);
  const { found, summary } = await verify();
  expect(found).toEqual([]);
  expect(summary.away).toBe(0);
  expect(await failing()).toEqual([]);
  const file = statementSchema.parse(JSON.parse(JSON.stringify(await statement(true))));
  expect(verifyStatement(file, undefined)).toEqual([]);
  expect(await ledger.pool.query('select from entry')).toMatchObject({ rowCount: 8 });
});

test('without the file its entries are counted, everything else verifies, and what needs them says so', async () => {
  const { history, directory, archive, verify, failing, statement } = await books();
  const whole = await statement();
  await archive();
  await rename(join(directory, FILE), join(directory, 'elsewhere'));
  const { found, summary } = await verify();
  expect(found).toEqual([]);
  expect(summary.away).toBeGreaterThan(30);
  expect(await failing()).toEqual([]);
  const rest = await statement();
  expect(rest).toMatchObject({ opening: whole.opening, closing: whole.closing });
  expect(rest.entries).toEqual(whole.entries.slice(-1));
  expect(rest.archivedElsewhere).toEqual([{ day: FIRST, entries: whole.entries.length - 1 }]);
  expect((await history.entries(ACME, { before: undefined, limit: 5 })).away).toEqual(rest.archivedElsewhere);
  expect((await history.balanceAt(ACME, undefined)).point).toMatchObject({ sequence: BigInt(whole.entries.length) });
  await expect(history.balanceAt(ACME, START_MS + HOUR_MS)).rejects.toMatchObject({ code: 'ARCHIVE_AWAY' });
  // What the ledger keeps of the day is compared all the same.
  const changed = await verify('update archived_batch_day set amount = amount + 1 where kind = 8');
  expect(changed.found.map(({ table }) => table)).toContain('batch_contra');
  const numbers = await verify(`update archived_wallet_day set numbers = numbers - int8multirange(int8range(1, 2))`);
  expect(numbers.found).toContainEqual(expect.objectContaining({ what: 'missing', table: 'entry', column: 'seq' }));
});

test('a line of the file that was changed is found in its batch', async () => {
  const { directory, archive, verify } = await books();
  await archive();
  const path = join(directory, FILE);
  const lines = gunzipSync(await readFile(path))
    .toString()
    .split('\n');
  const at = lines.findIndex((line) => line.split('\t')[9] === '12');
  const cells = lines[at]?.split('\t') ?? [];
  await writeFile(
    path,
    gzipSync(lines.with(at, cells.with(3, String(BigInt(cells[3] ?? 0) + 1n)).join('\t')).join('\n')),
  );
  const { found } = await verify();
  expect(found).toContainEqual(
    expect.objectContaining({ what: 'changed', table: 'entry', column: 'amount', account: 'bank', sequence: cells[2] }),
  );
});
