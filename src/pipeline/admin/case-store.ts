import type { AlertStatus } from '../queries/queries.ts';
import type { AdminScope, AdminStore, AdminTransaction } from './admin-store.ts';

/** What a person concluded about an alert. */
export type Verdict = Exclude<AlertStatus, 'open'>;

/** An alert as far as closing it needs it. */
export interface AlertCase {
  readonly alertId: string;
  readonly walletId: bigint;
  readonly account: string;
  readonly title: string;
  readonly status: AlertStatus;
  readonly closedBy: string | null;
  readonly raisedAtMs: number;
  /** The longest window of the rules that fired: the usage the alert was about began so long before it. */
  readonly windowMs: number;
}

/** What an account's baseline is to learn from a closed alert. */
export interface NewLesson {
  readonly alertId: string;
  readonly verdict: 'confirmed_fraud' | 'benign';
  readonly fromMs: number;
  readonly toMs: number;
  readonly by: string;
}

/** A label to be kept. */
export interface NewLabel {
  readonly tenant: string;
  readonly account: string;
  readonly label: 'confirmed_fraud' | 'benign';
  readonly cause: string;
  readonly fromMs: number;
  readonly untilMs: number | undefined;
  readonly lossNanos: bigint | undefined;
  readonly note: string | undefined;
  readonly key: string;
  readonly by: string;
}

/** Alerts inside one database transaction that holds the fence of their wallet's lane. */
export interface CaseAccess {
  /** The alert, locked; undefined when the wallet has none of that id. */
  readonly read: (alertId: string) => Promise<AlertCase | undefined>;
  /** Other open alerts of the wallet raised in [fromMs, toMs]. */
  readonly openBetween: (fromMs: number, toMs: number) => Promise<readonly AlertCase[]>;
  /** All alerts of the wallet raised in [fromMs, toMs], closed ones too, in order. */
  readonly raisedBetween: (fromMs: number, toMs: number) => Promise<readonly AlertCase[]>;
  readonly close: (alertId: string, verdict: Verdict, by: string, reason: string) => Promise<void>;
  readonly teach: (lesson: NewLesson) => Promise<void>;
  readonly label: (label: NewLabel) => Promise<void>;
}

export type CaseTransaction = AdminTransaction & { readonly cases: CaseAccess };

/** What closing alerts needs from the world. */
export interface CaseStore extends Pick<AdminStore, 'findWallets'> {
  /** The wallet an alert is about; undefined when there is no such alert. */
  readonly walletOfAlert: (tenant: string, alertId: string) => Promise<bigint | undefined>;
  readonly transact: <T>(scope: AdminScope, work: (transaction: CaseTransaction) => Promise<T>) => Promise<T>;
}
