import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import type { HoldAnswer } from '../../src/pipeline/holds/hold-answer.ts';
import { type AskOptions, ask, fund, type TestAsk } from '../support/holds.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const ACCOUNTS = ['acme', 'bolt', 'crux'] as const;

type Step =
  | {
      readonly do: 'hold';
      readonly account: string;
      readonly hold: number;
      readonly ask: TestAsk;
      readonly by: 'lane' | 'direct';
      readonly laterSeconds: number;
      readonly times: number;
    }
  | { readonly do: 'use'; readonly account: string; readonly dollars: number }
  | { readonly do: 'topup'; readonly account: string; readonly dollars: number }
  | { readonly do: 'freeze' | 'thaw' | 'restart'; readonly account: string };

const account = fc.constantFrom(...ACCOUNTS);
const dollars = fc.integer({ min: 1, max: 12 });
const asked: fc.Arbitrary<TestAsk> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('place' as const), dollars, seconds: fc.integer({ min: 1, max: 120 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('extend' as const), dollars, seconds: fc.constant(60) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('capture' as const), dollars }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'expire' as const) }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      account,
      hold: fc.nat(5),
      ask: asked,
      by: fc.constantFrom('lane' as const, 'direct' as const),
      laterSeconds: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(300) }),
      times: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('use' as const), account, dollars: fc.integer({ min: 0, max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('topup' as const), account, dollars }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('freeze' as const, 'thaw' as const, 'restart' as const), account }),
  },
);

interface Told {
  readonly asked: readonly [account: string, hold: string, ask: TestAsk, options: AskOptions];
  readonly answer: HoldAnswer;
}

/** Carries a step out; returns what was asked of a hold and answered. */
async function play(ledger: TestLedger, played: Step, key: string, run: string): Promise<readonly Told[]> {
  const { overdraftNanos } = PLAIN_RULESET;
  const wallet = { tenant: 'default', name: played.account };
  const common = { key, actor: 'test', reason: 'test', nowMs: START_MS, dryRun: false, wallet };
  try {
    switch (played.do) {
      case 'hold': {
        const id = `${run}-${played.account}-${played.hold}`;
        const nowMs = START_MS + 1_000 * played.laterSeconds;
        const asking = [played.account, id, played.ask, { key, nowMs, by: played.by }] as const;
        const told: Told[] = [];
        for (let time = 0; time < played.times; time++) {
          told.push({ asked: asking, answer: await ask(ledger, ...asking) });
        }
        return told;
      }
      case 'use':
        await ledger.use(played.account, [{ id: key, dollars: String(played.dollars) }]);
        return [];
      case 'topup':
        await fund(ledger, played.account, played.dollars, key);
        return [];
      case 'freeze':
        await freeze(ledger.admin, { ...common, hours: 2 });
        return [];
      case 'thaw':
        await thaw(ledger.admin, { ...common, usage: 'post', overdraftNanos });
        return [];
      case 'restart':
        await ledger.endWriter(played.account);
        return [];
    }
  } catch (error) {
    const expected = error instanceof AppError && ['WALLET_STATE', 'WALLET_NOT_FOUND'].includes(error.code);
    if (!expected) throw error;
    return [];
  }
}

/** The books from their rows alone: available money never below the limit, each hold charged once, as it says. */
async function expectSound(ledger: TestLedger): Promise<void> {
  expect((await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok)).toEqual([]);
  const { rows } = await ledger.pool.query<{ account_id: string; available: bigint; unequal: bigint }>(
    `select w.account_id,
       (w.posted - (select coalesce(sum(h.amount), 0) from hold h where h.wallet_id = w.wallet_id and h.state = 'open'))::bigint
         as available,
       (select count(*) from hold h where h.wallet_id = w.wallet_id and h.captured > h.capture_max) as unequal
     from wallet w`,
  );
  for (const row of rows) {
    expect(row.available >= -PLAIN_RULESET.overdraftNanos, `${row.account_id} has ${row.available}`).toBe(true);
    expect(row.unequal).toBe(0n);
  }
}

/** The lane's memory against the books: what is left can be held, and not a cent more. */
async function expectMemoryInStep(ledger: TestLedger, name: string, tag: string): Promise<void> {
  const [wallet] = await ledger.queries.wallets({ tenant: 'default', account: name, limit: 1 });
  if (wallet?.status !== 'active') return;
  const left = Number((wallet.posted - wallet.held) / (USD / 100n)) / 100 + 5;
  expect(await ask(ledger, name, `${tag}-over`, { do: 'place', dollars: left + 0.01 })).toMatchObject({
    code: 'INSUFFICIENT_FUNDS',
  });
  if (left <= 0) return;
  expect(await ask(ledger, name, `${tag}-rest`, { do: 'place', dollars: left })).toMatchObject({ ok: true });
  expect(await ask(ledger, name, `${tag}-rest`, { do: 'release' })).toMatchObject({ ok: true });
}

/** Whatever was granted is answered in the same words when it is asked again. */
async function expectSameAnswers(ledger: TestLedger, told: readonly Told[]): Promise<void> {
  for (const { asked: asking, answer } of told) {
    if (!answer.ok || asking[2].do === 'expire') continue;
    expect(await ask(ledger, ...asking)).toEqual({ ...answer, repeated: true });
  }
}

test('whatever holds, usage and people do in turn, available money never passes the limit', async () => {
  const ledger = await openTestLedger();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 25 }), async (steps) => {
      run++;
      const told: Told[] = [];
      for (const [index, played] of steps.entries()) {
        told.push(...(await play(ledger, played, `r${run}-${index}`, `r${run}`)));
        await expectSound(ledger);
      }
      for (const name of ACCOUNTS) await expectMemoryInStep(ledger, name, `r${run}-${name}`);
      await expectSameAnswers(ledger, told);
    }),
    // Every run goes on with the books of the one before, so shrinking would shrink another story.
    { numRuns: 12, seed: 5, endOnFailure: true },
  );
}, 180_000);

test('available money never passes the limit when holds, usage and people meet at the same moment', async () => {
  const ledger = await openTestLedger();
  for (const name of ACCOUNTS) await fund(ledger, name, 30);
  const steps = fc.sample(step, { numRuns: 600, seed: 17 }).filter(({ do: what }) => what !== 'restart');
  let granted = 0;
  for (let at = 0; at < steps.length; at += 30) {
    const slice = steps.slice(at, at + 30);
    for (const name of ACCOUNTS) {
      await play(ledger, { do: 'thaw', account: name }, `t${at}-${name}`, '');
      await fund(ledger, name, 20, `f${at}-${name}`);
    }
    const told = await Promise.all(slice.map((played, index) => play(ledger, played, `m${at + index}`, `m${at}`)));
    granted += told.flat().filter(({ answer }) => answer.ok).length;
    await expectSound(ledger);
    for (const name of ACCOUNTS) await expectMemoryInStep(ledger, name, `m${at}-${name}`);
    await expectSameAnswers(ledger, told.flat());
  }
  expect(granted).toBeGreaterThan(50);
}, 180_000);
