import { log } from '../math.ts';
import { HOURS_OF_WEEK } from './local-time.ts';

/** Weights of the hours around one hour: a payer who is at work at ten is probably there at nine and eleven. */
const AROUND = [0.25, 0.5, 0.25];

/** Events that an empty hour counts as, of the mean: keeps the logarithm finite and a short record modest. */
const FLOOR = 0.1;

/**
 * How active each hour of the week is against the payer's mean hour, as a natural logarithm: 0 is average, 0.7 twice as
 * active, −2.3 silent. An empty record gives zeros: it says nothing.
 *
 * @param activity events per hour of week, 168 numbers
 */
export function activityCurve(activity: readonly number[]): Float64Array {
  const curve = new Float64Array(HOURS_OF_WEEK);
  let total = 0;
  for (const events of activity) total += events;
  if (total <= 0) return curve;
  const mean = total / HOURS_OF_WEEK;
  const top = log(1 + FLOOR);
  for (let hour = 0; hour < HOURS_OF_WEEK; hour++) {
    let near = 0;
    for (let step = -1; step <= 1; step++) {
      const at = (hour + step + HOURS_OF_WEEK) % HOURS_OF_WEEK;
      near += (AROUND[step + 1] ?? 0) * (activity[at] ?? 0);
    }
    curve[hour] = log(near / mean + FLOOR) - top;
  }
  return curve;
}
