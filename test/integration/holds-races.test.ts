import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { PostgresLaneStore } from '../../src/adapters/postgres/lane-store.ts';
import { loadRuleset, type Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { ask, fund } from '../support/holds.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';
import { BURST_RULE, PRICING, SETTINGS } from '../unit/rules-samples.ts';

/** Freezes an account of an hour's standing whose events come back altered. */
function freezingRuleset(): Ruleset {
  const tampered = BURST_RULE.replace('id: burst', 'id: tampered')
    .replace('of: spend', 'of: altered')
    .replace('  times: 6\n', '  limit: 2\n  min_hours: 1\n')
    .replace('  floor: { above_expected: 10.00 USD }\n', '')
    .replace('score: 40', 'score: 60');
  const result = loadRuleset(
    [
      { path: 'rules/tampered.yaml', text: tampered },
      // No rule may freeze alone.
      { path: 'rules/again.yaml', text: tampered.replace('id: tampered', 'id: again').replace('limit: 2', 'limit: 3') },
      { path: 'rules/ruleset.yaml', text: SETTINGS.replace('freezes_per_day: 20', 'freezes_per_day: 1000') },
      { path: 'rules/pricing.yaml', text: PRICING },
    ],
    { runTests: false },
  );
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

/**
 * Looks at the wallet at the very commit of every hold, a moment late so that whoever does not wait is seen: a hold that
 * commits on a wallet whose freeze is in the books already is written down.
 */
async function watchCommits(ledger: TestLedger): Promise<() => Promise<readonly string[]>> {
  await ledger.pool.query(`
    create table late_hold (hold_id text);
    create function watch_hold() returns trigger language plpgsql as $$
    begin
      perform pg_sleep(0.02);
      insert into late_hold select new.hold_id from wallet w where w.wallet_id = new.wallet_id and w.status <> 'active';
      return null;
    end $$;
    create constraint trigger watch_hold after insert on hold deferrable initially deferred
      for each row execute function watch_hold()`);
  return async () => {
    const { rows } = await ledger.pool.query<{ hold_id: string }>('select hold_id from late_hold');
    return rows.map((row) => row.hold_id);
  };
}

async function statusOf(ledger: TestLedger, account: string): Promise<string | undefined> {
  return (await ledger.queries.wallets({ tenant: 'default', account, limit: 1 }))[0]?.status;
}

test('once a freeze by the rules is in the books, no hold follows that was judged before it', async () => {
  const ledger = await openTestLedger(freezingRuleset());
  const lateHolds = await watchCommits(ledger);
  let granted = 0;
  let refused = 0;
  for (let round = 0; round < 10; round++) {
    const account = `acct_${round}`;
    await fund(ledger, account, 100);
    await ledger.use(account, [{ id: `${account}-x`, meter: 'api.calls' }]);
    const later = START_MS + 30 * HOUR_MS;
    const copies = Array.from({ length: 6 }, (_, index) => ({
      id: `${account}-x`,
      meter: 'api.calls',
      dollars: String(index + 2),
      receivedAtMs: later,
    }));
    const holds = Array.from({ length: 8 }, async (_, index) => {
      for (let turns = 0; turns < index * 3; turns++) await new Promise((resolve) => setImmediate(resolve));
      return ask(ledger, account, `${account}-h${index}`, { do: 'place', dollars: 1 }, { nowMs: later });
    });
    const [answers] = await Promise.all([Promise.all(holds), ledger.use(account, copies)]);
    expect(await statusOf(ledger, account)).toBe('frozen');
    expect(answers.every((answer) => answer.ok || answer.code === 'WALLET_FROZEN')).toBe(true);
    granted += answers.filter(({ ok }) => ok).length;
    refused += answers.filter(({ ok }) => !ok).length;
  }
  expect(await lateHolds()).toEqual([]);
  // Both sides of the race were seen.
  expect(granted).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
}, 120_000);

test('once a freeze by hand is in the books, no hold follows', async () => {
  const ledger = await openTestLedger();
  const lateHolds = await watchCommits(ledger);
  let granted = 0;
  let refused = 0;
  for (let round = 0; round < 10; round++) {
    const account = `acct_${round}`;
    await fund(ledger, account, 100);
    await ask(ledger, account, `${account}-first`, { do: 'place', dollars: 1 });
    const holds = Array.from({ length: 12 }, (_, index) =>
      ask(
        ledger,
        account,
        `${account}-h${index}`,
        { do: 'place', dollars: 1 },
        { by: index % 3 === 0 ? 'direct' : 'lane' },
      ),
    );
    const wallet = { tenant: 'default', name: account };
    const common = { reason: 'a test', key: `freeze-${round}`, actor: 'test', nowMs: START_MS, dryRun: false };
    const [answers] = await Promise.all([Promise.all(holds), freeze(ledger.admin, { ...common, wallet, hours: 2 })]);
    granted += answers.filter(({ ok }) => ok).length;
    refused += answers.filter(({ ok }) => !ok).length;
    expect(await ask(ledger, account, `${account}-last`, { do: 'place', dollars: 1 })).toMatchObject({ ok: false });
  }
  expect(await lateHolds()).toEqual([]);
  expect(granted).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
}, 120_000);

test('a group of holds that fails to commit leaves nothing behind, in memory or in the books', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 10);
  await ask(ledger, 'acme', 'first', { do: 'place', dollars: 1 });
  await ledger.pool.query(`
    create sequence failures;
    create function fail_twice() returns trigger language plpgsql as $$
    begin
      if nextval('failures') <= 2 then raise exception 'the disk is full' using errcode = 'disk_full'; end if;
      return null;
    end $$;
    create constraint trigger fail_twice after insert on hold deferrable initially deferred
      for each row execute function fail_twice()`);
  const [hold, usage] = await Promise.all([
    ask(ledger, 'acme', 'second', { do: 'place', dollars: 2 }),
    ledger.use('acme', [{ id: 'a', dollars: '1' }]),
  ]);
  expect([hold, usage]).toMatchObject([{ ok: true }, [{ status: 'posted' }]]);
  // 10 − 1 used − 3 held, and five below: exactly that is left.
  expect(await ask(ledger, 'acme', 'third', { do: 'place', dollars: 11.01 })).toMatchObject({ ok: false });
  expect(await ask(ledger, 'acme', 'third', { do: 'place', dollars: 11 })).toMatchObject({ ok: true });
  const [wallet] = await ledger.queries.wallets({ tenant: 'default', limit: 1 });
  expect(wallet).toMatchObject({ posted: 9n * USD, held: 14n * USD });
});

