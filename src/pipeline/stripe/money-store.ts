import type { RadarSeen } from '../../domain/payments/authorised-money.ts';
import type { CaseNote } from '../../domain/payments/tie-payment.ts';
import type { AutoTopUpPolicy } from '../../domain/topups/auto-top-up.ts';
import type { TopUp, TopUpPatch } from '../../domain/topups/top-up.ts';
import type { TopUpStatus } from '../../domain/topups/top-up-status.ts';
import type { EventNotice } from './stripe-port.ts';

/** A customer of Stripe's and the account it stands for. */
export interface StripeCustomer {
  readonly customer: string;
  readonly tenant: string;
  readonly account: string;
  readonly paymentMethod: string | null;
}

export type NewTopUp = Pick<
  TopUp,
  | 'topupId'
  | 'tenant'
  | 'account'
  | 'walletId'
  | 'currency'
  | 'kind'
  | 'amountNanos'
  | 'requestKey'
  | 'requestHash'
  | 'actor'
> &
  TopUpPatch & { readonly status: TopUpStatus };

/** An automatic top-up as it is set for a wallet. */
export interface AutoTopUp extends AutoTopUpPolicy {
  readonly walletId: bigint;
  readonly tenant: string;
  readonly account: string;
  readonly currency: string;
  readonly isOn: boolean;
  readonly declines: number;
  readonly pausedUntilMs: number | null;
  readonly stoppedBecause: string | null;
  readonly resumedAtMs: number | null;
  readonly updatedAtMs: number;
  readonly updatedBy: string;
}

/** What one wallet's balance and recent top-ups say, all read in one statement. */
export interface AutoTopUpFigures {
  readonly policy: AutoTopUp;
  readonly availableNanos: bigint;
  readonly isFrozen: boolean;
  readonly customer: StripeCustomer | null;
  readonly isInFlight: boolean;
  readonly recent: readonly { readonly atMs: number; readonly amountNanos: bigint }[];
}

export type EventStatus = 'waiting' | 'done' | 'ignored' | 'kept';

export interface StoredEvent extends EventNotice {
  readonly status: EventStatus;
  readonly reason: string | null;
  readonly receivedAtMs: number;
}

export interface MoneyCase {
  readonly caseId: string;
  readonly tenant: string | null;
  readonly account: string | null;
  readonly kind: string;
  readonly subject: string;
  readonly title: string;
  readonly detail: unknown;
  readonly status: 'open' | 'closed';
  readonly openedAtMs: number;
  readonly closedBy: string | null;
  readonly closedReason: string | null;
}

export type NewCase = CaseNote & {
  readonly tenant: string | null;
  readonly account: string | null;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
};

