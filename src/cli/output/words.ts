import { OVERDRAFT_UNLIMITED, type WalletHead } from '../../domain/ledger/wallet.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { formatWindow } from '../../domain/rules/say.ts';
import { formatUtc } from '../../domain/text/utc.ts';

/** `1 event`, `2 events`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}

/** A wallet's status for people: `frozen until 3 Mar 2026 14:02 UTC`. */
export function walletStatus(wallet: Pick<WalletHead, 'status' | 'frozenUntilMs'>): string {
  if (wallet.status === 'active') return 'active';
  if (wallet.status === 'thawing') return 'thawing (posting what was refused)';
  return wallet.frozenUntilMs === null ? 'frozen' : `frozen until ${time(wallet.frozenUntilMs)}`;
}

/** A time for people, in UTC. */
export function time(ms: number | null): string {
  return ms === null ? '–' : formatUtc(ms, { year: true });
}

/** Usage in quarantine: `12 events, $3.40`; a dash when there is none. */
export function usageTotal(events: number, amount: bigint, currency: string): string {
  return events === 0 ? '–' : `${count(events, 'event')}, ${formatMoney(amount, currency)}`;
}

/** How far below zero a wallet may go, as the balance it may fall to. */
export function overdraftText(limit: bigint | null, currency: string): string {
  if (limit === null) return "the ruleset's limit";
  return limit >= OVERDRAFT_UNLIMITED ? 'any balance' : formatMoney(-limit, currency);
}

/** What a wallet may spend per period. */
export function spendLimitText(limit: bigint | null, periodMs: number | null, currency: string): string {
  if (limit === null || periodMs === null) return 'as much as there is';
  return `${formatMoney(limit, currency)} per ${formatWindow(periodMs)}`;
}

const WORDS: Readonly<Record<string, string>> = {
  over_limit: 'over the limit',
  throttled: 'over the spending limit per period',
  unknown_meter: 'unknown meter',
  too_late: 'too late',
  in_future: 'in the future',
  altered: 'altered copy of a known event',
  confirmed_fraud: 'confirmed fraud',
};

/** A stored word as people say it. */
export function inWords(word: string): string {
  return WORDS[word] ?? word.replaceAll('_', ' ');
}
