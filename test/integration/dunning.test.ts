import { describe, expect, test } from 'vitest';
import { createDeliveryStore } from '../../src/adapters/postgres/delivery-store.ts';
import { createDunningStore } from '../../src/adapters/postgres/dunning/dunning-store.ts';
import { createStoryStore } from '../../src/adapters/postgres/story-store.ts';
import type { DunningStep } from '../../src/domain/dunning/episode.ts';
import { formatWalletId } from '../../src/domain/ids.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { approveDraft, editDraft, sendDraft } from '../../src/pipeline/dunning/decide-draft.ts';
import { type DunningSweep, sweepDunning } from '../../src/pipeline/dunning/sweep-dunning.ts';
import { autoTopUp, sweepAutoTopUps } from '../../src/pipeline/stripe/auto-top-up.ts';
import type { MoneyIn } from '../../src/pipeline/stripe/money-in.ts';
import { withDunning } from '../../src/wire/dunning.ts';
import { codeOf } from '../support/corrections.ts';
import { credit, limit } from '../support/credit.ts';
import { PLAIN_RULESET, USD } from '../support/ledger.ts';
import { deliverAll, openMoneyIn, type TestMoney } from '../support/money-in.ts';

interface Stage {
  readonly money: TestMoney;
  readonly dunned: MoneyIn;
  readonly parts: DunningSweep;
  readonly card: string;
  readonly walletId: bigint;
}

/** An account at a dollar a day with ten dollars and a card that is declined. */
async function openStage(
  options: { readonly card?: string; readonly sends?: readonly DunningStep[]; readonly email?: string | null } = {},
): Promise<Stage> {
  const money = await openMoneyIn();
  await credit(money.ledger, 'acme', 10);
  for (let day = 0; day < 5; day++) {
    const now = { atMs: money.now(), receivedAtMs: money.now() };
    await money.ledger.use('acme', [{ id: `d${day}`, dollars: '1', ...now }]);
    money.advance(DAY_MS);
  }
  const { card } = await money.withCard('acme', options.card ?? 'pm_card_chargeCustomerFail');
  const walletId = await money.setAuto('acme');
  const email = options.email === undefined ? 'kim@customer.example' : options.email;
  await money.ledger.pool.query(
    `insert into account_contact (tenant_id, account_id, email, person_name, language, time_zone, changed_at, changed_by)
     values ('default', 'acme', $1, 'Kim', 'en', 'Europe/Berlin', now(), 'test')`,
    [email],
  );
  const { pool } = money.ledger;
  const deliveries = createDeliveryStore(pool);
  const parts: DunningSweep = {
    store: createDunningStore(pool),
    openCase: money.store.openCase,
    alone: money.store.alone,
    admin: money.ledger.admin,
    stories: createStoryStore(pool),
    async queue(tenant, message, to) {
      const target = { destination: 'customer' as const, target: to };
      await deliveries.queue({ tenant, message, to: to === null ? [] : [target] }, money.now());
    },
    overdraftNanos: () => PLAIN_RULESET.overdraftNanos,
    sends: new Set(options.sends ?? []),
    slows: true,
    payUrl: 'https://app.example.com/billing',
    now: money.now,
  };
  return { money, dunned: withDunning(money, parts), parts, card, walletId };
}

const spend = (money: TestMoney, id: string, dollars: string) =>
  money.ledger.use('acme', [{ id, dollars, atMs: money.now(), receivedAtMs: money.now() }]);

const mails = async ({ money }: Stage) =>
  (await createDeliveryStore(money.ledger.pool).list({ tenant: 'default', limit: 50 })).map(({ messageId, target }) => [
    messageId,
    target,
  ]);

