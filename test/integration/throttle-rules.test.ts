import { describe, expect, test } from 'vitest';
import { walletsWithSlowdownOver } from '../../src/adapters/postgres/due-wallets.ts';
import { addressOf, formatWalletId } from '../../src/domain/ids.ts';
import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { setLimits } from '../../src/pipeline/admin/set-limits.ts';
import { codeOf, expectProven } from '../support/corrections.ts';
import { openTestLedger, START_MS, type TestLedger, USD } from '../support/ledger.ts';
import { verifyAfter } from '../support/verify.ts';

const rule = (id: string, window: string) => `id: ${id}
title: Far above its busy hours
why: A test.
owner: team@example.com
mode: live
review_by: 2099-01-01
detect: { kind: burst, of: spend, window: ${window}, times: 3, min_hours: 24, floor: { above_expected: 5.00 USD } }
say: "{observed} in {window}."
score: 40
once: { per: account, for: 2h, again_if: never }
tests:
  - { name: jump, series: "1x48 30@10min", expect: fires }
  - { name: steady, series: "1x48 1", expect: quiet }
  - { name: new, series: "1x3 30@10min", expect: inconclusive }
`;

const SLOW = '{ kind: throttle_wallet, hours: 6, limit: 5.00 USD, per: 1h }';

interface Settings {
  readonly review?: string;
  readonly freeze?: string;
  readonly more?: string;
  /** How many rules fire together: one is enough for a review, two for a freeze. */
  readonly rules?: 1 | 2;
}

