import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DECLINE_CODES } from '../../../src/domain/dunning/decline-rules.ts';
import {
  type DraftFacts,
  draftMessage,
  draftOf,
  draftProblems,
  tellsSuspicion,
} from '../../../src/domain/dunning/draft.ts';
import { DUNNING_STEPS, type DunningEpisode, isLater, stepDue } from '../../../src/domain/dunning/episode.ts';
import { retryWords } from '../../../src/domain/dunning/retry-words.ts';
import { verdictOf } from './payments.ts';

const USD = 1_000_000_000n;
const episode: DunningEpisode = {
  ...{ episodeId: 'dun_1', tenant: 'default', account: 'acme', walletId: 1n, currency: 'USD', topupId: 'top_1' },
  ...{ amountNanos: 50n * USD, declineClass: 'retry', tell: 'as_is', declineCode: 'insufficient_funds', state: 'open' },
  ...{ openedAtMs: Date.UTC(2026, 2, 3, 9), closedAtMs: null, retries: 0, nextTryAtMs: Date.UTC(2026, 2, 5, 9) },
  ...{ reason: '', probability: 0.6, percent: 100 },
};
const given: DraftFacts = {
  personName: 'Ana',
  reader: { language: 'en', timeZone: 'Europe/Berlin' },
  balanceNanos: (612n * USD) / 100n,
  runwayDays: 2.4,
  payUrl: 'https://app.example.com/billing',
};