test('freed money is given out again only once it is free in the books', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 10);
  await ledger.use('acme', [{ id: 'known', dollars: '0' }]);
  await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 15 });
  await ledger.pool.query(`
    create sequence failures;
    create function fail_once() returns trigger language plpgsql as $$
    begin
      perform pg_sleep(0.15);
      if nextval('failures') <= 1 then raise exception 'the disk is full' using errcode = 'disk_full'; end if;
      return null;
    end $$;
    create constraint trigger fail_once after update on hold deferrable initially deferred
      for each row execute function fail_once()`);
  // The usage comes while the release is on its way to a commit that fails.
  const released = ask(ledger, 'acme', 'h1', { do: 'release' });
  await sleep(60);
  const [usage] = await ledger.use('acme', [{ id: 'a', dollars: '15' }]);
  expect(usage).toMatchObject({ status: 'quarantined', code: 'over_limit' });
  expect(await released).toMatchObject({ ok: true });
  const [wallet] = await ledger.queries.wallets({ tenant: 'default', limit: 1 });
  expect(wallet).toMatchObject({ posted: 10n * USD, held: 0n });
});

/** A store whose news of a commit of holds comes late, as it may on a connection of its own. */
class LateNews extends PostgresLaneStore {
  override async transactHolds<T>(
    ...args: Parameters<typeof PostgresLaneStore.prototype.transactHolds<T>>
  ): Promise<T> {
    const result = await super.transactHolds<T>(...args);
    await sleep(150);
    return result;
  }
}

test('money that a reload has found free already is not freed a second time', async () => {
  const ledger = await openTestLedger(PLAIN_RULESET, LateNews);
  await fund(ledger, 'acme', 10);
  await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 10 });
  const released = ask(ledger, 'acme', 'h1', { do: 'release' });
  await sleep(60);
  // A top-up makes the lane reload the wallet before the news of the release has come.
  await fund(ledger, 'acme', 1, 'more');
  expect(await ledger.use('acme', [{ id: 'a', dollars: '1' }])).toMatchObject([{ status: 'posted' }]);
  expect(await released).toMatchObject({ ok: true });
  expect(await ask(ledger, 'acme', 'h2', { do: 'place', dollars: 15.01 })).toMatchObject({ ok: false });
  expect(await ask(ledger, 'acme', 'h2', { do: 'place', dollars: 15 })).toMatchObject({ ok: true });
});
