/** What is already known and told about an account: keeps one attack from raising an alert per event. */
export interface Incident {
  /** When the first alert of this incident was raised, by our clock. */
  readonly openedAtMs: number;
  /** 0 allow, 1 watch, 2 review, 3 freeze: the harshest outcome raised so far. */
  readonly severity: number;
  readonly gates: readonly Gate[];
}

/** A rule that has spoken and stays silent for a while. */
export interface Gate {
  readonly ruleId: string;
  readonly raisedAtMs: number;
  /** What the rule had observed then, in its feature's unit. */
  readonly observed: number;
  /** Money at risk then, nano-units; only of rules that speak again when it doubles. */
  readonly atRiskNanos?: number;
}
