import { expect, test } from 'vitest';
import { addressOf } from '../../src/domain/ids.ts';
import type { Meter } from '../../src/domain/rules/price-book.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import type { HoldAnswer } from '../../src/pipeline/holds/hold-answer.ts';
import { TEST_LANES } from '../support/admin-database.ts';
import { ask, fund } from '../support/holds.ts';
import { openTestLedger, PLAIN_RULESET, type TestLedger, USD } from '../support/ledger.ts';

const EVENTS = 4_000;
const usage = Array.from({ length: EVENTS }, (_, index) => ({ id: `e${index}`, meter: 'tokens' }));

/** Prices that cannot be read once, in the middle of a batch. */
class BrokenOnce extends Map<string, Meter> {
  reads = 0;
  failAt = Number.POSITIVE_INFINITY;

  override get(name: string): Meter | undefined {
    if (++this.reads === this.failAt) throw new Error('the price list is torn');
    return super.get(name);
  }
}

async function booksOf(ledger: TestLedger) {
  const { rows } = await ledger.pool.query(
    `select count(*)::int as entries, count(distinct event_key)::int as keys, count(distinct (lane, batch_no))::int as batches from entry`,
  );
  const proofs = await ledger.queries.proofs(PLAIN_RULESET);
  return { ...rows[0], failed: proofs.filter(({ ok }) => !ok) };
}

test('a batch that breaks while its first entries are on their way is made again, and nothing is posted twice', async () => {
  const meters = new BrokenOnce(PLAIN_RULESET.pricing.meters);
  const ruleset: Ruleset = { ...PLAIN_RULESET, pricing: { ...PLAIN_RULESET.pricing, meters } };
  const ledger = await openTestLedger(ruleset);
  meters.failAt = meters.reads + 5_000;
  const statuses = await ledger.use('acme', usage);
  expect(meters.reads).toBeGreaterThan(meters.failAt);
  expect(statuses.filter(({ status }) => status === 'posted')).toHaveLength(EVENTS);
  expect(await booksOf(ledger)).toEqual({ entries: EVENTS, keys: EVENTS, batches: 1, failed: [] });
});

test('a key of another lane, met when entries are on their way already, costs only its own event', async () => {
  const laneOf = (account: string) => addressOf('default', account, 'USD').shard % TEST_LANES;
  const names = Array.from({ length: 50 }, (_, index) => `other-${index}`);
  const other = names.find((name) => laneOf(name) !== laneOf('acme')) ?? '';
  const ledger = await openTestLedger();
  await ledger.use('acme', [{ id: 'first', meter: 'tokens' }]);
  await ledger.use(other, [{ id: 'e2500', meter: 'tokens' }]);

  const statuses = await ledger.use('acme', usage);
  expect(statuses.filter(({ status }) => status === 'posted')).toHaveLength(EVENTS - 1);
  expect(statuses[2_500]).toMatchObject({ status: 'quarantined', code: 'altered' });
  expect(await booksOf(ledger)).toEqual({ entries: EVENTS + 1, keys: EVENTS + 1, batches: 3, failed: [] });
});

test('holds that are judged between the pieces of a batch take their money from what is left then', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 4_200);
  let isWriting = true;
  const dollars = Array.from({ length: EVENTS }, (_, index) => ({ id: `d${index}` }));
  const written = ledger.use('acme', dollars).finally(() => {
    isWriting = false;
  });
  const answers: HoldAnswer[] = [];
  for (let hold = 0; isWriting; hold++) {
    answers.push(await ask(ledger, 'acme', `h${hold}`, { do: 'place', dollars: 50 }));
  }
  const posted = (await written).filter(({ status }) => status === 'posted').length;
  const held = answers.filter(({ ok }) => ok).length * 50;

  // Nothing is spent twice, and usage is refused only for money that is held.
  expect(held).toBeGreaterThan(0);
  expect(posted + held).toBeLessThanOrEqual(4_205);
  expect(posted).toBeGreaterThanOrEqual(Math.min(EVENTS, 4_205 - held));
  const [wallet] = await ledger.queries.wallets({ tenant: 'default', account: 'acme', limit: 1 });
  expect(wallet).toMatchObject({ posted: BigInt(4_200 - posted) * USD, held: BigInt(held) * USD });
  expect((await booksOf(ledger)).failed).toEqual([]);
});
