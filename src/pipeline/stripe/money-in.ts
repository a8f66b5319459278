import type { AfterDecline } from '../../domain/topups/auto-top-up.ts';
import type { Decline } from '../../domain/topups/decline.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import type { AdminStore } from '../admin/admin-store.ts';
import type { MoneyStore } from './money-store.ts';
import type { StripePort } from './stripe-port.ts';

/** What the use cases of money in work with. */
export interface MoneyIn {
  readonly stripe: StripePort;
  readonly store: MoneyStore;
  readonly admin: AdminStore;
  readonly labels: AccountLabels;
  /** How far wallets without a limit of their own may go below zero. */
  readonly overdraftNanos: () => bigint;
  /** How long a wallet is frozen when a bank warns of fraud; null: it is not. */
  readonly warningFreezeHours: () => number | null;
  /** Where Stripe's page sends customers that we sent there. */
  readonly returnUrls: () => { readonly successUrl: string; readonly cancelUrl: string };
  /** When a declined automatic top-up is tried again, and what else follows; a fixed back-off where it is left out. */
  readonly afterDecline?: (topUp: TopUp, decline: Decline, nowMs: number) => Promise<AfterDecline>;
  readonly now: () => number;
}

/** What banks and reviewers say of an account, for those who learn from labels. */
export interface AccountLabels {
  readonly label: (label: {
    readonly tenant: string;
    readonly account: string;
    readonly verdict: 'confirmed_fraud' | 'benign';
    readonly source: 'dispute' | 'early_fraud_warning' | 'review';
    /** Given once under this key. */
    readonly key: string;
    readonly reason: string;
    readonly atMs: number;
  }) => Promise<void>;
}

/** Who acts when Stripe's word is carried out. */
export const STRIPE_ACTOR = 'stripe';
