import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { archivedInRange, archivedWalletEntries } from '../../src/adapters/postgres/archive/wallet-history.ts';
import { formatDay } from '../../src/domain/archive/day.ts';
import { addressOf } from '../../src/domain/ids.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import type { ArchiveStore } from '../../src/pipeline/archive/archive-store.ts';
import { exportDays } from '../../src/pipeline/archive/export-days.ts';
import { restoreDay } from '../../src/pipeline/archive/restore-day.ts';
import { verifyAll, verifyFile } from '../../src/pipeline/archive/verify-archive.ts';
import { FIRST, fill, LATER_MS, openTestArchive, SECOND, states, WINDOW_MS } from '../support/archive.ts';
import { PLAIN_RULESET, START_MS, USD } from '../support/ledger.ts';

describe('an export', () => {
  test('moves old days into files that anybody can read, and every proof still holds', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger);
    const { days, closing } = await archive.run();
    expect(days).toMatchObject([
      { day: FIRST, what: 'exported', rows: 8n },
      { day: SECOND, what: 'exported', rows: 4n },
    ]);
    expect(formatDay(closing.beforeMs)).toBe(formatDay(LATER_MS - WINDOW_MS - DAY_MS));
    expect(await states(archive)).toEqual([
      `${FIRST} archived 8`,
      `${SECOND} archived 4`,
      ...(await states(archive)).slice(2),
    ]);
    const { rows } = await archive.ledger.pool.query<{ n: bigint }>('select count(*) as n from entry');
    expect(rows[0]?.n).toBe(2n);
    expect((await readdir(archive.directory)).sort()).toEqual(
      [FIRST, SECOND].flatMap((day) => [`entry-${day}.json`, `entry-${day}.tsv.gz`]),
    );
    const manifest = JSON.parse(await readFile(join(archive.directory, `entry-${FIRST}.json`), 'utf8'));
    // 2 × 100 charged in, 2 × (2 + 0.5 + 3) out.
    expect(manifest).toMatchObject({
      day: FIRST,
      rows: 8,
      sums: { USD: (189n * USD).toString() },
      schema: expect.stringMatching(/^[0-9]{4}-/),
    });
    const lines = gunzipSync(await readFile(join(archive.directory, `entry-${FIRST}.tsv.gz`)))
      .toString()
      .split('\n');
    expect(lines).toHaveLength(9);
    expect(lines[0]?.split('\t')).toHaveLength(manifest.columns.length);

    expect(await archive.failing()).toEqual([]);
    const names = (await archive.ledger.queries.proofs(PLAIN_RULESET)).map(({ name, detail }) => `${name}: ${detail}`);
    expect(names).toContain('archived days add up: 2 days, 12 entries, 185');
    expect(await verifyAll(archive.store, archive.files)).toMatchObject([
      { day: FIRST, rows: 8, faults: [] },
      { day: SECOND, rows: 4, faults: [] },
    ]);
    // A second run has nothing left to do.
    expect((await archive.run()).days).toEqual([]);
  });

  test('takes no day inside the late window, and closes the others it is not asked for', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger);
    const { days } = await archive.run({ beforeMs: START_MS + 1 });
    expect(days.map(({ day, what }) => [day, what])).toEqual([
      [FIRST, 'exported'],
      [SECOND, 'closed'],
    ]);
    const young = await archive.run({ beforeMs: LATER_MS + 5 * DAY_MS });
    expect(young.days.map(({ day, what }) => [day, what])).toContainEqual([formatDay(LATER_MS), 'not_yet']);
    expect(await archive.failing()).toEqual([]);
  });

  test('waits for a lane that replays old usage by its own clock', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger, START_MS + 30 * DAY_MS);
    const { days, closing } = await archive.run();
    expect(days).toEqual([]);
    expect(closing.heldBackBy).not.toBeNull();
    // Nothing was written for a day: the lane is idle, and its next event moves its clock.
    const inTwoDays = await archive.run({ nowMs: Date.now() + 2 * DAY_MS });
    expect(inTwoDays.closing.heldBackBy).toBeNull();
    expect(inTwoDays.days.map(({ what }) => what)).toContain('exported');
    expect(await archive.failing()).toEqual([]);
  });

  test('leaves a day alone while usage of it is open in quarantine', async () => {
    const archive = await openTestArchive();
    await archive.ledger.use('poor', [{ id: 'big', dollars: '50', atMs: START_MS, receivedAtMs: START_MS }]);
    await fill(archive.ledger);
    await archive.ledger.use('poor', [{ id: 'x', atMs: LATER_MS, receivedAtMs: LATER_MS }]);
    const { days } = await archive.run();
    expect(days.map(({ day, what }) => [day, what])).toEqual([
      [FIRST, 'quarantine_open'],
      [SECOND, 'exported'],
    ]);
    // Funds arrive: what waits for them is posted to its own day, which is still there.
    await topUp(archive.ledger.admin, {
      tenant: 'default',
      account: 'poor',
      currency: 'USD',
      amount: 100n * USD,
      source: 'paid',
      overdraftNanos: 0n,
      key: 'fund-poor',
      actor: 'test',
      reason: null,
      nowMs: LATER_MS,
      dryRun: false,
    });
    expect((await archive.run()).days).toMatchObject([{ day: FIRST, what: 'exported', rows: 9n }]);
    expect(await archive.failing()).toEqual([]);
  });

  test('only says what it would do when it is a dry run', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger);
    const before = await states(archive);
    expect((await archive.run({ dryRun: true })).days.map(({ what }) => what)).toEqual(['exported', 'exported']);
    expect(await states(archive)).toEqual(before);
    expect(await readdir(archive.directory)).toEqual([]);
  });

  test('refuses to run twice at once', async () => {
    const archive = await openTestArchive();
    await archive.store.exclusively(async () => {
      await expect(archive.run()).rejects.toMatchObject({ code: 'ARCHIVE_BUSY' });
    });
  });

  test.each(['recordFigures', 'copyOut', 'write', 'writeManifest', 'readManifest', 'read', 'drop'] as const)(
    'that dies in %s loses nothing and is finished by the next run',
    async (step) => {
      const archive = await openTestArchive();
      await fill(archive.ledger);
      const die = () => {
        throw new Error('power cut');
      };
      const half = async function* (dayMs: number) {
        for await (const chunk of archive.store.copyOut(dayMs)) {
          yield chunk.subarray(0, chunk.length >> 1);
          die();
        }
      };
      const store = {
        ...archive.store,
        ...(step === 'copyOut' ? { copyOut: half } : step in archive.store ? { [step]: die } : {}),
      };
      const files = { ...archive.files, ...(step in archive.files ? { [step]: die } : {}) };
      const request = { nowMs: LATER_MS, lateWindowMs: WINDOW_MS, beforeMs: undefined, directory: archive.directory };
      await expect(exportDays(store, files, { ...request, dryRun: false })).rejects.toThrow('power cut');
      expect(await archive.failing()).toEqual([]);
      expect((await archive.ledger.pool.query('select from entry')).rowCount).toBe(14);
      expect((await archive.run()).days.map(({ what }) => what)).toEqual(['exported', 'exported']);
      expect(await archive.failing()).toEqual([]);
      expect((await verifyAll(archive.store, archive.files)).flatMap(({ faults }) => faults)).toEqual([]);
    },
  );

  test('drops nothing when the file does not hold what the table does', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger);
    const store: ArchiveStore = {
      ...archive.store,
      // A line is lost on the way; the hash is of what was written, so only the table's own figures can tell.
      copyOut: async function* (dayMs) {
        const chunks: Buffer[] = [];
        for await (const chunk of archive.store.copyOut(dayMs)) chunks.push(chunk);
        const text = Buffer.concat(chunks).toString();
        yield Buffer.from(text.slice(text.indexOf('\n') + 1));
      },
    };
    const request = { nowMs: LATER_MS, lateWindowMs: WINDOW_MS, beforeMs: undefined, directory: archive.directory };
    await expect(exportDays(store, archive.files, { ...request, dryRun: false })).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('rows: the file has 7, the manifest says 8'),
    });
    expect((await archive.ledger.pool.query('select from entry')).rowCount).toBe(14);
  });
});

