import { shareOf } from './intervals.ts';
import type { BacktestReport, ScoreView } from './report.ts';

/** What to do with a rule. */
export type Verdict = 'keep' | 'tune' | 'retire';

/** One rule's record against the labels. */
export interface ScorecardRow {
  readonly rule: string;
  readonly mode: string;
  readonly incidents: number;
  readonly precision: ScoreView['recall'];
  readonly recall: ScoreView['recall'];
  /** Attacks it was the first to find. */
  readonly first: number;
  /** What those had not stolen yet; exact decimal text. */
  readonly saved: string;
  readonly verdict: Verdict;
  readonly why: string;
}

/** Half of what a rule says should be true. */
const PRECISION_MIN = 0.5;

/** Even its best plausible precision is below this: nobody will go on reading it. */
const PRECISION_HOPELESS = 0.2;

/** The record of every live and shadow rule, counting what it says within the score's budget: below that nobody would read it. */
export function scorecardOf(report: BacktestReport, score: ScoreView): readonly ScorecardRow[] {
  return report.rules.map(({ rule, mode }) => {
    const own = score.rules.find((scored) => scored.rule === rule);
    const attacks = score.attacks.length;
    const nothing = { value: null, low: 0, high: 1, hits: 0, of: 0 };
    const precision = own?.precision ?? nothing;
    // Finding none of a few attacks bounds a rule's recall as finding some does.
    const recall = own?.recall ?? shareOf(0, attacks);
    const counted = {
      rule,
      mode,
      incidents: precision.of,
      precision,
      recall,
      first: own?.first ?? 0,
      saved: own?.saved ?? '0',
    };
    return { ...counted, ...verdictOn(counted) };
  });
}

function verdictOn({
  precision,
  first,
}: Pick<ScorecardRow, 'precision' | 'first'>): Pick<ScorecardRow, 'verdict' | 'why'> {
  const { value, hits, of, high } = precision;
  if (value === null)
    return { verdict: 'tune', why: 'It saw nothing: lower its threshold, or it guards against what never comes.' };
  if (high < PRECISION_HOPELESS)
    return { verdict: 'retire', why: `At most ${Math.round(high * 100)} % of what it says is plausibly true.` };
  if (value >= PRECISION_MIN) {
    const found =
      first > 0
        ? `It was the first to find ${first} ${first === 1 ? 'attack' : 'attacks'}.`
        : 'Others were faster, and it confirms them.';
    return { verdict: 'keep', why: found };
  }
  return { verdict: 'tune', why: `${of - hits} of ${of} incidents were false: raise its threshold.` };
}
