import type { OutgoingMessage } from '../messages/outgoing-message.ts';
import { formatDecimal } from '../money/nanos.ts';
import { cleanLabel } from '../text/clean.ts';
import { DAY_MS, formatIso, HOUR_MS } from '../time.ts';
import type { Brief } from './brief.ts';
import { dayIn, moneyIn, type Reader, spanIn, timeIn } from './locale.ts';
import { messageOf } from './message.ts';
import { wordsOf } from './words.ts';

/** When a customer is told that the balance runs low. */
export interface LowBalancePolicy {
  /** Told when what is left lasts no longer than this at the usual pace. */
  readonly daysMax: number;
  /** Told below this whatever the pace; 0 leaves it to the days. Nano-units. */
  readonly belowNanos: bigint;
}

/** What is known when a balance is looked at. Amounts in nano-units of the wallet's currency. */
export interface BalanceFacts {
  readonly account: string;
  readonly walletId: string;
  readonly currency: string;
  /** What usage may still spend: posted − held. */
  readonly availableNanos: bigint;
  /** How far below zero usage may go. */
  readonly overdraftNanos: bigint;
  /** Spend of whole days, oldest first, without the day that runs; up to 28. */
  readonly dailySpendNanos: readonly bigint[];
  /** Counts every change of the wallet's balance crossing; names the message. */
  readonly crossing: number;
  readonly heldNanos: bigint;
  /** What an automatic top-up adds; null without one. */
  readonly autoTopUpNanos: bigint | null;
  readonly personName: string | null;
  /** Where the customer pays; null where there is no such page. */
  readonly payUrl: string | null;
  readonly nowMs: number;
}

/** How things stand, and whether the customer hears of it. */
export interface LowBalance {
  /** The line between enough and low at the account's pace. */
  readonly thresholdNanos: bigint;
  /** The median of the days with any spend; null with fewer than three. */
  readonly dailyPaceNanos: bigint | null;
  /** Until the balance reaches zero at the usual pace; null without a pace, or in the overdraft. */
  readonly runwayMs: number | null;
  readonly isLow: boolean;
  readonly isEmpty: boolean;
}

const DAYS_MIN = 3;

/**
 * Where a balance stands against its policy. The pace is the median of whole days with spend, so that one wild day neither
 * wakes nor calms anybody; days without spend stretch it by their share.
 */
export function lowBalance(facts: BalanceFacts, policy: LowBalancePolicy): LowBalance {
  const spendable = facts.availableNanos + facts.overdraftNanos;
  const pace = dailyPace(facts.dailySpendNanos);
  const byDays = pace === null ? 0n : pace * BigInt(Math.max(0, Math.round(policy.daysMax)));
  // The overdraft is ours to give and not the customer's to count on: the line is drawn above it.
  const thresholdNanos = byDays > policy.belowNanos ? byDays : policy.belowNanos;
  const isEmpty = spendable <= 0n;
  const isKnown = pace !== null && pace > 0n && facts.availableNanos > 0n;
  const runwayMs = isKnown ? Number((facts.availableNanos * BigInt(DAY_MS)) / pace) : isEmpty ? 0 : null;
  return {
    thresholdNanos,
    dailyPaceNanos: pace,
    runwayMs,
    isLow: isEmpty || facts.availableNanos < thresholdNanos,
    isEmpty,
  };
}

function dailyPace(days: readonly bigint[]): bigint | null {
  const spent = days.filter((day) => day > 0n).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  if (spent.length < DAYS_MIN) return null;
  const middle = spent[Math.floor((spent.length - 1) / 2)] ?? 0n;
  return (middle * BigInt(spent.length)) / BigInt(days.length);
}

/**
 * The next state of "told or not": a customer hears once when the balance crosses the line downwards, and once more when it is
 * used up; rising above the line by a tenth arms it again, so that a balance that trembles at the line tells nothing.
 */
export function nextTelling(
  told: 'nothing' | 'low' | 'empty',
  balance: LowBalance,
  availableNanos: bigint,
): { readonly told: 'nothing' | 'low' | 'empty'; readonly tells: boolean } {
  if (balance.isEmpty) return { told: 'empty', tells: told !== 'empty' };
  if (balance.isLow) return { told: told === 'empty' ? 'empty' : 'low', tells: told === 'nothing' };
  const rearmedFrom = balance.thresholdNanos + balance.thresholdNanos / 10n;
  return { told: availableNanos >= rearmedFrom ? 'nothing' : told, tells: false };
}

