import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import {
  correctById,
  creditDollars,
  expectProven,
  PRICED_RULESET,
  quantityOf,
  requestOf,
  settle,
} from '../support/corrections.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const ACCOUNTS = ['acme', 'bolt', 'there-0'] as const;
const { overdraftNanos } = PLAIN_RULESET;

type Step =
  | {
      readonly do: 'use';
      readonly account: string;
      readonly events: readonly { meter: string; dollars: number; id: number }[];
    }
  | { readonly do: 'topup'; readonly account: string; readonly dollars: number }
  | { readonly do: 'freeze'; readonly account: string }
  | { readonly do: 'thaw'; readonly account: string; readonly usage: 'keep' | 'post' | 'void' }
  | { readonly do: 'void'; readonly id: number }
  | { readonly do: 'amend'; readonly id: number; readonly dollars: number; readonly by: 'quantity' | 'amount' }
  | { readonly do: 'settle'; readonly what: 'post' | 'void'; readonly account: string | null; readonly later: boolean };

const account = fc.constantFrom(...ACCOUNTS);
// Few ids, so that retries, altered copies, keys taken in another lane and corrections of the same event are common.
const id = fc.nat(4);
const event = fc.record({ id, dollars: fc.nat(6), meter: fc.constantFrom('dollars', 'dollars', 'gpu', 'signup') });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('use' as const),
      account,
      events: fc.array(event, { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('topup' as const), account, dollars: fc.integer({ min: 1, max: 9 }) }),
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
  { weight: 3, arbitrary: fc.record({ do: fc.constant('void' as const), id }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('amend' as const),
      id,
      dollars: fc.nat(8),
      by: fc.constantFrom('quantity' as const, 'amount' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      what: fc.constantFrom('post' as const, 'post' as const, 'void' as const),
      account: fc.option(account),
      later: fc.boolean(),
    }),
  },
);

/** What a story may run into: its steps are drawn without looking at the books. */
const EXPECTED: ReadonlySet<string> = new Set([
  'WALLET_STATE',
  'WALLET_NOT_FOUND',
  'EVENT_NOT_FOUND',
  'EVENT_NOT_POSTED',
  'EVENT_AMBIGUOUS',
  'EVENT_VOIDED',
  'OVER_LIMIT',
  'PRICE_UNKNOWN',
]);

async function play(ledger: TestLedger, run: number, played: Step): Promise<string> {
  const nameOf = (number: number) => `r${run}-${number}`;
  const wallet = (name: string) => ({ tenant: 'default', name });
  try {
    if (played.do === 'use') {
      const events = played.events.map(({ id: number, meter, dollars }) => ({
        id: nameOf(number),
        meter,
        dollars: String(dollars),
        // One of them has a clock that is an hour ahead.
        atMs: number === 4 ? START_MS + 3_600_000 : START_MS,
      }));
      await ledger.use(played.account, events);
    } else if (played.do === 'topup') await creditDollars(ledger, played.account, played.dollars);
    else if (played.do === 'freeze')
      await freeze(ledger.admin, { ...requestOf(), wallet: wallet(played.account), hours: 2 });
    else if (played.do === 'thaw') {
      await thaw(ledger.admin, { ...requestOf(), wallet: wallet(played.account), usage: played.usage, overdraftNanos });
    } else if (played.do === 'void') await correctById(ledger, nameOf(played.id), { kind: 'void' });
    else if (played.do === 'amend') {
      const quantity = quantityOf(String(played.dollars));
      const to =
        played.by === 'quantity'
          ? ({ kind: 'quantity', quantity } as const)
          : ({ kind: 'amount', amount: BigInt(played.dollars) * USD } as const);
      await correctById(ledger, nameOf(played.id), to);
    } else {
      const filter = played.account === null ? {} : { account: played.account };
      const over = { ruleset: PRICED_RULESET, nowMs: played.later ? START_MS + 7_200_000 : START_MS };
      await settle(ledger, played.what, filter, over);
    }
    return played.do;
  } catch (error) {
    if (!(error instanceof AppError && EXPECTED.has(error.code))) throw error;
    return error.code;
  }
}

/**
 * Computed from the rows alone: balances, the limit, and what each account was charged for its events (as they were
 * priced, without what is void, with the last amendment) against what its usage entries and their corrections say.
 */
async function expectSound(ledger: TestLedger): Promise<void> {
  await expectProven(ledger);
  const { rows } = await ledger.pool.query<{
    account_id: string;
    off: bigint;
    below: boolean;
    net: bigint;
    facts: bigint;
  }>(
    `with last as (select distinct on (event_key) event_key, charged from event_correction order by event_key, correction_no desc)
     select w.account_id, w.posted - (select coalesce(sum(e.amount), 0) from entry e where e.wallet_id = w.wallet_id)::bigint as off,
       exists (select from entry e where e.wallet_id = w.wallet_id and e.kind in (1, 2, 6) and e.amount < 0 and e.balance_after < $1) as below,
       (select coalesce(-sum(e.amount), 0) from entry e where e.wallet_id = w.wallet_id and e.kind in (1, 2, 6, 8, 9))::bigint as net,
       (select coalesce(sum(coalesce(l.charged, -e.amount)), 0) from entry e left join last l using (event_key)
          where e.wallet_id = w.wallet_id and e.kind in (1, 2, 6))::bigint as facts
     from wallet w`,
    [-overdraftNanos],
  );
  for (const row of rows) {
    expect(row, row.account_id).toMatchObject({ off: 0n, below: false });
    expect(row.net, row.account_id).toBe(row.facts);
  }
}

test('books stay sound whatever is voided, amended, posted and voided from quarantine in turn', async () => {
  const ledger = await openTestLedger();
  const seen = new Map<string, number>();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 14, maxLength: 26 }), async (steps) => {
      run++;
      // Freezes and debts of the run before would stop most of what follows.
      for (const name of ACCOUNTS) {
        await play(ledger, run, { do: 'topup', account: name, dollars: 9 });
        await play(ledger, run, { do: 'thaw', account: name, usage: 'keep' });
      }
      for (const played of steps) {
        const what = await play(ledger, run, played);
        seen.set(what, (seen.get(what) ?? 0) + 1);
      }
      await expectSound(ledger);
    }),
    // Every run goes on with the books of the one before, so shrinking would shrink another story.
    { numRuns: 25, seed: 19, endOnFailure: true },
  );
  // A story in which nothing ever happens would prove nothing.
  for (const what of ['void', 'amend', 'settle', 'EVENT_VOIDED', 'EVENT_NOT_POSTED', 'WALLET_STATE']) {
    expect(seen.get(what) ?? 0, what).toBeGreaterThan(5);
  }
});

test('books stay sound when corrections, settlements and usage meet at the same moment', async () => {
  const ledger = await openTestLedger();
  const steps = fc.sample(step, { numRuns: 80, seed: 23 });
  for (let at = 0; at < steps.length; at += 10) {
    await Promise.all(steps.slice(at, at + 10).map((played) => play(ledger, 1, played)));
  }
  await expectSound(ledger);
});
