import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { archiveFiles, openArchive } from '../../src/wire/archive.ts';
import { runCli } from '../support/cli.ts';
import { openTestLedger, START_MS } from '../support/ledger.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('days are listed, exported, verified and restored from the command line', async () => {
  const ledger = await openTestLedger();
  const directory = await temporaryDirectory();
  const config = () =>
    parseConfig({ DATABASE_URL: ledger.connectionString, TOLLKEEPER_ARCHIVE_DIR: join(directory, 'days') });
  const nowMs = START_MS + 60 * DAY_MS;
  const cli = (...args: readonly string[]) =>
    runCli(args, {
      config,
      now: () => nowMs,
      archive: {
        open: (other) => openArchive(config(), other, () => undefined),
        files: archiveFiles,
      },
    });
  expect((await cli('archive', 'list')).stdout).toBe('There are no entries yet.\n');
  expect((await cli('archive', 'verify', '--all')).stdout).toBe('No day is archived.\n');
  await ledger.use('acme', [{ id: 'a' }, { id: 'b' }]);
  await ledger.use('acme', [{ id: 'c', atMs: nowMs, receivedAtMs: nowMs }]);

  const dry = await cli('archive', 'export', '--dry-run', '--json');
  expect(dry.json()).toMatchObject({ dryRun: true, days: [{ day: '2026-03-02', what: 'exported', rows: '2' }] });
  const kept = await cli('archive', 'export', '--keep-days', '90');
  expect(kept.stdout).toContain('2026-03-02  closed, kept in the database  2 rows\n0 days exported.');
  const exported = await cli('archive', 'export', '--before', '2026-04-01', '--json');
  expect(exported).toMatchObject({ exitCode: 0, stderr: '' });
  expect(exported.json()).toMatchObject({ dryRun: false, days: [{ day: '2026-03-02', what: 'exported', rows: '2' }] });
  expect(await readdir(join(directory, 'days'))).toEqual(['entry-2026-03-02.json', 'entry-2026-03-02.tsv.gz']);

  const file = join(directory, 'days', 'entry-2026-03-02.tsv.gz');
  expect((await cli('archive', 'verify', file)).stdout).toBe(`ok    ${file}  2 rows, −$2.00\n`);
  expect((await cli('archive', 'verify', '--all', '--json')).json()).toMatchObject({ ok: true, files: [{ rows: 2 }] });
  const list = await cli('archive', 'list', '--json');
  expect(list.json()).toMatchObject({
    days: [
      { day: '2026-03-02', state: 'archived', rows: '2', file: { name: 'entry-2026-03-02.tsv.gz' } },
      { day: '2026-05-01', state: 'open', rows: '1', file: null },
    ],
  });

  expect((await cli('archive', 'restore', '2026-03-02')).stdout).toBe(
    '2026-03-02 is back: 2 rows, −$2.00. It stays closed; export it again when done.\n',
  );
  expect(await cli('archive', 'restore', '2026-03-02')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('error ARCHIVE_DAY: 2026-03-02 is not archived: it is closed.'),
  });
  await cli('archive', 'export');
  await writeFile(file, 'not gzip');
  const bad = await cli('archive', 'verify', '--all');
  expect(bad).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(`wrong ${file}\n`) });
});

test.each([
  [['archive', 'restore', '2026-02-30'], '"2026-02-30" is not a day.'],
  [['archive', 'export', '--before', 'May'], '"May" is not a day.'],
  [['archive', 'export', '--before', '2026-01-01', '--keep-days', '3'], '--before and --keep-days'],
  [['archive', 'verify'], 'archive verify takes a file or --all.'],
])('%j is refused as wrong usage', async (args, message) => {
  expect(await runCli(args)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(message) });
});
