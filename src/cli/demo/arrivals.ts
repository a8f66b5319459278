import { createMinHeap } from './min-heap.ts';
import type { Arrival, WireUsageEvent } from './plan.ts';

/** Events under way, handed out in order of arrival; two of the same millisecond keep the order they were sent in. */
export interface Arrivals {
  send(arrivedAtMs: number, event: WireUsageEvent): void;
  /** The next event that arrives at or before a time, or undefined. */
  takeUntil(untilMs: number): Arrival | undefined;
}

interface Pending extends Arrival {
  readonly order: number;
}

/** Nothing under way yet. Only a few hundred events ever are, however long the demo is. */
export function createArrivals(): Arrivals {
  const pending = createMinHeap<Pending>(
    (a, b) => a.arrivedAtMs < b.arrivedAtMs || (a.arrivedAtMs === b.arrivedAtMs && a.order < b.order),
  );
  let sent = 0;
  return {
    send(arrivedAtMs, event) {
      pending.push({ arrivedAtMs, event, order: sent });
      sent += 1;
    },
    takeUntil(untilMs) {
      const first = pending.first();
      return first === undefined || first.arrivedAtMs > untilMs ? undefined : pending.removeFirst();
    },
  };
}
