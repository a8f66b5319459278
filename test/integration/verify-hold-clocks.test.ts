import { expect, test } from 'vitest';
import { ask, fund } from '../support/holds.ts';
import { openTestLedger, PLAIN_RULESET, START_MS } from '../support/ledger.ts';
import { verifyAfter } from '../support/verify.ts';

// Found by the ledger simulator: the lane's owner answers by its own clock, and what comes after may be dated before.
test('holds whose requests were answered by processes with different clocks are proven', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 100);
  const at = (seconds: number) => ({ by: 'direct', nowMs: START_MS + seconds * 1_000 }) as const;
  const placed = { do: 'place', dollars: 1 } as const;
  for (const hold of ['captured', 'released', 'open']) {
    expect(await ask(ledger, 'acme', hold, placed, at(0))).toMatchObject({ ok: true });
    expect(await ask(ledger, 'acme', hold, { do: 'extend', dollars: 2 }, at(60))).toMatchObject({ ok: true });
    expect(await ask(ledger, 'acme', hold, { do: 'extend', dollars: 3 }, at(30))).toMatchObject({ ok: true });
  }
  expect(await ask(ledger, 'acme', 'captured', { do: 'capture', dollars: 3 }, at(20))).toMatchObject({ ok: true });
  expect(await ask(ledger, 'acme', 'released', { do: 'release' }, at(20))).toMatchObject({ ok: true });
  const { found } = await verifyAfter(ledger.pool, [], { ruleset: PLAIN_RULESET });
  expect(found).toEqual([]);
});
