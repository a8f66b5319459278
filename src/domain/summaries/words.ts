import type { Language } from '../numbers-lock/number-words.ts';
import { GERMAN } from './words-de.ts';
import { ENGLISH } from './words-en.ts';

/** What can be true of a wallet when an alert is told. */
export type WalletState = 'frozen' | 'frozen_before' | 'slowed' | 'running';

/**
 * Every sentence that a message to people is made of. Arguments are finished figures in the reader's form, so that a sentence
 * holds no number of its own.
 */
export interface SummaryWords {
  readonly marks: Readonly<Record<WalletState | 'review' | 'watch' | 'unfrozen' | 'digest' | 'low' | 'empty', string>>;
  readonly labels: Readonly<
    Record<
      | 'why' | 'atRisk' | 'lost' | 'saved' | 'balance' | 'done' | 'certain' | 'mayAsk' | 'reply' | 'next' | 'since' | 'account'
      | 'payments' | 'history' | 'changed' | 'commands' | 'open' | 'api' | 'payNow' | 'usage' | 'runway' | 'what' | 'incidents',
      string
    >
  >; // biome-ignore format: a list
  readonly stateSince: (state: WalletState, at: string, until: string | null) => string;
  readonly within: (amount: string, span: string) => string;
  readonly spent: (amount: string, span: string) => string;
  readonly reported: (amount: string, span: string) => string;
  readonly usually: (of: {
    money: boolean;
    expected: string;
    lower: string | null;
    upper: string;
    span: string;
  }) => string;
  readonly usuallyNone: (of: { money: boolean; span: string }) => string;
  readonly busyHour: (of: { expected: string; upper: string; span: string }) => string;
  readonly noHistory: string;
  readonly noRule: string;
  readonly since: (at: string) => string;
  readonly inOwnWords: (said: string) => string;
  readonly chart: {
    readonly title: string;
    readonly alt: (peak: string, usual: string | null) => string;
    readonly peak: (amount: string) => string;
    readonly usual: (lower: string | null, upper: string) => string;
    readonly now: string;
  };
  readonly points: (score: string, outcome: string) => string;
  readonly rule: (of: {
    id: string;
    observed: string;
    expected: string | null;
    times: string | null;
    threshold: string | null;
    again: boolean;
  }) => string;
  readonly ruleSaid: (id: string, said: string) => string;
  readonly shadow: (names: string) => string;
  readonly riskFrozen: string;
  readonly riskRunning: (span: string) => string;
  readonly lostNote: string;
  readonly savedNote: string;
  readonly nothingSaved: string;
  readonly done: {
    readonly frozen: (until: string) => string;
    readonly held: (amount: string) => string;
    readonly heldNothing: string;
    readonly running: string;
    readonly slowed: (limit: string, span: string, until: string) => string;
    readonly notFrozen: (reason: string) => string;
    readonly radar: (until: string) => string;
  };
  readonly certain: {
    readonly none: string;
    readonly chance: (of: { mean: string; lower: string; upper: string; cases: string | null }) => string;
    readonly cost: (of: { freeze: string | null; review: string | null }) => string | null;
    readonly rests: (what: string, isLittle: boolean) => string;
    readonly unjudged: (names: string) => string;
    readonly rules: (note: string) => string;
    readonly model: (words: string) => string;
  };
  readonly windows: (count: number, text: string, span: string) => string;
  readonly hoursOfHistory: (count: number, text: string) => string;
  readonly events: (count: number, text: string) => string;
  readonly question: Readonly<Record<'stopped' | 'running', string>>;
  readonly reply: {
    readonly paused: (at: string | null) => string;
    readonly running: string;
    readonly slower: string;
    readonly becauseSpent: (observed: string, span: string, usual: string | null) => string;
    readonly becauseUsed: (observed: string, noun: string, span: string, usual: string | null) => string;
    readonly becauseDifferent: string;
    readonly becauseRepeated: (observed: string, span: string) => string;
    readonly askStopped: string;
    readonly askRunning: string;
    readonly askTampering: string;
  };
  readonly next: {
    readonly ask: string;
    readonly ifTheirsStopped: string;
    readonly ifTheirsRunning: string;
    readonly ifTheirsSlowed: string;
    readonly ifNotStopped: (until: string) => string;
    readonly ifNotRunning: string;
    readonly tampering: readonly string[];
    readonly close: string;
  };
  readonly account: {
    readonly opened: (day: string) => string;
    readonly earlier: (count: number, text: string, fraud: string, benign: string) => string;
    readonly none: string;
    readonly payment: (
      amount: string,
      at: string,
      state: 'paid' | 'declined' | 'refunded' | 'disputed' | 'waiting',
    ) => string;
    readonly similar: (count: number, text: string, fraud: string) => string;
  };
  readonly incident: {
    readonly heading: (count: number, text: string) => string;
    readonly changed: (of: {
      spent: string | null;
      risk: string | null;
      rules: string | null;
      state: string | null;
    }) => string | null;
    readonly raised: (at: string, title: string) => string;
  };
  readonly digest: {
    readonly subject: (count: number, text: string, amount: string | null) => string;
    readonly lead: (count: number, text: string, from: string, to: string) => string;
    readonly more: (count: number, text: string) => string;
    readonly empty: string;
    readonly row: (of: { risk: string; lost: string; state: string }) => string;
  };
  readonly low: {
    readonly subject: (balance: string, isEmpty: boolean) => string;
    readonly greeting: (name: string | null) => string;
    readonly lead: (of: { balance: string; runway: string | null; isEmpty: boolean }) => string;
    readonly pace: (amount: string) => string;
    readonly whatNext: (when: 'now' | 'later', day: string | null) => string;
    readonly autoTopUp: (amount: string) => string;
    readonly payNow: string;
    readonly held: string;
    readonly why: (amount: string) => string;
    readonly closing: string;
  };
  readonly times: (zone: string) => string;
  readonly reason: (account: string) => string;
  readonly nouns: Readonly<Record<'event' | 'events' | 'repeated' | 'repeatedOne', string>>;
  readonly outcomes: Readonly<Record<'allow' | 'watch' | 'review' | 'freeze', string>>;
  readonly unknownAmount: string;
}

const WORDS: Readonly<Record<Language, SummaryWords>> = { en: ENGLISH, de: GERMAN };

/** The sentences of a language. */
export function wordsOf(language: Language): SummaryWords {
  return WORDS[language];
}
