import { setImmediate as nextTurn } from 'node:timers/promises';

/** The longest a batch keeps the event loop while holds are asked for. */
const SLICE_MS = 1;
/** How long after a hold another one is expected: what has not been read from its socket yet cannot be seen waiting. */
const EXPECTED_MS = 1_000;

let lastHoldMs = Number.NEGATIVE_INFINITY;
let sliceFromMs = 0;

/**
 * Somebody asks for a hold: until a while after it, long work lets others have the event loop in between. Said by whoever
 * takes requests in; without it batches are never interrupted.
 */
export function expectHolds(): void {
  lastHoldMs = performance.now();
}

/** Starts a slice of long work. */
export function startSlice(): void {
  sliceFromMs = performance.now();
}

/** Whether the slice has lasted long enough and somebody else may want the event loop, of which a process has one. */
export function isSliceOver(): boolean {
  const nowMs = performance.now();
  return nowMs - sliceFromMs >= SLICE_MS && nowMs - lastHoldMs < EXPECTED_MS;
}

/** Lets everybody else who has something to do go first, when a slice is over; starts the next one. */
export async function breathe(): Promise<void> {
  if (!isSliceOver()) return;
  await nextTurn();
  startSlice();
}
