/** How a team's closed cases of a rule turned out. Duplicates say nothing of their own and are not counted. */
export interface CaseCounts {
  readonly confirmed: number;
  readonly benign: number;
}

/** How likely it is that what a rule fired on is abuse, from 0 to 1. */
export interface AbuseProbability {
  readonly mean: number;
  /** Nine times in ten the rule's true rate lies between these. */
  readonly lower: number;
  readonly upper: number;
  /** Closed cases behind it; with none it is the prior alone. */
  readonly cases: number;
}

export const NO_CASES: CaseCounts = { confirmed: 0, benign: 0 };

/** The prior counts as much as so many closed cases: a handful of verdicts outweighs it. */
const PRIOR_CASES = 4;

/** Two-sided 90 % of the normal distribution. */
const Z_90 = 1.6448536269514722;

/**
 * Mean of the beta posterior: prior `score / 100` worth four cases, plus the team's own closed cases. The interval is
 * Wilson's for the posterior's own counts, which stays inside 0 to 1 and is honest about small numbers.
 * Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
 *
 * @param score points of the decision, 0 to 100: how sure the rules' authors are before any case is closed.
 */
export function abuseProbability(score: number, counts: CaseCounts): AbuseProbability {
  const prior = Math.min(1, Math.max(0, score / 100));
  const n = PRIOR_CASES + counts.confirmed + counts.benign;
  const mean = (prior * PRIOR_CASES + counts.confirmed) / n;
  const center = mean + (Z_90 * Z_90) / (2 * n);
  const reach = Z_90 * Math.sqrt((mean * (1 - mean)) / n + (Z_90 * Z_90) / (4 * n * n));
  const scale = 1 + (Z_90 * Z_90) / n;
  return {
    mean: round4(mean),
    lower: round4(Math.max(0, (center - reach) / scale)),
    upper: round4(Math.min(1, (center + reach) / scale)),
    cases: counts.confirmed + counts.benign,
  };
}

// A probability from a handful of cases has no more digits than these.
function round4(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
