import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const ACCOUNTS = ['acme', 'bolt', 'crux'] as const;

type Step =
  | { readonly do: 'use'; readonly account: string; readonly dollars: readonly number[] }
  | { readonly do: 'topup'; readonly account: string; readonly dollars: number; readonly twice: boolean }
  | { readonly do: 'freeze'; readonly account: string }
  | { readonly do: 'thaw'; readonly account: string; readonly usage: 'keep' | 'post' | 'void' };

const account = fc.constantFrom(...ACCOUNTS);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('use' as const),
      account,
      dollars: fc.array(fc.nat(6), { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('topup' as const),
      account,
      dollars: fc.integer({ min: 1, max: 12 }),
      twice: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('freeze' as const), account }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('thaw' as const),
      account,
      usage: fc.constantFrom('keep' as const, 'post' as const, 'void' as const),
    }),
  },
);

/** Carries a step out; what the domain refuses (a thaw of what is not frozen) is part of the game. */
async function play(ledger: TestLedger, played: Step, key: string): Promise<void> {
  const common = { key, actor: 'test', reason: 'test', nowMs: START_MS, dryRun: false };
  const wallet = { tenant: 'default', name: played.account };
  const { overdraftNanos } = PLAIN_RULESET;
  try {
    if (played.do === 'use') {
      await ledger.use(
        played.account,
        played.dollars.map((dollars, index) => ({ id: `${key}-${index}`, dollars: String(dollars) })),
      );
    } else if (played.do === 'topup') {
      const request = {
        ...common,
        tenant: 'default',
        account: played.account,
        currency: 'USD',
        amount: BigInt(played.dollars) * USD,
        source: 'paid' as const,
        overdraftNanos,
      };
      await topUp(ledger.admin, request);
      if (played.twice) await topUp(ledger.admin, request);
    } else if (played.do === 'freeze') await freeze(ledger.admin, { ...common, wallet, hours: 2 });
    else await thaw(ledger.admin, { ...common, wallet, usage: played.usage, overdraftNanos });
  } catch (error) {
    const expected = error instanceof AppError && (error.code === 'WALLET_STATE' || error.code === 'WALLET_NOT_FOUND');
    if (!expected) throw error;
  }
}

/** Money as the customers see it: what came in minus what was charged, from the rows alone. */
async function expectSound(ledger: TestLedger): Promise<void> {
  expect((await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok)).toEqual([]);
  const { rows } = await ledger.pool.query<{ account_id: string; off: bigint; below: boolean }>(
    `select w.account_id, w.posted - (select coalesce(sum(e.amount), 0) from entry e where e.wallet_id = w.wallet_id)::bigint as off,
       exists (select from entry e where e.wallet_id = w.wallet_id and e.amount < 0 and e.balance_after < $1) as below
     from wallet w`,
    [-PLAIN_RULESET.overdraftNanos],
  );
  for (const row of rows) expect(row, row.account_id).toMatchObject({ off: 0n, below: false });
}

test('balances are the sum of entries and never pass the limit, whatever people and usage do in turn', async () => {
  const ledger = await openTestLedger();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
      run++;
      for (const [index, played] of steps.entries()) await play(ledger, played, `r${run}-${index}`);
      await expectSound(ledger);
    }),
    // Every run goes on with the books of the one before, so shrinking would shrink another story.
    { numRuns: 12, seed: 7, endOnFailure: true },
  );
});

test('balances are the sum of entries when people and usage meet at the same moment', async () => {
  const ledger = await openTestLedger();
  const steps = fc.sample(step, { numRuns: 60, seed: 11 });
  for (let at = 0; at < steps.length; at += 10) {
    await Promise.all(steps.slice(at, at + 10).map((played, index) => play(ledger, played, `m${at + index}`)));
  }
  await expectSound(ledger);
});
