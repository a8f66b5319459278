import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../../../src/domain/time.ts';
import {
  type AutoTopUpPolicy,
  type AutoTopUpSituation,
  afterDecline,
  judgeAutoTopUp,
} from '../../../../src/domain/topups/auto-top-up.ts';
import { classifyDecline, type Decline } from '../../../../src/domain/topups/decline.ts';

const USD = 1_000_000_000n;
const NOW_MS = 100 * DAY_MS;
const POLICY: AutoTopUpPolicy = {
  thresholdNanos: 10n * USD,
  amountNanos: 50n * USD,
  dailyCapNanos: 200n * USD,
  burstMax: 3,
  burstWindowMs: HOUR_MS,
};
const LOW: AutoTopUpSituation = {
  availableNanos: 9n * USD,
  isFrozen: false,
  hasCard: true,
  isInFlight: false,
  pausedUntilMs: null,
  stoppedBecause: null,
  recent: [],
  currency: 'USD',
};

function ago(...hours: readonly number[]) {
  return hours.map((hour) => ({ atMs: NOW_MS - hour * HOUR_MS, amountNanos: 50n * USD }));
}

describe('an automatic top-up', () => {
  test.each<[string, Partial<AutoTopUpSituation>, object]>([
    ['charges below the threshold', {}, { do: 'charge', amountNanos: 50n * USD }],
    ['waits at the threshold', { availableNanos: 10n * USD }, { do: 'wait' }],
    ['charges a debt', { availableNanos: -70n * USD }, { do: 'charge' }],
    ['waits while the wallet is frozen', { isFrozen: true }, { do: 'wait', because: 'the wallet is frozen' }],
    ['waits while another is under way', { isInFlight: true }, { do: 'wait' }],
    ['waits after a decline', { pausedUntilMs: NOW_MS + 1 }, { do: 'wait' }],
    ['goes on when the wait is over', { pausedUntilMs: NOW_MS }, { do: 'charge' }],
    ['waits without a card', { hasCard: false }, { do: 'wait' }],
    ['stays stopped', { stoppedBecause: 'an alarm' }, { do: 'wait', because: 'an alarm' }],
    ['alarms at the third within the window', { recent: ago(0.1, 0.2, 0.3) }, { do: 'alarm' }],
    ['does not count what is older than the window', { recent: ago(0.1, 0.2, 1) }, { do: 'charge' }],
    ['charges up to the cap', { recent: ago(2, 3, 4) }, { do: 'charge' }],
    [
      'pauses at the cap until the oldest is a day old',
      { recent: ago(2, 3, 4, 20) },
      { do: 'pause', untilMs: NOW_MS + 4 * HOUR_MS },
    ],
    ['forgets what is a day old', { recent: ago(2, 3, 4, 24) }, { do: 'charge' }],
  ])('%s', (_name, over, verdict) => {
    expect(judgeAutoTopUp(POLICY, { ...LOW, ...over }, NOW_MS)).toMatchObject(verdict);
  });
});

describe('a decline', () => {
  const NONE: Decline = {
    code: null,
    declineCode: null,
    adviceCode: null,
    networkAdviceCode: null,
    networkDeclineCode: null,
  };

  test.each<[string, Partial<Decline>, string]>([
    ['insufficient funds pass', { declineCode: 'insufficient_funds', adviceCode: 'try_again_later' }, 'retry'],
    ['a stolen card does not', { declineCode: 'stolen_card' }, 'stop'],
    ['the advice outranks the code', { declineCode: 'stolen_card', adviceCode: 'try_again_later' }, 'retry'],
    [
      'advice to stop outranks a soft code',
      { declineCode: 'insufficient_funds', adviceCode: 'do_not_try_again' },
      'stop',
    ],
    ['wrong card data waits for other data', { adviceCode: 'confirm_card_data' }, 'stop'],
    ["Mastercard's advice 03 is for ever", { networkAdviceCode: '03' }, 'stop'],
    ["Visa's category 1 is for ever", { networkDeclineCode: '14' }, 'stop'],
    ['authentication is asked for', { code: 'authentication_required', adviceCode: 'try_again_later' }, 'authenticate'],
    ['an expired card is over', { code: 'expired_card' }, 'stop'],
    ['what nobody knows is tried once more', { declineCode: 'a_new_code' }, 'retry'],
  ])('%s', (_name, decline, declineClass) => {
    expect(classifyDecline({ ...NONE, ...decline })).toBe(declineClass);
  });

  test('waits longer each time, and then for a person', () => {
    const waits = [1, 2, 3].map((declines) => afterDecline('retry', declines, NOW_MS));
    expect(waits).toEqual([1, 6, 24].map((hours) => ({ is: 'pause', untilMs: NOW_MS + hours * HOUR_MS })));
    expect(afterDecline('retry', 4, NOW_MS)).toEqual({ is: 'stop', because: '4 declines in a row' });
    expect(afterDecline('stop', 1, NOW_MS)).toMatchObject({ is: 'stop' });
    expect(afterDecline('authenticate', 1, NOW_MS)).toMatchObject({ is: 'stop' });
  });
});
