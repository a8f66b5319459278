/** What the price table says of a model: nano-units per million tokens. */
export interface ModelPrice {
  readonly model: string;
  readonly inputNanos: bigint;
  readonly cachedInputNanos: bigint;
  readonly outputNanos: bigint;
}

/** `review` of `ruleset.yaml`, checked. Without it no alert is ever shown to a model. */
export interface ReviewPolicy {
  readonly price: ModelPrice;
  /** Alerts with so many points, both included, are reviewed; never those of the freeze band. */
  readonly fromScore: number;
  readonly toScore: number;
  /** How far a verdict may move the points of an alert; it stays inside its band whatever these are. */
  readonly upMax: number;
  readonly downMax: number;
  /** How far the leanings (-1 to 1) of the two readings, with text and without, may lie apart. */
  readonly twinTolerance: number;
  /** An alert with more at risk or lost is never proposed for closing; null when none ever is. */
  readonly proposeClosingNanos: bigint | null;
  /** What all reviews of a UTC day may cost together. */
  readonly budgetPerDayNanos: bigint;
  readonly timeoutMs: number;
}

/** Whether an alert is one that the ruleset wants reviewed. */
export function isReviewed(
  policy: ReviewPolicy | null | undefined,
  { outcome, score }: { readonly outcome: string; readonly score: number },
): boolean {
  if (policy === null || policy === undefined) return false;
  return outcome !== 'freeze' && outcome !== 'allow' && score >= policy.fromScore && score <= policy.toScore;
}
