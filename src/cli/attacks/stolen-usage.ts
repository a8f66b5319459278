import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import type { HistoryEvent } from '../../pipeline/backtest/history-event.ts';
import {
  type AttackContext,
  copyOf,
  type Family,
  type Forged,
  harder,
  stretch,
  templateOf,
  timesIn,
} from './attack.ts';
import { hourlyRate } from './profile.ts';

/** Usage somebody else causes on an account. */
function stolen(context: AttackContext, times: readonly number[], at: (ms: number) => Partial<HistoryEvent>): Forged[] {
  return times.map((occurredAtMs) => {
    const { source, properties } = at(occurredAtMs);
    const event = copyOf(context, templateOf(context), {
      occurredAtMs,
      ...(source === undefined ? {} : { source }),
      ...(properties === undefined ? {} : { properties }),
    });
    return { event, lossNanos: context.priceOf(event) };
  });
}

function anotherRegion({ random, history, victim }: AttackContext): string | undefined {
  const unseen = history.regions.filter((region) => !victim.regions.has(region));
  return unseen.length === 0 ? undefined : random.pick(unseen);
}

const stolenKeyDrain: Family = {
  name: 'stolen_key_drain',
  about: 'a leaked key is drained for hours, from a source and often a region the account never used',
  build(context) {
    const { random, difficulty, victim } = context;
    const { startMs, endMs } = stretch(context, harder(difficulty, 5, 16) * HOUR_MS);
    const times = harder(difficulty, 24, 8) * hourlyRate(victim);
    const count = Math.max(40, Math.round((times * (endMs - startMs)) / HOUR_MS));
    const [source, key] = [context.name('10.'), context.name('key_')];
    const region = random.next() < harder(difficulty, 1, 0.5) ? anotherRegion(context) : undefined;
    const injected = stolen(context, timesIn(random, count, startMs, endMs), () => ({
      source,
      properties: { key, ...(region === undefined ? {} : { region }) },
    }));
    return { accounts: [victim.account], sources: [], startMs, endMs, injected };
  },
};

const slowDrip: Family = {
  name: 'slow_drip',
  about: 'a little more every day, carried by a source and key of its own, as flat at night as by day',
  build(context) {
    const { random, difficulty, victim } = context;
    const { startMs, endMs } = stretch(context, harder(difficulty, 6, 14) * DAY_MS);
    const count = Math.round((harder(difficulty, 1.5, 0.5) * hourlyRate(victim) * (endMs - startMs)) / HOUR_MS);
    const [source, key] = [context.name('10.'), context.name('key_')];
    const injected = stolen(context, timesIn(random, Math.max(24, count), startMs, endMs), () => ({
      source,
      properties: { key },
    }));
    return { accounts: [victim.account], sources: [], startMs, endMs, injected };
  },
};

const offHours: Family = {
  name: 'off_hours',
  about: 'usage in the hours in which the account sleeps',
  build(context) {
    const { random, difficulty, victim } = context;
    const quiet = victim.byHour.map((events, hour) => ({ events, hour })).sort((a, b) => a.events - b.events);
    const hours = new Set(quiet.slice(0, 6).map(({ hour }) => hour));
    const { startMs, endMs } = stretch(context, harder(difficulty, 4, 6) * DAY_MS);
    const perDay = harder(difficulty, 1, 0.5) * hourlyRate(victim) * 24;
    const count = Math.max(12, Math.round((perDay * (endMs - startMs)) / DAY_MS));
    const times = timesIn(random, count * 4, startMs, endMs)
      .filter((ms) => hours.has(Math.floor(ms / HOUR_MS) % 24))
      .slice(0, count);
    if (times.length < 6) return undefined;
    return { accounts: [victim.account], sources: [], startMs, endMs, injected: stolen(context, times, () => ({})) };
  },
};

const regionShift: Family = {
  name: 'region_shift',
  about: 'a good part of the usage comes from a region the account never used',
  build(context) {
    const { random, difficulty, victim } = context;
    const region = anotherRegion(context);
    if (region === undefined) return undefined;
    const { startMs, endMs } = stretch(context, harder(difficulty, 3, 5) * DAY_MS);
    const share = harder(difficulty, 0.8, 0.4);
    const count = Math.max(12, Math.round((share * hourlyRate(victim) * (endMs - startMs)) / HOUR_MS));
    const source = context.name('10.');
    const injected = stolen(context, timesIn(random, count, startMs, endMs), () => ({
      source,
      properties: { region },
    }));
    return { accounts: [victim.account], sources: [], startMs, endMs, injected };
  },
};

/** Somebody uses what another pays for. */
export const STOLEN_USAGE: readonly Family[] = [stolenKeyDrain, slowDrip, offHours, regionShift];
