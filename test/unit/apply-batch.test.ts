import { expect, test } from 'vitest';
import { createFeatures } from '../../src/domain/features/account-features.ts';
import { openWallet } from '../../src/domain/ledger/wallet.ts';
import { parseQuantity } from '../../src/domain/money/quantity.ts';
import { applyBatch } from '../../src/pipeline/lane/apply-batch.ts';
import { LaneEventFactory } from '../../src/pipeline/lane/lane-event.ts';
import { createLaneMemory } from '../../src/pipeline/lane/lane-memory.ts';
import { PLAIN_RULESET, START_MS } from '../support/ledger.ts';

test('two accounts that share a wallet id are never charged to one wallet: the second is refused', () => {
  const memory = createLaneMemory({
    lane: 0,
    epoch: 1n,
    changeNo: 0n,
    lastBatch: 0,
    chain: Buffer.alloc(0),
    clockMs: 0,
    keysCompleteFromMs: 0,
    lanes: 1,
  });
  const quantity = parseQuantity('1');
  if (typeof quantity === 'string') throw new Error(quantity);
  const event = {
    tenant: 'default',
    id: 'evt-1',
    source: 's',
    account: 'acct_2',
    meter: 'dollars',
    quantity,
    occurredAtMs: START_MS,
  };
  const item = new LaneEventFactory('USD').prepare(event, START_MS);
  const wallet = openWallet({
    ...item.address,
    tenant: 'default',
    account: 'acct_1',
    currency: 'USD',
    openedAtMs: START_MS,
  });
  memory.accounts.set(wallet.walletId, {
    wallet,
    features: createFeatures(),
    checkpointBatch: 0,
    isNew: false,
    dirtySinceBatch: 0,
    touchedInBatch: 0,
    place: 0,
  });
  const batch = applyBatch(memory, {
    events: [item],
    identities: [{ kind: 'new' }],
    ruleset: PLAIN_RULESET,
    lateWindowMs: 1_000,
  });
  expect(batch.statuses).toMatchObject([{ status: 'rejected', code: 'EVENT_NOT_STORABLE', field: 'account' }]);
  expect(batch.entries).toEqual([]);
  expect(wallet.posted).toBe(0n);
});
