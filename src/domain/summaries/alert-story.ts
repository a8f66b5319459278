import type { AlertFacts } from '../decisions/alert-facts.ts';
import type { Language } from '../numbers-lock/number-words.ts';
import type { Reader } from './locale.ts';

/** A payment of the account as a summary tells it. */
export interface ToldPayment {
  readonly amountNanos: bigint;
  readonly currency: string;
  readonly atMs: number;
  readonly state: 'paid' | 'declined' | 'refunded' | 'disputed' | 'waiting';
}

/** Everything a summary of an alert may say. It holds no figure that is not here or computed from what is here. */
export interface AlertStory {
  readonly facts: AlertFacts;
  /** What people call the account; its id when null. */
  readonly accountName: string | null;
  readonly openedAtMs: number | null;
  /** Closed alerts of this account. */
  readonly earlier: { readonly fraud: number; readonly benign: number };
  /** Closed alerts of the tenant in which one of the same rules fired. */
  readonly similar: { readonly fraud: number; readonly benign: number };
  /** The newest first, at most three are told. */
  readonly payments: readonly ToldPayment[];
  /** What a language model said, already in our words; null when none was asked. */
  readonly modelReview: string | null;
}

/** How a summary is written: for whom, for which customer, with which links. */
export interface SummaryStyle {
  /** Whoever reads the summary: support. */
  readonly reader: Reader;
  /** Whom the suggested reply is for: the customer. */
  readonly customer: Reader;
  readonly baseUrl: string | null;
  /**
   * The suggested reply in another tone, if a model has written one that passed (`checkRewrite`), or why none is used. Left out
   * when no model is asked.
   */
  readonly rewrite?: { readonly reply: string } | { readonly unused: string };
}

/** Languages, for options and settings. */
export const LANGUAGES: readonly Language[] = ['en', 'de'];
