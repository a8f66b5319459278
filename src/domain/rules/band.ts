/** What a judgement says should happen; each is harsher than the one before. */
export const OUTCOMES = ['allow', 'watch', 'review', 'freeze'] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** An effect a band asks for. Customers' money never moves by one. */
export type BandAction =
  | { readonly kind: 'notify'; readonly to: string }
  | { readonly kind: 'freeze_wallet'; readonly hours: number }
  | ThrottleAction
  | RadarAction;

/** Puts the account's customer before Stripe Radar for so many hours. */
export interface RadarAction {
  readonly kind: 'radar_review';
  readonly hours: number;
}

/** Slows a wallet down: it may spend so much per period for so many hours. */
export interface ThrottleAction {
  readonly kind: 'throttle_wallet';
  readonly hours: number;
  readonly limitNanos: bigint;
  readonly periodMs: number;
  /** Lets an account spend this share of its own usual, when that is more; null for the limit alone. */
  readonly ofUsual: number | null;
}

/** The kinds of action a band may name. */
export const ACTION_KINDS = ['notify', 'freeze_wallet', 'throttle_wallet', 'radar_review'] as const;

/** Total scores from `from` to `to`, both included, have this outcome. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly outcome: Outcome;
  readonly actions: readonly BandAction[];
}

/** 0 allow, 1 watch, 2 review, 3 freeze. */
export function severityOf(outcome: Outcome): number {
  return OUTCOMES.indexOf(outcome);
}

/** The band a total score falls into. Scores are capped at 100 before. */
export function bandFor(bands: readonly Band[], score: number): Band {
  for (const band of bands) if (score <= band.to) return band;
  throw new RangeError(`no band holds the score ${score}`);
}

/** The slow-down that an outcome may lead to: its own band's, or for a freeze that is not carried out, the review band's. */
export function throttleFor(bands: readonly Band[], outcome: Outcome): ThrottleAction | undefined {
  return actionsUpTo(bands, outcome).find((action) => action.kind === 'throttle_wallet');
}

/** What an outcome asks of Radar: its own band's action, or that of the review band, because harsher includes milder. */
export function radarFor(bands: readonly Band[], outcome: Outcome): RadarAction | undefined {
  return actionsUpTo(bands, outcome).find((action) => action.kind === 'radar_review');
}

/** Actions of the bands in which a person looks, from the outcome's own down. */
function actionsUpTo(bands: readonly Band[], outcome: Outcome): readonly BandAction[] {
  const isAllowed = (band: Band) =>
    severityOf(band.outcome) >= severityOf('review') && severityOf(band.outcome) <= severityOf(outcome);
  const allowed = bands.filter(isAllowed).reverse();
  return allowed.flatMap((band) => band.actions);
}