/** What a customer is sent, in their language and zone. It names no rule, no limit of ours and nobody's fault. */
export function lowBalanceMessage(facts: BalanceFacts, balance: LowBalance, reader: Reader): OutgoingMessage {
  const { low } = wordsOf(reader.language);
  const amount = moneyIn(facts.availableNanos, facts.currency, reader);
  return messageOf(lowBalanceBrief(facts, balance, reader), {
    kind: 'low_balance',
    severity: balance.isEmpty ? 'severe' : 'normal',
    messageId: `low-balance-${facts.walletId}-${facts.crossing}-${balance.isEmpty ? 'empty' : 'low'}`,
    subject: low.subject(amount, balance.isEmpty),
    event: {
      type: balance.isEmpty ? 'balance.empty' : 'balance.low',
      data: {
        account: facts.account,
        wallet: facts.walletId,
        currency: facts.currency,
        balance: formatDecimal(facts.availableNanos),
        threshold: formatDecimal(balance.thresholdNanos),
        dailyPace: balance.dailyPaceNanos === null ? null : formatDecimal(balance.dailyPaceNanos),
        runwaySeconds: balance.runwayMs === null ? null : Math.floor(balance.runwayMs / 1_000),
        at: formatIso(facts.nowMs),
      },
    },
  });
}

function lowBalanceBrief(facts: BalanceFacts, balance: LowBalance, reader: Reader): Brief {
  const { low, labels, marks, times } = wordsOf(reader.language);
  const money = (nanos: bigint) => moneyIn(nanos, facts.currency, reader);
  const { runwayMs, dailyPaceNanos: pace, isEmpty } = balance;
  const runway = runwayMs === null || isEmpty ? null : spanIn(roundedSpan(runwayMs), reader, 'alone');
  const endsAt = runwayMs === null || isEmpty || runwayMs > YEAR_MS ? null : dayIn(facts.nowMs + runwayMs, reader);
  const tiles = [
    { label: labels.balance, value: money(facts.availableNanos), note: '' },
    ...(pace === null ? [] : [{ label: labels.usage, value: low.pace(money(pace)), note: '' }]),
    ...(runway === null ? [] : [{ label: labels.runway, value: runway, note: '' }]),
  ];
  const url = facts.payUrl !== null && /^https?:\/\/[^\s"'<>]+$/.test(facts.payUrl) ? facts.payUrl : null;
  return {
    language: reader.language,
    tone: isEmpty ? 'stopped' : 'slowed',
    mark: isEmpty ? marks.empty : marks.low,
    heading: low.greeting(facts.personName === null ? null : cleanLabel(facts.personName, 60)),
    subheading: timeIn(facts.nowMs, reader, { year: true }),
    lead: [low.lead({ balance: money(facts.availableNanos), runway, isEmpty })],
    chart: null,
    tiles,
    sections: [
      { label: labels.what, kind: 'text', paragraphs: whatThen(facts, balance, { endsAt, reader }) },
      ...(balance.thresholdNanos > 0n
        ? [{ label: '', kind: 'text' as const, paragraphs: [low.why(money(balance.thresholdNanos))] }]
        : []),
      { label: '', kind: 'text', paragraphs: [low.closing] },
    ],
    links: url === null ? [] : [{ label: labels.payNow, url }],
    footer: [wordsOf(reader.language).reason(cleanLabel(facts.account, 60)), times(reader.timeZone)],
  };
}

const YEAR_MS = 365 * DAY_MS;

function whatThen(
  facts: BalanceFacts,
  { isEmpty }: LowBalance,
  { endsAt, reader }: { readonly endsAt: string | null; readonly reader: Reader },
): readonly string[] {
  const { low } = wordsOf(reader.language);
  return [
    low.whatNext(isEmpty ? 'now' : 'later', endsAt),
    facts.autoTopUpNanos === null || isEmpty
      ? low.payNow
      : low.autoTopUp(moneyIn(facts.autoTopUpNanos, facts.currency, reader)),
    ...(facts.heldNanos > 0n ? [low.held] : []),
  ];
}

/** Days from two on, else hours; never rounded up. */
function roundedSpan(ms: number): number {
  if (ms >= 2 * DAY_MS) return Math.floor(ms / DAY_MS) * DAY_MS;
  if (ms >= DAY_MS) return DAY_MS;
  return Math.max(HOUR_MS, Math.floor(ms / HOUR_MS) * HOUR_MS);
}