describe('a draft', () => {
  test('reads like a person wrote it', () => {
    const draft = draftOf({ ...episode, percent: 25 }, 'reminder', given);
    expect([draft.subject, ...draft.paragraphs].map((text) => text.replaceAll('\u00a0', ' '))).toEqual([
      'Your top-up of $50.00 did not go through',
      'Hi Ana,',
      'your automatic top-up of $50.00 on 3 Mar did not go through: there was not enough money on the card.',
      expect.stringMatching(/^We will try again on 5 Mar 2026,? 10:00 .*There is nothing you need to do\.$/),
      'Your balance is $6.12, which lasts about 2 days at your usual pace.',
      'So that it lasts longer, your usage runs at 25 % of its usual rate until the payment is made. Nothing is deleted.',
      'If you have a question, reply to this mail.',
    ]);
  });

  test('asks for nothing and for something in the same mail never, and tells of tries only where there were any', () => {
    const texts = DUNNING_STEPS.flatMap((step) =>
      [0, 2].map((retries) => ({
        step,
        retries,
        text: draftOf({ ...episode, retries }, step, given).paragraphs.join(' '),
      })),
    );
    for (const { step, retries, text } of texts) {
      expect(text.includes('nothing you need to do')).toBe(step === 'reminder');
      expect(text.includes('Please pay')).toBe(step === 'action_needed');
      expect(text.includes('Further tries')).toBe(retries > 0 && step !== 'reminder');
    }
  });

  const steps = fc.constantFrom(...DUNNING_STEPS);
  const episodes = fc.record({
    amountNanos: fc.bigInt({ min: USD, max: 100_000n * USD }),
    declineCode: fc.constantFrom(...Object.keys(DECLINE_CODES), 'unheard_of'),
    currency: fc.constantFrom('USD', 'EUR', 'JPY'),
    retries: fc.nat(12),
    percent: fc.constantFrom(100, 25, 5, 0),
    nextTryAtMs: fc.option(fc.integer({ min: Date.UTC(2026, 2, 4), max: Date.UTC(2027, 0, 1) })),
  });
  const facts = fc.record({
    personName: fc.option(fc.constantFrom('Ana', 'Jürgen Müller', "Ms O'Hara")),
    language: fc.constantFrom('en' as const, 'de' as const),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/New_York'),
    balanceNanos: fc.bigInt({ min: -10n * USD, max: 10_000n * USD }),
    runwayDays: fc.option(fc.double({ min: 0, max: 40, noNaN: true })),
    payUrl: fc.option(fc.constant('https://app.example.com/billing')),
  });

  test('of any step, decline and language holds no figure, name or link that is not a fact, and no suspicion', () => {
    fc.assert(
      fc.property(steps, episodes, facts, (step, over, { language, timeZone, ...rest }) => {
        const verdict = verdictOf(over.declineCode);
        fc.pre(verdict.tell !== 'nothing');
        const of = { ...episode, ...over, declineClass: verdict.class, tell: verdict.tell };
        const draft = draftOf(of, step, { ...rest, reader: { language, timeZone } });
        expect(draftProblems(draft)).toEqual([]);
        const message = draftMessage(of, draft);
        expect(tellsSuspicion(message.text)).toBe(false);
        expect(message.text).not.toContain(over.declineCode);
        expect(message.messageId).toBe(`dun-dun_1-${step}`);
        expect(message.html.match(/<a [^>]*href=/g)?.length ?? 0).toBe(rest.payUrl === null ? 0 : 1);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['an amount', 'Your top-up of $55.00 failed.'],
    ['a discount', 'Your top-up of $50.00 failed. Pay today and get 10 % off.'],
    ['a date', 'We will try again on 7 March.'],
    ['a link', 'Pay at https://evil.example.com/now.'],
    ['a name', 'Hi Bob, your top-up of $50.00 failed.'],
  ])('with %s that is nobody’s fact is refused', (_, text) => {
    const draft = { ...draftOf(episode, 'reminder', given), paragraphs: [text] };
    expect(draftProblems(draft)).not.toEqual([]);
  });

  test('in other words with the same facts passes', () => {
    const draft = {
      ...draftOf(episode, 'reminder', given),
      paragraphs: ['Hi Ana,', 'the top-up of $50.00 has failed. You still have $6.12.'],
    };
    expect(draftProblems(draft)).toEqual([]);
    expect(tellsSuspicion('Your card was reported stolen')).toBe(true);
    expect(tellsSuspicion('Die Karte wurde gesperrt')).toBe(true);
  });

  test('shows what customers wrote as text, and follows no link but http', () => {
    const hostile = { ...episode, account: '<script>alert(1)</script>' };
    const draft = draftOf(hostile, 'final', { ...given, personName: '<b>Ana</b>', payUrl: 'javascript:alert(1)' });
    const { html } = draftMessage(hostile, draft);
    expect(html).not.toContain('<script>');
    expect(html).not.toContain('<b>Ana');
    expect(html).not.toContain('javascript:');
  });
});

describe('the step that is due', () => {
  test.each([
    ['a first decline that will be tried again', {}, 10, 'reminder'],
    ['two tries without money', { retries: 2 }, 10, 'action_needed'],
    ['a card that has expired', { declineClass: 'fix_details' }, 10, 'action_needed'],
    ['the last day of the balance', {}, 0.5, 'final'],
    ['no more tries', { state: 'given_up', retries: 4 }, 10, 'final'],
    ['a card that never pays, and money for weeks', { declineClass: 'new_card', state: 'open' }, 30, 'action_needed'],
    ['suspicion', { tell: 'nothing', declineClass: 'suspected_fraud', state: 'handed_over' }, 0, undefined],
    ['paid', { state: 'recovered' }, 0, undefined],
    ['an account that spends nothing', {}, null, 'reminder'],
    ['slowing it down', { percent: 25 }, 2, 'action_needed'],
  ] as const)('after %s', (_, over, days, step) => {
    expect(stepDue({ ...episode, ...over }, days)).toBe(step);
  });

  test('later steps come after earlier ones', () => {
    expect(isLater('final', 'reminder')).toBe(true);
    expect(isLater('reminder', 'reminder')).toBe(false);
  });
});

test('a plan is told with its reason', () => {
  const plan = {
    is: 'retry',
    atMs: Date.UTC(2026, 2, 5, 9),
    probability: 0.62,
    ladderProbability: 0.31,
    attempt: 1,
  } as const;
  expect(retryWords({ ...plan, by: 'predicted' })).toBe(
    'Try 1 at 2026-03-05 09:00 UTC: the best hour of the week ahead by this payer’s own record, 62 %, against 31 % at the static ladder’s time.',
  );
  expect(retryWords({ ...plan, by: 'ladder' })).toContain('the static ladder’s day comes first');
  expect(retryWords({ is: 'stop', because: 'capped' })).toContain('may not be tried again');
});
