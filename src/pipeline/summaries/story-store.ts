import type { Contact } from '../../domain/contacts/contact.ts';
import type { AlertStory } from '../../domain/summaries/alert-story.ts';
import type { BalanceFacts } from '../../domain/summaries/low-balance.ts';

/** A story and how its customer is spoken to. */
export interface ToldStory {
  readonly story: AlertStory;
  readonly contact: Contact;
}

/** What summaries are written from. Only reads. */
export interface StoryStore {
  /** Undefined when there is no such alert. */
  readonly story: (tenant: string, alertId: string) => Promise<ToldStory | undefined>;
  /** Open alerts of a tenant raised in `[fromMs, toMs)`, those with most money at risk first. */
  readonly openStories: (
    tenant: string,
    range: { readonly fromMs: number; readonly toMs: number; readonly limit: number },
  ) => Promise<readonly ToldStory[]>;
  /** The alerts of one wallet raised from `gapMs` before the given one until it, itself included; oldest first. */
  readonly incidentOf: (tenant: string, alertId: string, gapMs: number) => Promise<readonly ToldStory[]>;
  /** Of every wallet of an account, without what the message says of the payment page; empty for an unknown account. */
  readonly balances: (
    tenant: string,
    account: string,
    /** `overdraftNanos` is the ruleset's, for wallets without an overdraft of their own. */
    at: { readonly nowMs: number; readonly overdraftNanos: bigint },
  ) => Promise<readonly { readonly facts: Omit<BalanceFacts, 'payUrl'>; readonly contact: Contact }[]>;
}
