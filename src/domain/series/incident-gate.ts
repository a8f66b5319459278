/** The row that passed last. The ones before it were lower or are too long ago, so it stands for all of them. */
export interface IncidentGate {
  row: number;
  passedRow: number;
  passedScore: number;
}

/** When a row counts as news. */
export interface IncidentGateSettings {
  /** Nothing passes for so many rows after a row that passed, unless it is higher. */
  readonly quietRows: number;
  /** Within so many rows it must be higher by `rise`: a smoothed score climbs for several rows, and is one incident. */
  readonly sameRows: number;
  /** Factor. */
  readonly rise: number;
}

export const INCIDENT_GATE: IncidentGateSettings = { quietRows: 150, sameRows: 30, rise: 1.07 };

/** Nothing passed yet. */
export function startGate(): IncidentGate {
  return { row: 0, passedRow: 0, passedScore: 0 };
}

/**
 * Whether a score is news: higher than every one that passed in the last `quietRows` rows. It knows no threshold, so a
 * threshold may be chosen afterwards: whatever it is, an incident exceeds it once or a few times, not in every row.
 */
export function passGate(
  gate: IncidentGate,
  score: number,
  { quietRows, sameRows, rise }: IncidentGateSettings,
): boolean {
  gate.row++;
  const ago = gate.row - gate.passedRow;
  const bar = ago > quietRows ? 0 : gate.passedScore * (ago <= sameRows ? rise : 1);
  if (score <= bar) return false;
  gate.passedRow = gate.row;
  gate.passedScore = score;
  return true;
}
