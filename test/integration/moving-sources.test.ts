import { describe, expect, test } from 'vitest';
import { PostgresLaneStore } from '../../src/adapters/postgres/lane-store.ts';
import { addressOf } from '../../src/domain/ids.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger } from '../support/ledger.ts';

const MOVING = { movingSources: new Set(['api']) };

/** Two accounts whose lanes know nothing of each other: one lane has "forgotten" what the other took in. */
async function twoLanes(ledger: TestLedger): Promise<readonly [string, string]> {
  const { rows } = await ledger.pool.query<{ shard: number; lane: number }>('select shard, lane from shard_lane');
  const lanes = new Map(rows.map(({ shard, lane }) => [shard, lane]));
  const laneOf = (account: string) => lanes.get(addressOf('default', account, 'USD').shard);
  for (let index = 0; ; index++) {
    if (laneOf(`account-${index}`) === laneOf('acme')) continue;
    const accounts = ['acme', `account-${index}`] as const;
    for (const account of accounts) await ledger.use(account, [{ id: `open-${account}`, meter: 'signup' }]);
    return accounts;
  }
}

async function words(ledger: TestLedger, account: string, id: string, atMs: number, receivedAtMs = atMs) {
  const statuses = await ledger.use(account, [{ id, atMs, receivedAtMs, dollars: '0.1' }]);
  return statuses.map((status) => ('code' in status ? status.code : status.status));
}

async function failing(ledger: TestLedger): Promise<readonly string[]> {
  return (await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok).map(({ name }) => name);
}

async function identities(ledger: TestLedger): Promise<number | null> {
  return (await ledger.pool.query('select from source_identity')).rowCount;
}

describe('an event sent again under another time', () => {
  test('is charged twice where nobody said that its source does that, and costs nothing to ask', async () => {
    const ledger = await openTestLedger();
    const [one, other] = await twoLanes(ledger);
    expect(await words(ledger, one, 'x', START_MS)).toEqual(['posted']);
    expect(await words(ledger, other, 'x', START_MS + 1)).toEqual(['posted']);
    expect(await identities(ledger)).toBe(0);
  });

  test('is an altered copy when its source is declared, and the copy repeated is a duplicate', async () => {
    const ledger = await openTestLedger(PLAIN_RULESET, PostgresLaneStore, MOVING);
    const [one, other] = await twoLanes(ledger);
    expect(await words(ledger, one, 'x', START_MS)).toEqual(['posted']);
    expect(await words(ledger, other, 'x', START_MS + 1)).toEqual(['altered']);
    expect(await words(ledger, other, 'x', START_MS + 1)).toEqual(['duplicate']);
    expect(await words(ledger, one, 'x', START_MS)).toEqual(['duplicate']);
    expect(await identities(ledger)).toBe(3);
    expect(await failing(ledger)).toEqual([]);
  });

  test('in two lanes at the same moment is charged once', async () => {
    const ledger = await openTestLedger(PLAIN_RULESET, PostgresLaneStore, MOVING);
    const accounts = await twoLanes(ledger);
    for (let round = 0; round < 10; round++) {
      const results = await Promise.all(
        accounts.map((account, index) => words(ledger, account, `race-${round}`, START_MS + round * 10 + index)),
      );
      expect(results.flat().sort()).toEqual(['altered', 'posted']);
    }
    expect(await failing(ledger)).toEqual([]);
  });

  test('is new again after the late window, whose old identities go as new ones come', async () => {
    const ledger = await openTestLedger(PLAIN_RULESET, PostgresLaneStore, MOVING);
    const [one, other] = await twoLanes(ledger);
    for (const id of ['x', 'y', 'z']) expect(await words(ledger, one, id, START_MS)).toEqual(['posted']);
    const laterMs = START_MS + 36 * DAY_MS;
    await ledger.use(other, [{ id: 'clock', meter: 'signup', atMs: laterMs, receivedAtMs: laterMs }]);
    expect(await words(ledger, other, 'x', laterMs)).toEqual(['posted']);
    await words(ledger, other, 'w', laterMs);
    // The five of the first day are gone: two for each that came.
    expect(await identities(ledger)).toBe(3);
    expect(await failing(ledger)).toEqual([]);
  });

  test('that was refused has claimed nothing', async () => {
    const ledger = await openTestLedger(PLAIN_RULESET, PostgresLaneStore, MOVING);
    const [one, other] = await twoLanes(ledger);
    const tooLarge = await ledger.use(one, [{ id: 'x', dollars: '99999999999' }]);
    expect(tooLarge).toMatchObject([{ status: 'rejected' }]);
    expect(await words(ledger, other, 'x', START_MS + 1)).toEqual(['posted']);
  });
});
