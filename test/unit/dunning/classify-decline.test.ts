import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classifyForDunning, mayRetry } from '../../../src/domain/dunning/classify-decline.ts';
import {
  ADVICE_CODES,
  DECLINE_CODES,
  NETWORK_ADVICE_CODES,
  NETWORK_DECLINE_CODES,
} from '../../../src/domain/dunning/decline-rules.ts';
import type { Decline } from '../../../src/domain/topups/decline.ts';

const NONE: Decline = {
  code: null,
  declineCode: null,
  adviceCode: null,
  networkAdviceCode: null,
  networkDeclineCode: null,
};
const oneOf = (codes: Readonly<Record<string, unknown>>) =>
  fc.option(fc.oneof(fc.constantFrom(...Object.keys(codes)), fc.string({ maxLength: 12 })));
const declines = fc.record({
  code: fc.option(fc.constantFrom('card_declined', 'expired_card', 'authentication_required', 'weird')),
  declineCode: oneOf(DECLINE_CODES),
  adviceCode: oneOf(ADVICE_CODES),
  networkAdviceCode: oneOf(NETWORK_ADVICE_CODES),
  networkDeclineCode: oneOf(NETWORK_DECLINE_CODES),
});

describe('what a decline means', () => {
  test.each([
    ['money may come', { declineCode: 'insufficient_funds' }, 'retry', 'as_is', 'decline_code'],
    ['a bank that does not say why', { declineCode: 'do_not_honor' }, 'retry', 'generic', 'decline_code'],
    ['an expired card', { declineCode: 'expired_card' }, 'fix_details', 'as_is', 'decline_code'],
    ['a wrong postcode given as the error', { code: 'incorrect_zip' }, 'fix_details', 'as_is', 'code'],
    ['the customer must confirm', { code: 'authentication_required' }, 'authenticate', 'as_is', 'code'],
    ['a stopped mandate', { declineCode: 'revocation_of_authorization' }, 'new_card', 'as_is', 'decline_code'],
    ['a lost card', { declineCode: 'lost_card' }, 'suspected_fraud', 'nothing', 'decline_code'],
    [
      'a picked-up card by its network code',
      { networkDeclineCode: '04' },
      'suspected_fraud',
      'nothing',
      'network_decline_code',
    ],
    [
      'advice outranks the decline code',
      { adviceCode: 'do_not_try_again', declineCode: 'insufficient_funds' },
      'new_card',
      'generic',
      'advice_code',
    ],
    [
      'advice to retry outranks the network',
      { adviceCode: 'try_again_later', networkAdviceCode: '03' },
      'retry',
      'generic',
      'advice_code',
    ],
    [
      'the network outranks the decline code',
      { networkAdviceCode: '03', declineCode: 'insufficient_funds' },
      'new_card',
      'generic',
      'network_advice_code',
    ],
    [
      'advice to confirm, and the card says what',
      { adviceCode: 'confirm_card_data', code: 'authentication_required' },
      'authenticate',
      'as_is',
      'advice_code',
    ],
    ['a code nobody knows', { declineCode: 'moon_in_retrograde' }, 'retry_once', 'generic', 'unknown'],
    [
      'a name every object has',
      { declineCode: 'constructor', adviceCode: '__proto__' },
      'retry_once',
      'generic',
      'unknown',
    ],
    ['nothing at all', {}, 'retry_once', 'generic', 'unknown'],
  ] as const)('%s', (_, said, of, tell, by) => {
    expect(classifyForDunning({ ...NONE, ...said })).toMatchObject({ class: of, tell, by });
  });

  test('no advice leads to a try or a mail once any code says fraud', () => {
    fc.assert(
      fc.property(declines, (decline) => {
        const { declineCode, networkDeclineCode } = decline;
        const isFraud =
          (declineCode !== null &&
            Object.hasOwn(DECLINE_CODES, declineCode) &&
            DECLINE_CODES[declineCode]?.class === 'suspected_fraud') ||
          (networkDeclineCode !== null && ['04', '07', '41', '43'].includes(networkDeclineCode));
        const verdict = classifyForDunning(decline);
        expect(verdict.class === 'suspected_fraud').toBe(isFraud);
        expect(verdict.tell === 'nothing').toBe(isFraud);
        if (isFraud) expect(mayRetry(verdict)).toBe(false);
      }),
    );
  });

  test('a card that networks fine for is not tried, unless Stripe advises to', () => {
    fc.assert(
      fc.property(declines, (decline) => {
        const fined = decline.networkAdviceCode === '03' || decline.networkAdviceCode === '21';
        fc.pre(fined && !Object.hasOwn(ADVICE_CODES, decline.adviceCode ?? ''));
        expect(mayRetry(classifyForDunning(decline))).toBe(false);
      }),
    );
  });
});
