import { RARITY_TOLD, type SeriesJudgement } from './series-detector.ts';

/** A stretch of rows that belong together, told by its rarest row. */
export interface SeriesIncident {
  /** Number of the row, from 0. */
  readonly row: number;
  readonly line: number;
  readonly atMs: number | undefined;
  readonly observed: number;
  readonly judgement: SeriesJudgement;
}

/** The rarest incidents of a series, and how many there were. Memory does not grow with the series. */
export interface IncidentList {
  readonly add: (candidate: SeriesIncident) => void;
  /** The rarest first. */
  readonly rarest: () => readonly SeriesIncident[];
  readonly total: () => number;
}

/** Rows without a rare one that end an incident. */
const QUIET_ROWS = 30;

/** Keeps the `keptMax` rarest incidents. */
export function createIncidentList(keptMax: number): IncidentList {
  const kept: SeriesIncident[] = [];
  let current: SeriesIncident | undefined;
  let lastRow = 0;
  let total = 0;
  const close = () => {
    if (current === undefined) return;
    const { rarity } = current.judgement;
    const rank = kept.findIndex(({ judgement }) => judgement.rarity < rarity);
    kept.splice(rank === -1 ? kept.length : rank, 0, current);
    if (kept.length > keptMax) kept.pop();
    current = undefined;
  };
  return {
    add(candidate) {
      if (candidate.judgement.rarity < RARITY_TOLD) return;
      if (current === undefined || candidate.row - lastRow > QUIET_ROWS) {
        close();
        total++;
        current = candidate;
      } else if (candidate.judgement.rarity > current.judgement.rarity) current = candidate;
      lastRow = candidate.row;
    },
    rarest() {
      close();
      return [...kept];
    },
    total: () => total,
  };
}
