/** A high quantile of a stream, followed by steps: up a little when a value exceeds it, down a very little otherwise. */
export interface TailQuantile {
  value: number;
}

const MIN = 0.5;
const STEP_SHARE = 0.01;
const STEP_MIN = 0.0005;

/**
 * Learns one value (Robbins and Monro 1951, with steps in proportion to the quantile). In balance a share `1 − quantile`
 * of the values lies above. One value moves it by at most a hundredth, however large it is.
 */
export function learnQuantile(state: TailQuantile, value: number, quantile: number): void {
  const step = STEP_SHARE * state.value + STEP_MIN;
  state.value = Math.max(MIN, state.value + (value > state.value ? step * quantile : -step * (1 - quantile)));
}