describe('a declined top-up', () => {
  test('is tried again when it is likely to go through, and everything is as before once it was paid', async () => {
    const stage = await openStage();
    const { money, dunned, parts, card, walletId } = stage;
    expect(await autoTopUp(dunned, walletId)).toMatchObject({ status: 'declined' });
    await deliverAll(money, 2);
    const episode = await parts.store.ofWallet(walletId);
    expect(episode).toMatchObject({ state: 'open', retries: 0, declineClass: 'retry', percent: 100 });
    expect(episode?.reason).toMatch(/^Try 1 at 20\d\d-/);
    const nextMs = episode?.nextTryAtMs ?? 0;
    expect(nextMs).toBeGreaterThanOrEqual(money.now() + 12 * HOUR_MS);
    expect((await money.store.auto.read(walletId))?.pausedUntilMs).toBe(nextMs);

    await sweepDunning(parts);
    await sweepDunning(parts);
    expect((await parts.store.drafts({ limit: 9 })).map(({ step, status }) => [step, status])).toEqual([
      ['reminder', 'draft'],
    ]);
    expect(await mails(stage)).toEqual([]);

    money.advance(nextMs - money.now() - 1);
    expect(await sweepAutoTopUps(dunned)).toBe(0);
    money.advance(1);
    money.sandbox.control.setDecline(card, undefined);
    expect(await sweepAutoTopUps(dunned)).toBe(1);
    await deliverAll(money);
    expect(await money.dollars('acme')).toBe(55);
    await sweepDunning(parts);
    expect(await parts.store.ofWallet(walletId)).toBeUndefined();
    expect((await parts.store.list('default', 9)).map(({ state }) => state)).toEqual(['recovered']);
    expect((await parts.store.drafts({ limit: 9 })).map(({ status }) => status)).toEqual(['withdrawn']);
    expect((await parts.store.model())?.learned).toBe(2);
  });

  test('slows the account down as the balance runs out, and no longer once it was paid', async () => {
    const stage = await openStage();
    const { money, dunned, parts, walletId } = stage;
    await autoTopUp(dunned, walletId);
    const own = () => parts.store.ownLimit(walletId);
    await sweepDunning(parts);
    expect(await own()).toBeNull();
    // Five dollars of overdraft and two of balance at a dollar a day: still a week.
    await spend(money, 'x1', '8');
    await sweepDunning(parts);
    expect((await parts.store.ofWallet(walletId))?.percent).toBe(25);
    // A quarter of a dollar a day, by the hour.
    expect(await own()).toEqual({ limit: (USD * 25n) / 2_400n, periodMs: HOUR_MS });
    expect((await parts.store.drafts({ limit: 9 })).map(({ step, status }) => [step, status])).toEqual([
      ['reminder', 'withdrawn'],
      ['action_needed', 'draft'],
    ]);
    expect((await parts.store.drafts({ limit: 9 })).at(-1)?.content.paragraphs.join(' ')).toContain('runs at 25 %');

    await money.withCard('acme', 'pm_card_visa');
    money.advance(HOUR_MS);
    expect(await sweepAutoTopUps(dunned)).toBe(1);
    await deliverAll(money);
    await sweepDunning(parts);
    expect(await own()).toBeNull();
    expect((await parts.store.list('default', 9))[0]).toMatchObject({ state: 'recovered', percent: 100 });
  });

  test('leaves limits of people alone: tighter ones, and those set meanwhile', async () => {
    const { money, dunned, parts, walletId } = await openStage();
    await limit(money.ledger, 'acme', { throttle: { limit: 1_000n, periodMs: HOUR_MS } });
    await autoTopUp(dunned, walletId);
    await spend(money, 'x1', '0');
    await money.ledger.pool.query(`update wallet set posted = posted - 8000000000, seq = seq where wallet_id = $1`, [
      walletId,
    ]);
    await sweepDunning(parts);
    expect(await parts.store.ownLimit(walletId)).toEqual({ limit: 1_000n, periodMs: HOUR_MS });
    await limit(money.ledger, 'acme', { throttle: null });
    await sweepDunning(parts);
    expect((await parts.store.ofWallet(walletId))?.percent).toBe(25);
    const theirs = { limit: 77n * USD, periodMs: DAY_MS };
    await limit(money.ledger, 'acme', { throttle: theirs });
    await money.withCard('acme', 'pm_card_visa');
    money.advance(HOUR_MS);
    expect(await sweepAutoTopUps(dunned)).toBe(1);
    await deliverAll(money);
    await sweepDunning(parts);
    expect(await parts.store.ownLimit(walletId)).toEqual(theirs);
    expect((await parts.store.list('default', 9))[0]).toMatchObject({ state: 'recovered' });
  });

  test('on suspicion goes to a person: no try, no mail', async () => {
    const stage = await openStage();
    const { money, dunned, parts, card, walletId } = stage;
    money.sandbox.control.setDecline(card, { declineCode: 'stolen_card' });
    await autoTopUp(dunned, walletId);
    money.advance(30 * DAY_MS);
    expect(await sweepAutoTopUps(dunned)).toBe(0);
    await sweepDunning(parts);
    expect(await parts.store.drafts({ limit: 9 })).toEqual([]);
    expect((await parts.store.list('default', 9))[0]).toMatchObject({ state: 'handed_over', nextTryAtMs: null });
    expect(await money.openCases()).toEqual(['dunning_suspected_fraud']);
    // Another card does not make it good.
    await money.withCard('acme', 'pm_card_visa');
    expect(await sweepAutoTopUps(dunned)).toBe(0);
  });

  test('that the bank forbids to repeat waits for another card, and says so', async () => {
    const stage = await openStage();
    const { money, dunned, parts, card, walletId } = stage;
    money.sandbox.control.setDecline(card, { declineCode: 'insufficient_funds', adviceCode: 'do_not_try_again' });
    await autoTopUp(dunned, walletId);
    money.advance(20 * DAY_MS);
    expect(await sweepAutoTopUps(dunned)).toBe(0);
    await sweepDunning(parts);
    const [draft] = await parts.store.drafts({ limit: 9 });
    expect(draft?.step).toBe('action_needed');
    // The bank’s advice stays between the bank and us.
    expect(draft?.content.paragraphs.join(' ')).toContain('your bank declined it');
  });

  test('of a code nobody knows is tried once more, and not again', async () => {
    const stage = await openStage();
    const { money, dunned, parts, card, walletId } = stage;
    money.sandbox.control.setDecline(card, { declineCode: 'moon_in_retrograde' });
    await autoTopUp(dunned, walletId);
    let tries = 0;
    for (let day = 0; day < 20; day++) {
      money.advance(DAY_MS);
      tries += await sweepAutoTopUps(dunned);
    }
    expect(tries).toBe(1);
    expect(await parts.store.ofWallet(walletId)).toMatchObject({ state: 'given_up', retries: 1 });
    await sweepDunning(parts);
    expect((await parts.store.drafts({ limit: 9 })).map(({ step }) => step)).toEqual(['final']);
  });

  test('is tried at most four times in two weeks, never sooner than half a day after the last', async () => {
    const { money, dunned, parts, walletId } = await openStage();
    await autoTopUp(dunned, walletId);
    const tries: number[] = [money.now()];
    for (let hour = 0; hour < 24 * 20; hour++) {
      money.advance(HOUR_MS);
      if ((await sweepAutoTopUps(dunned)) > 0) tries.push(money.now());
    }
    expect(tries.length - 1).toBeGreaterThanOrEqual(2);
    expect(tries.length - 1).toBeLessThanOrEqual(4);
    for (let at = 1; at < tries.length; at++)
      expect((tries[at] ?? 0) - (tries[at - 1] ?? 0)).toBeGreaterThanOrEqual(12 * HOUR_MS);
    expect(await parts.store.ofWallet(walletId)).toMatchObject({ state: 'given_up' });
  }, 120_000);
});

