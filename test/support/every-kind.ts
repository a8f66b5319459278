import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { adjust } from '../../src/pipeline/admin/adjust.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { setLimits } from '../../src/pipeline/admin/set-limits.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { correctById, PRICED_RULESET, quantityOf, requestOf, settle } from './corrections.ts';
import { ask } from './holds.ts';
import { PLAIN_RULESET, START_MS, type TestLedger, USD } from './ledger.ts';

/** PLAIN_RULESET with a meter whose charges leave a rest: a token costs a nano and a half. */
export const TOKENS_RULESET: Ruleset = {
  ...PLAIN_RULESET,
  hash: 'tokens',
  pricing: {
    ...PLAIN_RULESET.pricing,
    meters: new Map([
      ...PLAIN_RULESET.pricing.meters,
      [
        'tokens',
        { name: 'tokens', unit: 'token', kind: 'usage', prices: [{ fromMs: 0, coefficient: 15n, decimals: 1 }] },
      ],
    ]),
  },
};

const overdraftNanos = PLAIN_RULESET.overdraftNanos;

/**
 * Books with every kind of entry and change: credit that is spent first, ends or is taken back, limits, holds, corrections,
 * and quarantine of several reasons, settled and not. All on the day of START_MS.
 */
export async function fillEveryKind(ledger: TestLedger): Promise<void> {
  const { admin } = ledger;
  const wallet = (name: string) => ({ tenant: 'default', name });
  const credit = (
    account: string,
    dollars: bigint,
    terms: { priority?: number; expiresAtMs?: number; nowMs?: number } = {},
  ) => {
    const { nowMs = START_MS, ...rest } = terms;
    const what = { tenant: 'default', account, currency: 'USD', amount: dollars * USD, source: 'paid' as const };
    return topUp(admin, { ...requestOf({ nowMs }), ...what, ...rest, overdraftNanos });
  };
  const tokens = (id: string, count: string, atMs = START_MS) => ({
    id,
    meter: 'tokens',
    dollars: count,
    atMs,
    receivedAtMs: atMs,
  });
  const later = { atMs: START_MS + 2 * HOUR_MS, receivedAtMs: START_MS + 2 * HOUR_MS };

  for (const account of ['acme', 'spent']) {
    await credit(account, 100n);
    await credit(account, 5n, { priority: 10, expiresAtMs: START_MS + HOUR_MS });
    await credit(account, 7n, { priority: 90 });
    await ledger.use(account, [
      { id: `${account}-1`, dollars: '2' },
      tokens(`${account}-t1`, '0.3'),
      tokens(`${account}-t2`, '7'),
    ]);
  }
  // The grants end: one with usage, in its batch, the other when credit comes in.
  await ledger.use('acme', [{ id: 'acme-2', dollars: '1', ...later }, tokens('acme-t3', '11', START_MS + 2 * HOUR_MS)]);
  await credit('spent', 1n, { nowMs: START_MS + 2 * HOUR_MS });

  await credit('bank', 50n);
  for (const [kind, dollars] of [
    ['refund', 3n],
    ['dispute', 20n],
    ['reinstate', 20n],
    ['correct', -2n],
  ] as const) {
    await adjust(admin, { ...requestOf(), wallet: wallet('bank'), kind, amount: dollars * USD, overdraftNanos });
  }

  await credit('tight', 50n);
  const throttle = { limit: 3n * USD, periodMs: HOUR_MS };
  await setLimits(admin, { ...requestOf(), wallet: wallet('tight'), overdraftLimit: USD, throttle, overdraftNanos });
  await ledger.use('tight', [
    { id: 'tight-1', dollars: '2' },
    { id: 'tight-2', dollars: '2' },
    { id: 'tight-3', dollars: '2.5' },
  ]);
  await setLimits(admin, {
    ...requestOf(),
    wallet: wallet('tight'),
    throttle: { ...throttle, limit: 5n * USD },
    overdraftNanos,
  });

  await credit('cold', 10n);
  await freeze(admin, { ...requestOf(), wallet: wallet('cold'), hours: 5 });
  await ledger.use('cold', [tokens('cold-1', '0.7'), tokens('cold-2', '3'), { id: 'cold-3', dollars: '1' }]);
  await thaw(admin, { ...requestOf(), wallet: wallet('cold'), usage: 'post', overdraftNanos });
  await ledger.use('cold', [tokens('cold-4', '5')]);

  await credit('calls', 50n);
  await ask(ledger, 'calls', 'captured', { do: 'place', dollars: 5 });
  await ask(ledger, 'calls', 'captured', { do: 'extend', dollars: 6, seconds: 700 });
  await ask(ledger, 'calls', 'captured', { do: 'capture', dollars: 5.5 }, { nowMs: START_MS + MINUTE_MS });
  await ask(ledger, 'calls', 'released', { do: 'place', dollars: 1 }, { nowMs: START_MS + MINUTE_MS });
  await ask(ledger, 'calls', 'released', { do: 'release' }, { nowMs: START_MS + 2 * MINUTE_MS });
  await ask(ledger, 'calls', 'ended', { do: 'place', dollars: 1, seconds: 60 }, { nowMs: START_MS + 2 * MINUTE_MS });
  await ask(ledger, 'calls', 'ended', { do: 'expire' }, { nowMs: START_MS + 4 * MINUTE_MS });
  await ask(ledger, 'calls', 'open', { do: 'place', dollars: 1 }, { nowMs: START_MS + 4 * MINUTE_MS });

  await credit('wrong', 50n);
  await ledger.use('wrong', [
    { id: 'wrong-1', dollars: '4' },
    { id: 'wrong-2', dollars: '5' },
    { id: 'wrong-3', dollars: '6' },
  ]);
  await correctById(ledger, 'wrong-1', { kind: 'void' });
  await correctById(ledger, 'wrong-2', { kind: 'quantity', quantity: quantityOf('3') });
  await correctById(ledger, 'wrong-2', { kind: 'amount', amount: 2n * USD });

  await credit('gpus', 50n);
  await ledger.use('gpus', [
    { id: 'gpu-1', meter: 'gpu', dollars: '2' },
    { id: 'gpu-2', meter: 'gpu', dollars: '3' },
  ]);
  await settle(ledger, 'post', { account: 'gpus' }, { ruleset: PRICED_RULESET });
  await ledger.use('gpus', [{ id: 'gpu-3', meter: 'gpu', dollars: '4' }]);
  await settle(ledger, 'void', { account: 'gpus' });
}

/** Usage that stays open in quarantine: its day cannot be archived. */
export async function leaveOpen(ledger: TestLedger): Promise<void> {
  await ledger.use('gpus', [{ id: 'gpu-open', meter: 'gpu', dollars: '1' }]);
}
