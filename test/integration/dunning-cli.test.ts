import { expect, test } from 'vitest';
import { createDunningStore } from '../../src/adapters/postgres/dunning/dunning-store.ts';
import { parseConfig } from '../../src/config.ts';
import { planAfterDecline } from '../../src/pipeline/dunning/dunning.ts';
import { sweepDunning } from '../../src/pipeline/dunning/sweep-dunning.ts';
import { autoTopUp } from '../../src/pipeline/stripe/auto-top-up.ts';
import { openBooks } from '../../src/wire/books.ts';
import { createDunning } from '../../src/wire/dunning.ts';
import { runCli } from '../support/cli.ts';
import { credit } from '../support/credit.ts';
import { PLAIN_RULESET } from '../support/ledger.ts';
import { openMoneyIn } from '../support/money-in.ts';

test('dunning list, show, edit, approve and send work on what failed', async () => {
  const money = await openMoneyIn();
  await credit(money.ledger, 'acme', 5);
  await money.withCard('acme', 'pm_card_chargeCustomerFail');
  const walletId = await money.setAuto('acme');
  const { pool, connectionString } = money.ledger;
  const config = parseConfig({ DATABASE_URL: connectionString, TOLLKEEPER_PAY_URL: 'https://app.example.com/pay' });
  const parts = createDunning(pool, { config, ruleset: () => PLAIN_RULESET, now: money.now });
  await autoTopUp(
    { ...money, afterDecline: (topUp, decline, nowMs) => planAfterDecline(parts, topUp, decline, nowMs) },
    walletId,
  );
  await sweepDunning(parts);
  const cli = (...args: readonly string[]) =>
    runCli(['dunning', ...args], {
      now: money.now,
      config: () => config,
      readRules: async () => ({ directory: 'rules', result: { ok: true, ruleset: PLAIN_RULESET, warnings: [] } }),
      openBooks: () => openBooks(config, () => undefined),
    });
  const [draft] = await createDunningStore(pool).drafts({ limit: 1 });
  const { draftId = '', episodeId = '' } = draft ?? {};

  const list = await cli('list');
  expect(list.stderr).toBe('');
  expect(list.stdout).toContain('acme');
  expect(list.stdout).toContain('$50.00');
  expect(list.stdout).toContain('Try 1 at');
  expect(list.stdout).toContain(draftId);
  const show = await cli('show', episodeId);
  expect(show.stdout).toContain('Subject: Your top-up of $50.00 did not go through');
  expect(show.stdout).toContain('https://app.example.com/pay');
  expect((await cli('show', draftId, '--json')).json()).toMatchObject({
    episode: episodeId,
    drafts: [{ status: 'draft' }],
  });
  expect((await cli('show', 'dun_nothing')).stderr).toContain('EPISODE_NOT_FOUND');

  const refused = await cli('edit', draftId, '--body', 'Pay $1.00 and we forget it.');
  expect([refused.exitCode, refused.stderr]).toEqual([expect.any(Number), expect.stringContaining('$1.00')]);
  expect(refused.exitCode).not.toBe(0);
  const edited = await cli(
    'edit',
    draftId,
    '--subject',
    'About your top-up',
    '--body',
    'Hello,\\n\\nthe top-up of $50.00 failed.',
  );
  expect(edited.exitCode).toBe(0);
  expect((await cli('show', draftId)).stdout).toContain('the top-up of $50.00 failed.');
  expect((await cli('approve', draftId)).exitCode).toBe(0);
  expect((await cli('approve', draftId)).stderr).toContain('DRAFT_STATE');
  expect((await cli('send', draftId, '--json')).json()).toMatchObject({ status: 'sent' });
  expect((await cli('send', 'nothing')).stderr).toContain('DRAFT_NOT_FOUND');
  expect((await cli('list', '--json')).json()).toMatchObject({
    episodes: [{ state: 'open', amount: '50' }],
    drafts: [],
  });
});
