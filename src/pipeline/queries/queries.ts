import type { Grant } from '../../domain/ledger/grant.ts';
import type { Hold, HoldState } from '../../domain/ledger/hold.ts';
import type { WalletHead, WalletStatus } from '../../domain/ledger/wallet.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import type { WalletReference } from '../admin/admin-store.ts';
import type { FreezeCause } from '../freeze-cause.ts';
import type { ReviewView } from '../review/review-store.ts';
import type { DatabaseHealth } from './database-health.ts';
import type { DecisionEvidence } from './decision-evidence.ts';
import type { ExplainedDecision, ExplainedWhich } from './explained-decision.ts';
import type { FoundEvent } from './found-event.ts';
import type { VerifyRequest, VerifySummary } from './ledger-finding.ts';
import type { QuarantineFilter, QuarantineView } from './quarantine-view.ts';

/** What every list can be narrowed by. */
export interface ListFilter<Status extends string> {
  readonly tenant: string;
  readonly account?: string;
  readonly status?: Status;
  readonly limit: number;
}

/** A wallet with the lane that writes it. */
export type WalletView = Readonly<WalletHead> & { readonly lane: number };

/** Open quarantined usage of a wallet, by reason. */
export interface QuarantineTotal {
  readonly reason: string;
  readonly events: number;
  /** What of it has a price would cost. */
  readonly amount: bigint;
  readonly oldestMs: number;
}

/** An open grant with what was given. */
export interface GrantView extends Grant {
  readonly amount: bigint;
}

export interface WalletDetail {
  readonly wallet: WalletView;
  /** In burn order. */
  readonly grants: readonly GrantView[];
  /** Who or what froze it; null unless it is frozen. */
  readonly freezeCause: FreezeCause | null;
  readonly quarantine: readonly QuarantineTotal[];
  readonly alerts: readonly AlertView[];
}

export const ACCOUNT_STATUSES = ['unconfirmed', 'confirmed', 'closed'] as const;
export type AccountStatus = (typeof ACCOUNT_STATUSES)[number];

export interface AccountView {
  readonly tenant: string;
  readonly account: string;
  readonly status: AccountStatus;
  readonly openedAtMs: number;
  readonly wallets: readonly WalletView[];
  readonly openAlerts: number;
}

export const ALERT_STATUSES = ['open', 'confirmed_fraud', 'benign', 'duplicate'] as const;
export type AlertStatus = (typeof ALERT_STATUSES)[number];

export interface AlertView {
  readonly alertId: string;
  readonly decisionId: string;
  readonly tenant: string;
  readonly account: string;
  readonly walletId: bigint;
  readonly currency: string;
  readonly outcome: string;
  readonly title: string;
  readonly summary: string;
  readonly moneyAtRisk: bigint;
  readonly loss: bigint;
  readonly status: AlertStatus;
  readonly raisedAtMs: number;
  readonly closedAtMs: number | null;
  readonly closedBy: string | null;
}

export interface AlertDetail {
  readonly alert: AlertView;
  readonly decision: {
    readonly decisionId: string;
    readonly outcome: string;
    readonly score: number;
    readonly rulesetHash: string;
    readonly decidedAtMs: number;
    readonly lane: number;
    readonly batchNo: number;
    readonly evidence: DecisionEvidence;
    /** The evidence word for word as it was stored. */
    readonly stored: unknown;
  };
  /** What a language model said of it; null when nobody asked one. */
  readonly review: ReviewView | null;
  /** The wallet as it is now. */
  readonly wallet: WalletView | undefined;
}

/** What rejected events can be narrowed by. */
export interface RejectedFilter {
  readonly tenant: string;
  /** One run of `ingest`, by the name that its summary gives. */
  readonly run?: string;
  readonly code?: string;
  readonly source?: string;
  readonly limit: number;
}

/** An event, a line or a whole job that was refused, and why. */
export interface RejectedView {
  /** Null when none could be read. */
  readonly id: string | null;
  readonly tenant: string;
  readonly source: string | null;
  readonly code: string;
  readonly field: string;
  readonly value: string;
  readonly fix: string;
  /** As it came, to correct and send again. */
  readonly raw: string;
  readonly rejectedAtMs: number;
}

/** A hold with the names of what it is on. */
export type HoldListed = Hold & { readonly account: string; readonly currency: string };

export interface HoldDetail {
  readonly hold: HoldListed;
  /** What was asked of it and carried out, oldest first. */
  readonly operations: readonly {
    readonly operation: string;
    readonly key: string;
    readonly actor: string;
    readonly reason: string | null;
    readonly atMs: number;
  }[];
}

/** One thing that must be true of the books, and whether it is. */
export interface Proof {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** Everything that is read without changing anything. */
export interface Queries {
  readonly wallets: (filter: ListFilter<WalletStatus>) => Promise<readonly WalletView[]>;
  /** The wallets a reference fits: more than one when the account has several currencies. */
  readonly wallet: (reference: WalletReference) => Promise<readonly WalletDetail[]>;
  readonly accounts: (filter: ListFilter<AccountStatus>) => Promise<readonly AccountView[]>;
  readonly alerts: (filter: ListFilter<AlertStatus>) => Promise<readonly AlertView[]>;
  readonly alert: (tenant: string, alertId: string) => Promise<AlertDetail | undefined>;
  /** One decision with all it rested on; undefined when there is none. */
  readonly explained: (tenant: string, which: ExplainedWhich) => Promise<ExplainedDecision | undefined>;
  /** Everything known of an event id; undefined when it was never seen. */
  readonly findEvent: (
    id: string,
    filter: { readonly tenant: string; readonly source?: string; readonly account?: string },
  ) => Promise<FoundEvent | undefined>;
  /** What was refused; the only way to find what had no id. */
  readonly rejected: (filter: RejectedFilter) => Promise<readonly RejectedView[]>;
  /** Holds, the newest first. */
  readonly holds: (filter: ListFilter<HoldState>) => Promise<readonly HoldListed[]>;
  readonly hold: (tenant: string, holdId: string) => Promise<HoldDetail | undefined>;
  readonly quarantine: (filter: QuarantineFilter) => Promise<QuarantineView>;
  /** Proves the books; with a ruleset whose hash fits, usage is also priced again from the stored events. */
  readonly proofs: (ruleset?: Ruleset) => Promise<readonly Proof[]>;
  /** Goes through everything stored and names what was changed; findings are told one by one. */
  readonly verify: (ruleset: Ruleset | undefined, request: VerifyRequest) => Promise<VerifySummary>;
  /** About how many rows `verify` goes through, for progress. */
  readonly ledgerSize: () => Promise<number>;
  readonly health: () => Promise<DatabaseHealth>;
}
