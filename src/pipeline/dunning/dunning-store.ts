import type { Contact } from '../../domain/contacts/contact.ts';
import type { DraftContent } from '../../domain/dunning/draft.ts';
import type { DunningEpisode, DunningStep } from '../../domain/dunning/episode.ts';
import type { RetryModel } from '../../domain/dunning/retry-model.ts';

/** What a draft is now. `withdrawn`: it was paid before anybody sent it. */
export type DraftStatus = 'draft' | 'approved' | 'sent' | 'withdrawn';

export interface StoredDraft {
  /** The message's id as well. */
  readonly draftId: string;
  readonly episodeId: string;
  readonly tenant: string;
  readonly step: DunningStep;
  readonly content: DraftContent;
  readonly status: DraftStatus;
  readonly createdAtMs: number;
  readonly decidedBy: string | null;
  readonly decidedAtMs: number | null;
}

/** One payment of an account that ended, and with which card. */
export interface EndedPayment {
  readonly atMs: number;
  readonly succeeded: boolean;
  readonly paymentMethod: string | null;
}

/** How a wallet's own spending limit stood before it was slowed down; null for none. */
export type OwnLimit = { readonly limit: bigint; readonly periodMs: number } | null;

/** Episodes, drafts and the model. */
export interface DunningStore {
  /** The wallet's episode that is not over; opened by `episode` when there is none. */
  readonly open: (episode: DunningEpisode) => Promise<DunningEpisode>;
  readonly ofWallet: (walletId: bigint) => Promise<DunningEpisode | undefined>;
  /** Episodes that are not over, the oldest first. */
  readonly unfinished: (limit: number) => Promise<readonly DunningEpisode[]>;
  readonly update: (
    episodeId: string,
    patch: Partial<
      Pick<
        DunningEpisode,
        | 'state'
        | 'closedAtMs'
        | 'retries'
        | 'nextTryAtMs'
        | 'reason'
        | 'probability'
        | 'percent'
        | 'declineClass'
        | 'tell'
        | 'declineCode'
      >
    >,
    nowMs: number,
  ) => Promise<void>;
  readonly keepLimit: (episodeId: string, limit: OwnLimit) => Promise<void>;
  readonly limitBefore: (episodeId: string) => Promise<OwnLimit | undefined>;
  /** The limit we have set, by which it is known that nobody has changed it since; undefined before that. */
  readonly keepSet: (episodeId: string, limit: NonNullable<OwnLimit>) => Promise<void>;
  readonly limitSet: (episodeId: string) => Promise<OwnLimit | undefined>;
  /** When a payment of the wallet went through after a moment; undefined when none did. */
  readonly paidSince: (walletId: bigint, sinceMs: number) => Promise<number | undefined>;
  /** Automatic payments of an account that ended, oldest first. */
  readonly payments: (tenant: string, account: string, sinceMs: number) => Promise<readonly EndedPayment[]>;
  /** Events of a wallet by hour of the week from Monday 00:00 UTC, of four weeks. */
  readonly activity: (walletId: bigint, nowMs: number) => Promise<readonly number[]>;
  /** Episodes of the last 90 days that ended, and all their tries. */
  readonly ended: (nowMs: number) => Promise<{ readonly ended: number; readonly attempts: number }>;
  readonly model: () => Promise<RetryModel | undefined>;
  readonly saveModel: (model: RetryModel, nowMs: number) => Promise<void>;
  /** A page of Stripe on which the top-up can be paid now; null when there is none. */
  readonly pageOf: (topupId: string, nowMs: number) => Promise<string | null>;
  readonly contact: (tenant: string, account: string) => Promise<Contact>;
  /** The wallet's own spending limit, without what rules have set. */
  readonly ownLimit: (walletId: bigint) => Promise<OwnLimit>;
  readonly drafts: (query: {
    readonly tenant?: string;
    readonly episodeId?: string;
    readonly status?: DraftStatus;
    readonly limit: number;
  }) => Promise<readonly StoredDraft[]>;
  readonly draft: (
    tenant: string,
    draftId: string,
  ) => Promise<{ readonly draft: StoredDraft; readonly episode: DunningEpisode } | undefined>;
  /** Keeps a draft once for its step. */
  readonly addDraft: (draft: Omit<StoredDraft, 'decidedBy' | 'decidedAtMs'>) => Promise<void>;
  /** False when the draft is not in one of the states any more. */
  readonly decide: (
    draftId: string,
    from: readonly DraftStatus[],
    to: DraftStatus,
    by: string,
    nowMs: number,
  ) => Promise<boolean>;
  readonly rewrite: (draftId: string, content: DraftContent, by: string, nowMs: number) => Promise<boolean>;
  readonly list: (tenant: string, limit: number) => Promise<readonly DunningEpisode[]>;
  readonly read: (tenant: string, episodeId: string) => Promise<DunningEpisode | undefined>;
}