describe('an archived day', () => {
  test('takes no entry again, whatever the late window', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger);
    await archive.run();
    // The lane's own window would still let it in: the lane's clock is only 34 days ahead of the event.
    const again = { id: 'acme-1', dollars: '2', atMs: START_MS, receivedAtMs: START_MS + 34 * DAY_MS };
    expect(await archive.ledger.use('acme', [again])).toMatchObject([{ status: 'quarantined', code: 'too_late' }]);
    expect(await archive.ledger.use('acme', [again])).toMatchObject([{ status: 'duplicate' }]);
    expect(await archive.failing()).toEqual([]);
    expect(await states(archive)).toContain(`${FIRST} archived 8`);
  });

  test('is closed to a lane with a longer window than the archive was told of', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger, START_MS + 30 * DAY_MS);
    await archive.run({ nowMs: START_MS + 30 * DAY_MS, lateWindowMs: 20 * DAY_MS });
    expect(await states(archive)).toContain(`${FIRST} archived 8`);
    const copy = { id: 'acme-1', dollars: '2', atMs: START_MS, receivedAtMs: START_MS + 30 * DAY_MS };
    // 30 days late with a window of 35: it would be charged a second time, were the day not closed.
    expect(await archive.ledger.use('acme', [copy])).toMatchObject([{ status: 'quarantined', code: 'too_late' }]);
    expect(await archive.ledger.use('fresh', [{ ...copy, id: 'unseen' }])).toMatchObject([
      { status: 'quarantined', code: 'too_late' },
    ]);
    expect(await archive.failing()).toEqual([]);
  });

  test('still shows its events with their entries, as long as the file is here', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger);
    const filter = { tenant: 'default' };
    const before = await archive.ledger.queries.findEvent('acme-late', filter);
    expect(before?.occurrences[0]?.entry).toMatchObject({ sequence: 5n });
    await archive.run();
    expect(await archive.ledger.queries.findEvent('acme-late', filter)).toEqual(before);
    await rm(join(archive.directory, `entry-${FIRST}.tsv.gz`));
    const after = await archive.ledger.queries.findEvent('acme-late', filter);
    expect(after).toMatchObject({ status: 'posted', occurrences: [{ status: 'posted', entry: null }] });
  });

  test('says per wallet how many entries are in which file, and lists them', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger);
    await archive.run();
    const { pool } = archive.ledger;
    const { walletId } = addressOf('default', 'acme', 'USD');
    const all = { walletId, after: 0n, through: 99n };
    expect(await archivedInRange(pool, archive.files, all)).toEqual([
      { day: FIRST, entries: 4n, isReadable: true },
      { day: SECOND, entries: 2n, isReadable: true },
    ]);
    expect(await archivedInRange(pool, archive.files, { walletId, after: 4n, through: 5n })).toEqual([
      { day: FIRST, entries: 1n, isReadable: true },
    ]);
    const entries = await archivedWalletEntries(pool, archive.files, { walletId, day: FIRST });
    expect(entries.map(({ seq, amount }) => [seq, amount])).toEqual([
      [1n, 100n * USD],
      [2n, -2n * USD],
      [3n, -USD / 2n],
      [5n, -3n * USD],
    ]);
    await rm(join(archive.directory, `entry-${FIRST}.tsv.gz`));
    expect(await archivedInRange(pool, archive.files, all)).toMatchObject([
      { isReadable: false },
      { isReadable: true },
    ]);
  });

  test('whose file is gone leaves the sums proven and says how many batches could not be computed again', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger);
    await archive.run();
    await rm(join(archive.directory, `entry-${FIRST}.tsv.gz`));
    expect(await archive.failing()).toEqual([]);
    const chain = (await archive.ledger.queries.proofs()).find(({ name }) => name.includes('chain'));
    expect(chain?.detail).toContain('; 6 with entries in archive files that are not here');
    expect(await verifyAll(archive.store, archive.files)).toMatchObject([
      { day: FIRST, faults: ['the file is not there'] },
      { day: SECOND, faults: [] },
    ]);
  });

  test('whose file was tampered with is found out by the file, the ledger and the chain', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger);
    await archive.run();
    const path = join(archive.directory, `entry-${FIRST}.tsv.gz`);
    const text = gunzipSync(await readFile(path)).toString();
    await writeFile(path, gzipSync(text.replace('-2000000000', '-2000000001')));
    const check = await verifyFile(archive.files, path);
    expect(check.faults.map((fault) => fault.split(':')[0])).toEqual(['sums', 'SHA-256']);
    const all = (await verifyAll(archive.store, archive.files))[0]?.faults;
    expect(all?.[0]).toMatch(/lane \d batch \d kind 1 USD: the ledger has 2 entries worth -2500000000 nanos/);
    expect(await archive.failing()).toMatchObject([expect.stringContaining('the chain of batches is unbroken')]);
    await expect(restoreDay(archive.store, archive.files, Date.parse(FIRST))).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
    });
    // A file cut short cannot even be read.
    await writeFile(path, gzipSync(text).subarray(0, 40));
    await expect(verifyFile(archive.files, path)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  test('whose figures were changed is found out', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger);
    await archive.run();
    await archive.ledger.pool.query('update archived_wallet_day set amount = amount + 1 where day = $1', [FIRST]);
    expect((await archive.failing()).map((text) => text.split(':')[0])).toEqual([
      'every balance is the sum of its entries',
      'archived days add up',
    ]);
  });

  test('loses its gapless numbers when one of them is claimed twice', async () => {
    const archive = await openTestArchive();
    await fill(archive.ledger);
    await archive.run();
    await archive.ledger.pool.query(
      "update archived_wallet_day set numbers = '{[1,4),[4,5)}' where day = $1 and wallet_id = $2",
      [FIRST, addressOf('default', 'acme', 'USD').walletId],
    );
    expect((await archive.failing()).map((text) => text.split(':')[0])).toEqual(['entries are numbered without gaps']);
  });
});