describe('drafts', () => {
  test('wait for approval, are sent once, and only as they may be said', async () => {
    const stage = await openStage();
    const { money, dunned, parts, walletId } = stage;
    await autoTopUp(dunned, walletId);
    await sweepDunning(parts);
    const [draft] = await parts.store.drafts({ limit: 9 });
    const draftId = draft?.draftId ?? '';
    const edit = (body: string) =>
      editDraft(parts, { tenant: 'default', draftId, subject: undefined, body, by: 'cli:ana' });
    for (const wrong of ['Pay $99.00 now.', 'Your card was reported stolen.', 'See https://evil.example.com', ' '])
      expect(await codeOf(edit(wrong))).toBe('DRAFT_REFUSED');
    expect((await parts.store.draft('default', draftId))?.draft.content).toEqual(draft?.content);
    await edit('Hi Kim,\n\nyour top-up of $50.00 did not go through.');
    await approveDraft(parts, 'default', draftId, 'cli:ana');
    expect(await codeOf(approveDraft(parts, 'default', draftId, 'cli:bob'))).toBe('DRAFT_STATE');
    expect(await codeOf(edit('Too late.'))).toBe('DRAFT_STATE');
    await sweepDunning(parts);
    await sweepDunning(parts);
    expect(await mails(stage)).toEqual([[draftId, 'kim@customer.example']]);
    expect(await codeOf(sendDraft(parts, 'default', draftId, 'cli:bob'))).toBe('DRAFT_STATE');
    expect(await codeOf(sendDraft(parts, 'other', draftId, 'cli:bob'))).toBe('DRAFT_NOT_FOUND');
    const { rows } = await money.ledger.pool.query(
      `select action, actor from audit_log where action like 'dunning.%' order by audit_id`,
    );
    expect(rows).toEqual([
      { action: 'dunning.edit', actor: 'cli:ana' },
      { action: 'dunning.approved', actor: 'cli:ana' },
      { action: 'dunning.sent', actor: 'cli:ana' },
    ]);
  });

  test('of steps that may be sent leave by themselves; a customer without an address gets none', async () => {
    const stage = await openStage({ sends: ['reminder'], email: null });
    const { dunned, parts, walletId } = stage;
    await autoTopUp(dunned, walletId);
    await sweepDunning(parts);
    await sweepDunning(parts);
    expect((await parts.store.drafts({ limit: 9 })).map(({ status }) => status)).toEqual(['sent']);
    expect(await mails(stage)).toEqual([]);
  });
});

test('a wallet has one episode, whatever top-ups fail meanwhile', async () => {
  const { money, dunned, parts, walletId } = await openStage();
  await autoTopUp(dunned, walletId);
  const first = await parts.store.ofWallet(walletId);
  money.advance(15 * DAY_MS);
  await sweepAutoTopUps(dunned);
  expect((await parts.store.list('default', 9)).map(({ episodeId }) => episodeId)).toEqual([first?.episodeId]);
  expect(formatWalletId(first?.walletId ?? 0n)).toMatch(/^wal_/);
});
