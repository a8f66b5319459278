import { expect, test } from 'vitest';
import { openFactHistory } from '../../src/adapters/postgres/fact-history.ts';
import type { HistoryEvent } from '../../src/pipeline/backtest/history-event.ts';
import { openTestLedger, START_MS } from '../support/ledger.ts';

test('the facts of all lanes come as one history in the order of arrival, with what became of them', async () => {
  const ledger = await openTestLedger();
  const accounts = Array.from({ length: 12 }, (_, index) => `acct-${index}`);
  for (let round = 0; round < 3; round++) {
    for (const [index, account] of accounts.entries()) {
      const receivedAtMs = START_MS + round * 60_000 + index * 1_000;
      await ledger.use(account, [{ id: `${account}-${round}`, dollars: '0.5', receivedAtMs }]);
    }
  }
  await ledger.use('acct-0', [{ id: 'acct-0-0', dollars: '0.5', receivedAtMs: START_MS + 600_000 }]);

  const history = await openFactHistory(ledger.pool, 'default');
  const events: HistoryEvent[] = [];
  for await (const block of history.blocks()) events.push(...block.events);
  expect(history.eventsExpected).toBe(37);
  expect(events).toHaveLength(37);
  const arrivals = events.map(({ arrivedAtMs }) => arrivedAtMs);
  expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b));
  expect(events[0]).toMatchObject({
    id: 'acct-0-0',
    account: 'acct-0',
    known: 'posted',
    knownNanos: 500_000_000,
    index: 0,
  });
  expect(events.map(({ index }) => index)).toEqual(events.map((_, index) => index));

  const others = await openFactHistory(ledger.pool, 'nobody');
  for await (const block of others.blocks()) expect(block.events).toEqual([]);
});
