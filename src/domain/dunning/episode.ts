import type { DeclineClass, Disclosure } from './decline-rules.ts';

export const DUNNING_STEPS = ['reminder', 'action_needed', 'final'] as const;
/** What the customer is written: it will be tried again; they must do something; it is over without them. */
export type DunningStep = (typeof DUNNING_STEPS)[number];

/**
 * A failed automatic top-up until it is paid. `given_up`: no more tries, the customer may still pay. `handed_over`: suspected
 * fraud, a person decides and nobody is written to.
 */
export interface DunningEpisode {
  readonly episodeId: string;
  readonly tenant: string;
  readonly account: string;
  readonly walletId: bigint;
  readonly currency: string;
  readonly topupId: string;
  /** Nano-units. */
  readonly amountNanos: bigint;
  readonly declineClass: DeclineClass;
  readonly tell: Disclosure;
  readonly declineCode: string | null;
  readonly state: 'open' | 'recovered' | 'given_up' | 'handed_over';
  readonly openedAtMs: number;
  readonly closedAtMs: number | null;
  readonly retries: number;
  readonly nextTryAtMs: number | null;
  readonly reason: string;
  readonly probability: number | null;
  /** Of the normal rate. */
  readonly percent: number;
}

/** Tries without money after which a reminder is no longer enough. */
const PATIENCE_RETRIES = 2;
const LAST_DAY = 1;

/**
 * The step a customer is to hear of by now; undefined when there is none. Steps before it are not made up for: who is asked to
 * act need not be reminded first.
 *
 * @param runwayDays how long the balance lasts; null when the account spends nothing
 */
export function stepDue(
  episode: Pick<DunningEpisode, 'declineClass' | 'tell' | 'state' | 'retries' | 'percent'>,
  runwayDays: number | null,
): DunningStep | undefined {
  const { declineClass, tell, state, retries, percent } = episode;
  if (tell === 'nothing' || state === 'recovered' || state === 'handed_over') return undefined;
  if (state === 'given_up' && (declineClass === 'retry' || declineClass === 'retry_once')) return 'final';
  if (runwayDays !== null && runwayDays < LAST_DAY) return 'final';
  const isForCustomer = declineClass !== 'retry' && declineClass !== 'retry_once';
  // Nobody is slowed down without being told.
  return isForCustomer || percent < 100 || retries >= PATIENCE_RETRIES ? 'action_needed' : 'reminder';
}

/** Whether a step comes after another. */
export function isLater(step: DunningStep, than: DunningStep): boolean {
  return DUNNING_STEPS.indexOf(step) > DUNNING_STEPS.indexOf(than);
}
