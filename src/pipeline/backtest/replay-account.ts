import { type AccountFeatures, createFeatures } from '../../domain/features/feature-state.ts';
import type { SlowAccount } from './slow-account.ts';

/** One account while history is played to it. */
export interface ReplayAccount extends SlowAccount {
  readonly account: string;
  /** Its ordinal among the accounts of the replay, from 0. */
  readonly ordinal: number;
  features: AccountFeatures;
  /** What it had been given by its last event, less what the replay has charged; nano-units, undefined while nobody knows. */
  balanceNanos: number | undefined;
  /** What the replay has charged, nano-units. */
  chargedNanos: number;
  /** The same account of the replay beside this one. */
  beside: ReplayAccount | undefined;
  /** Whether its buckets and streams are those of the replay it runs beside. */
  isShared: boolean;
}

/** An account before its first event. */
export function newAccount(account: string, ordinal: number): ReplayAccount {
  return {
    account,
    ordinal,
    features: createFeatures(),
    balanceNanos: undefined,
    chargedNanos: 0,
    frozenUntilMs: 0,
    throttle: null,
    waiting: [],
    beside: undefined,
    isShared: false,
  };
}
