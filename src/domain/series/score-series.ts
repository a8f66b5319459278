import { fastDetector } from './fast.ts';
import { anomalyScore, type SeriesJudgement, type SeriesRow } from './series-detector.ts';
import { slowDetector } from './slow.ts';

/** Which detectors look at a series: `slow` groups incidents for people, `fast` answers in the row itself. */
export type SeriesChannelChoice = 'fast' | 'slow' | 'both';

/** A row with the scores that are written beside it. */
export interface ScoredRow {
  /** With both channels the rarer of the two; what was expected is the slow channel's. */
  readonly judgement: SeriesJudgement;
  readonly score: number;
  /** One score per channel when both are asked for, fast first. */
  readonly channels: readonly number[];
}

/** Scores rows one by one. */
export interface SeriesScorer {
  readonly next: (row: SeriesRow) => ScoredRow;
  /** Usual distance between rows in milliseconds, 0 while unknown. */
  readonly stepMs: () => number;
}

/** A scorer at the beginning of a series. */
export function createScorer(choice: SeriesChannelChoice): SeriesScorer {
  if (choice === 'both') return bothScorer();
  const detector = choice === 'fast' ? fastDetector() : slowDetector();
  return {
    next(row) {
      const judgement = detector.next(row);
      return { judgement, score: anomalyScore(judgement.rarity), channels: [] };
    },
    stepMs: () => detector.state.shared.clock.stepMs,
  };
}

function bothScorer(): SeriesScorer {
  const fast = fastDetector();
  const slow = slowDetector();
  return {
    next(row) {
      const quick = fast.next(row);
      const grouped = slow.next(row);
      const rarity = Math.max(quick.rarity, grouped.rarity);
      const channels = [anomalyScore(quick.rarity), anomalyScore(grouped.rarity)];
      return { judgement: { ...grouped, rarity }, score: anomalyScore(rarity), channels };
    },
    stepMs: () => slow.state.shared.clock.stepMs,
  };
}
