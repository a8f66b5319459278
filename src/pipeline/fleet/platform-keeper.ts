import { newestSettledHour } from '../../domain/fleet/platform-hours.ts';
import { type HourOfUsage, PLATFORM_MEMORY_MS, platformFactorAfter } from '../../domain/fleet/platform-level.ts';
import { HOUR_MS } from '../../domain/time.ts';
import type { FleetStore } from './fleet-store.ts';

/** Hours caught up on per turn: the past of a service that was off must not hold up the present. */
const HOURS_A_TURN = 6;

/** Counts each closed hour once and publishes how much busier than usual the platform is. */
export class PlatformKeeper {
  #doneMs = Number.NEGATIVE_INFINITY;
  readonly #store: Pick<FleetStore, 'clockMs' | 'hours' | 'countHour' | 'keepHour'>;

  constructor(store: Pick<FleetStore, 'clockMs' | 'hours' | 'countHour' | 'keepHour'>) {
    this.#store = store;
  }

  async turn(): Promise<void> {
    const store = this.#store;
    const nowMs = await store.clockMs();
    if (nowMs === undefined) return;
    const lastMs = newestSettledHour(nowMs);
    if (lastMs <= this.#doneMs) return;
    const fromMs = lastMs - PLATFORM_MEMORY_MS - HOUR_MS;
    const hours: HourOfUsage[] = [...(await store.hours(fromMs))];
    const nextMs = Math.max(fromMs, (hours.at(-1)?.hourMs ?? fromMs - HOUR_MS) + HOUR_MS);
    this.#doneMs = Math.max(this.#doneMs, nextMs - HOUR_MS);
    for (let hourMs = nextMs, done = 0; hourMs <= lastMs && done < HOURS_A_TURN; hourMs += HOUR_MS, done++) {
      const hour = await store.countHour(hourMs);
      hours.push(hour);
      await store.keepHour(hour, platformFactorAfter(hours));
      this.#doneMs = hourMs;
    }
  }
}