function rulesetWith({ review = '', freeze = '', more = '', rules = 2 }: Settings): Ruleset {
  const actions = (first: string) => `actions: [${first}${first === '' ? '' : ', '}{ kind: notify, to: support }]`;
  const settings = `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 69, outcome: review, ${actions(review)} }
  - { from: 70, to: 100, outcome: freeze, ${actions(`{ kind: freeze_wallet, hours: 24 }${freeze === '' ? '' : `, ${freeze}`}`)} }
${more}
budgets: { alerts_per_day: 40, freezes_per_day: 20 }
`;
  const loaded = loadRuleset([
    { path: 'hour.yaml', text: rule('hour', '1h') },
    { path: 'half.yaml', text: rules === 2 ? rule('half', '30min') : rule('half', '30min').replace('live', 'draft') },
    { path: 'ruleset.yaml', text: settings.replace('\n\n', '\n') },
    { path: 'pricing.yaml', text: 'currency: USD\nmeters:\n  - { name: dollars, unit: dollar, price: 1 USD }\n' },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

const JUMP_MS = START_MS + 48 * HOUR_MS;

/** Two days of a dollar an hour, then thirty at once: what the rules are for. */
async function jump(ledger: TestLedger, account = 'acme'): Promise<void> {
  for (let hour = 0; hour < 49; hour++) {
    const atMs = START_MS + hour * HOUR_MS;
    const dollars = hour < 48 ? '1' : '30';
    await ledger.use(account, [{ id: `${account}-${hour}`, dollars, atMs, receivedAtMs: atMs }]);
  }
}

async function spend(ledger: TestLedger, dollars: string, atMs: number, account = 'acme'): Promise<string> {
  const [status] = await ledger.use(account, [
    { id: `later-${account}-${atMs}-${dollars}`, dollars, atMs, receivedAtMs: atMs },
  ]);
  return status !== undefined && 'code' in status ? (status.code ?? '') : (status?.status ?? '');
}

async function walletOf(ledger: TestLedger, account = 'acme') {
  const [shown] = await ledger.queries.wallet({ tenant: 'default', name: account });
  if (shown === undefined) throw new Error(`${account} has no wallet`);
  return shown.wallet;
}

async function statuses(ledger: TestLedger): Promise<readonly Record<string, unknown>[]> {
  const { rows } = await ledger.pool.query<{ payload: Record<string, unknown> }>(
    'select payload from outbox order by outbox_id',
  );
  return rows.map(({ payload }) => payload);
}

async function lastAlert(ledger: TestLedger, account = 'acme') {
  const [alert] = await ledger.queries.alerts({ tenant: 'default', account, limit: 1 });
  return { ...alert, text: alert?.summary.replace(/\s+/g, ' ') ?? '' };
}

const lifting = (key: string, nowMs: number, lift: 'now' | 'over' = 'now') => ({
  wallet: { tenant: 'default', name: 'acme' },
  lift,
  overdraftNanos: 100_000n * USD,
  key,
  actor: 'test:ana',
  reason: 'their own usage',
  nowMs,
  dryRun: false,
});

describe('a band that slows down', () => {
  test('limits what the next events may spend, says so, and ends by itself', async () => {
    const ruleset = rulesetWith({ review: SLOW, rules: 1 });
    const ledger = await openTestLedger(ruleset);
    await jump(ledger);
    const untilMs = JUMP_MS + 6 * HOUR_MS;
    expect((await walletOf(ledger)).throttle).toMatchObject({ limit: 5n * USD, slowed: { untilMs, own: null } });
    const alert = await lastAlert(ledger);
    expect(alert.outcome).toBe('review');
    expect(alert.title).toContain('wallet slowed down');
    expect(alert.text).toContain('Slowed down: at most $5.00 in 1 hour is charged until 4 Mar 15:00 UTC');
    expect((await statuses(ledger)).at(-1)).toMatchObject({
      status: 'slowed',
      until: new Date(untilMs).toISOString(),
      limitNanos: '5000000000',
      periodSeconds: 3_600,
      reason: 'hour',
      decision: expect.stringMatching(/^dec_/),
    });
    expect(await spend(ledger, '4', JUMP_MS + MINUTE_MS)).toBe('posted');
    expect(await spend(ledger, '2', JUMP_MS + 2 * MINUTE_MS)).toBe('throttled');
    const tampered = [`update wallet set slowed = slowed || '{"limit":"900000000000"}' where slowed is not null`];
    const { found } = await verifyAfter(ledger.pool, tampered, { ruleset });
    expect(found.map(({ table, column }) => `${table}.${column}`)).toEqual(['wallet.slowed']);
    const freed = await verifyAfter(ledger.pool, ['update wallet set slowed = null where slowed is not null'], {
      ruleset,
    });
    expect(freed.found.map(({ table, column }) => `${table}.${column}`)).toEqual(['wallet.slowed']);
    // Another process knows the same, and the spent part of the hour.
    await ledger.takeOver();
    expect(await spend(ledger, '3', JUMP_MS + 3 * MINUTE_MS)).toBe('throttled');
    expect(await spend(ledger, '1', JUMP_MS + 4 * MINUTE_MS)).toBe('posted');
    expect(await spend(ledger, '4', untilMs)).toBe('posted');
    expect((await walletOf(ledger)).throttle).toBeNull();
    expect((await statuses(ledger)).at(-1)).toMatchObject({ status: 'thawed' });
    await ledger.takeOver();
    expect(await spend(ledger, '9', untilMs + MINUTE_MS)).toBe('posted');
    await expectProven(ledger);
    expect((await verifyAfter(ledger.pool, [], { ruleset })).found).toEqual([]);
  });

  test('leaves the limit that people have set in force, beside it and after it', async () => {
    const ruleset = rulesetWith({ review: SLOW, rules: 1 });
    const ledger = await openTestLedger(ruleset);
    await jump(ledger);
    const own = { limit: 20n * USD, periodMs: 24 * HOUR_MS };
    const { lift: _lift, ...setting } = lifting('own', JUMP_MS + MINUTE_MS);
    await setLimits(ledger.admin, { ...setting, throttle: own });
    expect((await walletOf(ledger)).throttle).toMatchObject({ limit: 5n * USD, slowed: { own } });
    for (let hour = 1; hour <= 4; hour++) expect(await spend(ledger, '5', JUMP_MS + hour * HOUR_MS)).toBe('posted');
    // Both hold: this hour is empty, and the day's twenty are spent.
    expect(await spend(ledger, '1', JUMP_MS + 5 * HOUR_MS)).toBe('throttled');
    await ledger.takeOver();
    expect(await spend(ledger, '1', JUMP_MS + 6 * HOUR_MS)).toBe('throttled');
    expect((await walletOf(ledger)).throttle).toMatchObject({ ...own, spent: 20n * USD });
    expect((await walletOf(ledger)).throttle?.slowed).toBeUndefined();
    expect((await verifyAfter(ledger.pool, [], { ruleset })).found).toEqual([]);
  });

  test('is lifted by a person, once, and by the sweeper only when its date has passed', async () => {
    const ruleset = rulesetWith({ review: SLOW, rules: 1 });
    const ledger = await openTestLedger(ruleset);
    await jump(ledger);
    const untilMs = JUMP_MS + 6 * HOUR_MS;
    expect(await spend(ledger, '8', JUMP_MS + MINUTE_MS)).toBe('throttled');
    expect(await walletsWithSlowdownOver(ledger.pool, untilMs - 1)).toEqual([]);
    const { walletId } = addressOf('default', 'acme', 'USD');
    expect(await walletsWithSlowdownOver(ledger.pool, untilMs)).toEqual([{ tenant: 'default', walletId, untilMs }]);
    const early = setLimits(ledger.admin, lifting('early', untilMs - 1, 'over'));
    expect(await codeOf(early)).toBe('WALLET_STATE');
    const answer = await setLimits(ledger.admin, lifting('lift', JUMP_MS + 2 * MINUTE_MS));
    expect(answer).toMatchObject({ spendLimit: null, released: { events: 1, amount: 8n * USD } });
    expect(await setLimits(ledger.admin, lifting('lift', JUMP_MS + 3 * MINUTE_MS))).toMatchObject({ isRepeated: true });
    expect(await codeOf(setLimits(ledger.admin, lifting('again', JUMP_MS + 3 * MINUTE_MS)))).toBe('WALLET_STATE');
    expect(await spend(ledger, '50', JUMP_MS + 4 * MINUTE_MS)).toBe('posted');
    const { rows } = await ledger.pool.query<{ actor: string; lifted: unknown }>(
      `select actor, detail -> 'lifted' as lifted from audit_log where subject = $1 and detail ->> 'lifted' is not null`,
      [formatWalletId(walletId)],
    );
    expect(rows).toEqual([{ actor: 'test:ana', lifted: { untilMs, by: expect.stringMatching(/^dec_/) } }]);
    expect((await verifyAfter(ledger.pool, [], { ruleset })).found).toEqual([]);
  });

  test('lets an account spend its own usual when that is more', async () => {
    const ledger = await openTestLedger(
      rulesetWith({ review: SLOW.replace('5.00 USD', '0.50 USD').replace(' }', ', of_usual: 150% }'), rules: 1 }),
    );
    await jump(ledger);
    expect((await walletOf(ledger)).throttle?.limit).toBe((3n * USD) / 2n);
  });

  test('costs nothing in shadow: only live rules act', async () => {
    const ruleset = rulesetWith({ review: SLOW, rules: 1 });
    const files = (ruleset.files ?? []).map(({ path, text }) => ({
      path,
      text: text.replace('mode: live', 'mode: shadow'),
    }));
    const loaded = loadRuleset(files);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
    const ledger = await openTestLedger(loaded.ruleset);
    await jump(ledger);
    expect((await walletOf(ledger)).throttle).toBeNull();
    expect(await statuses(ledger)).toEqual([]);
  });
});

describe('the expected loss', () => {
  test('chooses a slow-down between review and freeze, with its sum', async () => {
    const more = 'costs: { review: 5.00 USD, friction: 1500.00 USD }';
    const ledger = await openTestLedger(
      rulesetWith({ freeze: SLOW.replace('5.00 USD', '15.00 USD').replace('hours: 6', 'hours: 24'), more }),
    );
    await jump(ledger);
    expect(await walletOf(ledger)).toMatchObject({ status: 'active', throttle: { limit: 15n * USD } });
    const { outcome, text } = await lastAlert(ledger);
    expect(outcome).toBe('review');
    // 0.8 x 15 x 12 hours + 0.2 x 1,500 x (15/30)^2 + 5.
    expect(text).toContain(
      'slow down $224.00 ($144.00 lost to abuse + $75.00 in case the customer is honest + $5.00 of work)',
    );
    expect(text).toContain('The points would allow freeze; slow down is cheaper.');
    expect(text).toContain('Not frozen: a freeze is expected to cost $307.40, a slow-down only $224.00.');
  });
});

describe('caps', () => {
  // Accounts of one lane: every lane has its part of a cap, at least one.
  function neighbours(count: number): readonly string[] {
    const names: string[] = [];
    const lane = addressOf('default', 'acme', 'USD').shard % 4;
    for (let index = 0; names.length < count; index++) {
      if (addressOf('default', `n${index}`, 'USD').shard % 4 === lane) names.push(`n${index}`);
    }
    return names;
  }

  test('hold a second slow-down of an hour back, say so, and allow it an hour later', async () => {
    const ruleset = rulesetWith({ review: SLOW, rules: 1, more: 'caps: { throttles: { per_hour: 4, per_day: 8 } }' });
    const ledger = await openTestLedger(ruleset);
    const [first = '', second = ''] = neighbours(2);
    await jump(ledger, first);
    await jump(ledger, second);
    expect((await walletOf(ledger, first)).throttle).not.toBeNull();
    expect((await walletOf(ledger, second)).throttle).toBeNull();
    expect((await lastAlert(ledger, second)).text).toContain(
      'not slowed down: this part of the accounts has had its 1 slow-downs in an hour',
    );
    // What was done is read again by the lane's next writer.
    await ledger.takeOver();
    await spend(ledger, '40', JUMP_MS + 2 * HOUR_MS + MINUTE_MS, second);
    expect((await walletOf(ledger, second)).throttle).not.toBeNull();
    await expectProven(ledger);
  });

  test('let a freeze that is held back become a slow-down', async () => {
    const more = 'caps: { freezes: { of_accounts: 1% } }';
    const ledger = await openTestLedger(rulesetWith({ freeze: SLOW, more }));
    const [first = '', second = ''] = neighbours(2);
    await jump(ledger, first);
    await jump(ledger, second);
    expect((await walletOf(ledger, first)).status).toBe('frozen');
    expect(await walletOf(ledger, second)).toMatchObject({ status: 'active', throttle: { limit: 5n * USD } });
    const { outcome, text } = await lastAlert(ledger, second);
    expect(outcome).toBe('review');
    expect(text).toContain('Not frozen: 1 % of these 2 accounts have had one of the freezes of 24 hours.');
  });

  test('bound what all actions of a day are expected to cost honest customers', async () => {
    const more = `costs: { review: 5.00 USD, friction: 25.00 USD }
caps: { friction_per_day: 40.00 USD }`;
    const ledger = await openTestLedger(rulesetWith({ more }));
    const [first = '', second = ''] = neighbours(2);
    await jump(ledger, first);
    await jump(ledger, second);
    // 0.2 x (25 + 12 hours of the usual dollar) each; a lane's part of the cap is ten.
    expect((await walletOf(ledger, first)).status).toBe('frozen');
    expect((await walletOf(ledger, second)).status).toBe('active');
    expect((await lastAlert(ledger, second)).text).toContain('expected to cost honest customers is used up');
  });
});
