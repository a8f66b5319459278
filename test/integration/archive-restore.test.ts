import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createArchiveFiles } from '../../src/adapters/archive-files.ts';
import { createQueries } from '../../src/adapters/postgres/queries/queries.ts';
import { restoreDay } from '../../src/pipeline/archive/restore-day.ts';
import { FIRST, fill, LATER_MS, openTestArchive, SECOND, states } from '../support/archive.ts';
import { START_MS } from '../support/ledger.ts';

describe('a restored day', () => {
  test('is the table it was, closed, and can be archived again', async () => {
    const archive = await openTestArchive();
    const { pool } = archive.ledger;
    await fill(archive.ledger);
    const dump = async () => (await pool.query('select * from entry order by event_key')).rows;
    const before = await dump();
    await archive.run();
    expect(await restoreDay(archive.store, archive.files, Date.parse(FIRST))).toMatchObject({ rows: 8 });
    expect(await restoreDay(archive.store, archive.files, Date.parse(SECOND))).toMatchObject({ rows: 4 });
    expect(await dump()).toEqual(before);
    expect(await archive.failing()).toEqual([]);
    expect((await states(archive)).slice(0, 2)).toEqual([`${FIRST} closed 8`, `${SECOND} closed 4`]);

    const copy = { id: 'fresh', dollars: '2', atMs: START_MS, receivedAtMs: LATER_MS };
    expect(await archive.ledger.use('acme', [copy])).toMatchObject([{ code: 'too_late' }]);
    await pool.query("update quarantine set status = 'void'");
    await pool.query('update wallet set quarantined = 0, quarantined_events = 0');
    const sha256 = async () =>
      JSON.parse(await readFile(join(archive.directory, `entry-${FIRST}.json`), 'utf8')).sha256;
    const first = await sha256();
    expect((await archive.run()).days.map(({ what }) => what)).toEqual(['exported', 'exported']);
    // The same entries give the same bytes.
    expect(await sha256()).toBe(first);
    expect(await archive.failing()).toEqual([]);
  });

  test('is refused for a day that is not archived, and works from another directory', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger);
    await expect(restoreDay(archive.store, archive.files, START_MS)).rejects.toMatchObject({ code: 'ARCHIVE_DAY' });
    await archive.run();
    const elsewhere = await mkdtemp(join(tmpdir(), 'tk-archive-'));
    onTestFinished(() => rm(elsewhere, { recursive: true, force: true }));
    for (const name of await readdir(archive.directory)) {
      await writeFile(join(elsewhere, name), await readFile(join(archive.directory, name)));
      await rm(join(archive.directory, name));
    }
    await expect(restoreDay(archive.store, archive.files, Date.parse(FIRST))).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
    });
    const files = createArchiveFiles([elsewhere]);
    expect(await restoreDay(archive.store, files, Date.parse(FIRST))).toMatchObject({ rows: 8 });
    expect((await createQueries(archive.ledger.pool, files).proofs()).filter(({ ok }) => !ok)).toEqual([]);
  });
});

describe('while lanes write and proofs read', () => {
  test('days are exported and restored, and every proof taken meanwhile holds', async () => {
    const archive = await openTestArchive();
    const { ledger } = archive;
    await fill(ledger);
    let isDone = false;
    const writing = (async () => {
      const statuses: string[] = [];
      for (let round = 0; !isDone; round++) {
        const at = { atMs: LATER_MS + round, receivedAtMs: LATER_MS + round };
        const accounts = [...Array(6).keys()].map((index) =>
          ledger.use(`busy-${index}`, [{ id: `${index}-${round}`, meter: 'signup', ...at }]),
        );
        for (const [status] of await Promise.all(accounts)) statuses.push(status?.status ?? 'none');
      }
      return statuses;
    })();
    const proving = (async () => {
      const failures: string[] = [];
      while (!isDone) failures.push(...(await archive.failing()));
      return failures;
    })();
    for (let round = 0; round < 4; round++) {
      expect((await archive.run()).days.map(({ what }) => what)).toEqual(['exported', 'exported']);
      await restoreDay(archive.store, archive.files, Date.parse(FIRST));
      await restoreDay(archive.store, archive.files, Date.parse(SECOND));
    }
    isDone = true;
    expect(await proving).toEqual([]);
    const statuses = await writing;
    expect(new Set(statuses)).toEqual(new Set(['posted']));
    expect(await archive.failing()).toEqual([]);
  });
});

test('a lane that does not finish its batch stops the closing, not the other way round', async () => {
  const archive = await openTestArchive();
  await fill(archive.ledger);
  const client = await archive.ledger.pool.connect();
  try {
    await client.query('begin; select from lane_epoch for share');
    await expect(archive.run()).rejects.toMatchObject({ code: 'ARCHIVE_BUSY' });
    expect(await states(archive)).toContain(`${FIRST} open 8`);
  } finally {
    await client.query('rollback');
    client.release();
  }
  expect((await archive.run()).days.map(({ what }) => what)).toEqual(['exported', 'exported']);
});