/** What a bank or Stripe said about an account, once under its key. */
export interface PaymentSignal {
  readonly key: string;
  readonly tenant: string;
  readonly account: string;
  readonly kind: string;
  readonly subject: string;
  readonly paymentIntent: string | null;
  readonly atMs: number;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

export const LISTING_STATUSES = ['wanted', 'standing', 'unwanted', 'ended'] as const;

/** A customer before Radar. */
export interface RadarListing {
  readonly customer: string;
  readonly tenant: string;
  readonly account: string;
  readonly status: (typeof LISTING_STATUSES)[number];
  readonly listStatus: 'unknown' | 'listed' | 'unavailable' | 'absent';
  readonly listItem: string | null;
  readonly metadataSet: boolean;
  readonly reason: string;
  readonly decisionId: string | null;
  readonly by: string;
  readonly putAtMs: number;
  readonly untilMs: number;
  readonly endedBecause: string | null;
}

export type ListingPatch = Partial<
  Pick<RadarListing, 'status' | 'listStatus' | 'listItem' | 'metadataSet' | 'endedBecause' | 'untilMs'>
>;

/** Tables of money in. Each method is one database transaction. */
export interface MoneyStore {
  /** Runs work alone among all processes that use the same name. */
  readonly alone: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  readonly customers: CustomerTable;
  readonly topUps: TopUpTable;
  readonly auto: AutoTopUpTable;
  readonly events: EventTable;
  readonly radar: RadarTable;
  readonly openCase: (note: NewCase, nowMs: number) => Promise<{ readonly isNew: boolean }>;
  readonly cases: (query: {
    readonly status?: 'open' | 'closed';
    readonly limit: number;
  }) => Promise<readonly MoneyCase[]>;
  readonly closeCase: (caseId: string, by: string, reason: string, nowMs: number) => Promise<boolean>;
  /** False when the signal is known. */
  readonly signal: (signal: PaymentSignal) => Promise<boolean>;
  /** Which of these keys stand for a ledger transaction that exists. */
  readonly postedKeys: (keys: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly fact: (name: string) => Promise<unknown>;
  readonly setFact: (name: string, value: unknown, nowMs: number) => Promise<void>;
}

export interface CustomerTable {
  readonly ofAccount: (tenant: string, account: string) => Promise<StripeCustomer | undefined>;
  readonly byId: (customer: string) => Promise<StripeCustomer | undefined>;
  /** Keeps the customer of an account; the first one stays. */
  readonly keep: (customer: Omit<StripeCustomer, 'paymentMethod'>, nowMs: number) => Promise<StripeCustomer>;
  /** The card that automatic top-ups charge from now on; what stopped them because of the old one is over. */
  readonly saveCard: (customer: string, paymentMethod: string, nowMs: number) => Promise<void>;
  /** The card is gone: by its id, or all of a customer's. */
  readonly dropCard: (
    which: { readonly paymentMethod: string } | { readonly customer: string },
    nowMs: number,
  ) => Promise<void>;
}

/** What requests may ask of top-ups. */
export type TopUpReads = Pick<TopUpTable, 'read' | 'list'>;

export interface TopUpTable {
  /** Undefined when the request key is known, or the wallet has an automatic top-up under way. */
  readonly insert: (topUp: NewTopUp, nowMs: number) => Promise<TopUp | undefined>;
  readonly read: (topupId: string) => Promise<TopUp | undefined>;
  readonly byRequest: (requestKey: string) => Promise<TopUp | undefined>;
  readonly byPayment: (paymentIntent: string) => Promise<TopUp | undefined>;
  /** Changes a top-up from what it is at this moment, locked; no patch changes nothing. */
  readonly advance: (
    topupId: string,
    nowMs: number,
    change: (topUp: TopUp) => TopUpPatch | undefined,
  ) => Promise<TopUp | undefined>;
  /** Begun and without an answer, due to be tried or looked at again. */
  readonly due: (nowMs: number, limit: number) => Promise<readonly TopUp[]>;
  readonly list: (query: {
    readonly tenant: string;
    readonly account?: string;
    readonly status?: TopUpStatus;
    readonly limit: number;
  }) => Promise<readonly TopUp[]>;
}

export interface AutoTopUpTable {
  readonly set: (
    policy: Omit<AutoTopUp, 'declines' | 'pausedUntilMs' | 'stoppedBecause' | 'resumedAtMs' | 'updatedAtMs'>,
    nowMs: number,
  ) => Promise<AutoTopUp>;
  readonly read: (walletId: bigint) => Promise<AutoTopUp | undefined>;
  readonly list: (query: { readonly tenant: string; readonly limit: number }) => Promise<readonly AutoTopUp[]>;
  /** Wallets whose committed balance is below their threshold and that nothing holds back. */
  readonly belowThreshold: (nowMs: number, limit: number) => Promise<readonly bigint[]>;
  readonly figures: (walletId: bigint, sinceMs: number) => Promise<AutoTopUpFigures | undefined>;
  readonly pause: (walletId: bigint, untilMs: number, nowMs: number) => Promise<void>;
  /** Until a person resumes it, or, stopped by a card, another card is saved. */
  readonly stop: (
    walletId: bigint,
    why: { readonly kind: 'card' | 'alarm'; readonly because: string },
    nowMs: number,
  ) => Promise<void>;
  /** Counts a decline and returns how many came in a row. */
  readonly countDecline: (walletId: bigint, nowMs: number) => Promise<number>;
  /** Money arrived: declines in a row start from zero, and what a card had stopped goes on. */
  readonly clearDeclines: (walletId: bigint, nowMs: number) => Promise<void>;
  readonly resume: (walletId: bigint, by: string, nowMs: number) => Promise<boolean>;
}

export interface EventTable {
  /** Stores an event once by its id and puts it into the outbox; false when it is known. */
  readonly keep: (notice: EventNotice, origin: 'webhook' | 'backfill', nowMs: number) => Promise<boolean>;
  readonly read: (eventId: string) => Promise<StoredEvent | undefined>;
  readonly settle: (eventId: string, status: EventStatus, reason: string | null, nowMs: number) => Promise<void>;
  /** Hands events to the queue again: those that wait since before a moment, or the kept ones. */
  readonly requeue: (
    which: { readonly waitingBeforeMs: number } | { readonly kept: true },
    nowMs: number,
  ) => Promise<number>;
  readonly counts: () => Promise<Readonly<Record<EventStatus, number>>>;
  readonly list: (query: { readonly status?: EventStatus; readonly limit: number }) => Promise<readonly StoredEvent[]>;
}

export interface RadarTable {
  /** Puts a customer before Radar or extends it; the effect on Stripe follows through the outbox. */
  readonly want: (
    listing: Pick<RadarListing, 'customer' | 'tenant' | 'account' | 'reason' | 'decisionId' | 'by' | 'untilMs'>,
    nowMs: number,
  ) => Promise<RadarListing>;
  /** Takes a customer off; false when it was not before Radar. */
  readonly unwant: (customer: string, because: string, nowMs: number) => Promise<boolean>;
  readonly read: (customer: string) => Promise<RadarListing | undefined>;
  /** The one of an account, standing or ended. */
  readonly ofAccount: (tenant: string, account: string) => Promise<RadarListing | undefined>;
  readonly patch: (customer: string, patch: ListingPatch, nowMs: number) => Promise<void>;
  /** Whose time is over. */
  readonly expired: (nowMs: number, limit: number) => Promise<readonly string[]>;
  /** Wanted or unwanted, and not carried out. */
  readonly waiting: (limit: number) => Promise<readonly string[]>;
  readonly list: (query: { readonly limit: number }) => Promise<readonly RadarListing[]>;
  /** Payments of flagged customers with and without a review by a rule. */
  readonly seen: () => Promise<Omit<RadarSeen, 'lists'>>;
}
