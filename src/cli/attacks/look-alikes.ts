import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import { copyOf, type Family, harder, stretch, templateOf, timesIn } from './attack.ts';
import { hourlyRate } from './profile.ts';

const keyRotation: Family = {
  name: 'key_rotation',
  about: 'all usage moves to a new key at once',
  build(context) {
    const { victim } = context;
    const { startMs } = stretch(context, DAY_MS);
    const key = context.name('key_');
    return {
      accounts: [victim.account],
      sources: [],
      startMs,
      endMs: context.toMs,
      injected: [],
      rewrite: (event) =>
        event.account === victim.account && event.arrivedAtMs >= startMs && event.properties?.key !== undefined
          ? { event: { ...event, properties: { ...event.properties, key } }, lossNanos: 0 }
          : undefined,
    };
  },
};

const productLaunch: Family = {
  name: 'product_launch',
  about: 'usage doubles over some days and stays, from known sources and keys, by day',
  build(context) {
    const { random, victim, difficulty } = context;
    const { startMs, endMs } = stretch(context, 6 * DAY_MS);
    const busy = new Set(
      victim.byHour
        .map((events, hour) => ({ events, hour }))
        .sort((a, b) => b.events - a.events)
        .slice(0, 14)
        .map(({ hour }) => hour),
    );
    const count = Math.round((harder(difficulty, 1, 1.5) * hourlyRate(victim) * (endMs - startMs)) / HOUR_MS);
    const injected = timesIn(random, count, startMs, endMs)
      .filter((ms) => busy.has(Math.floor(ms / HOUR_MS) % 24))
      // It builds up: early events are rarer than late ones.
      .filter((ms) => random.next() < (ms - startMs) / (endMs - startMs))
      .map((occurredAtMs) => ({ event: copyOf(context, templateOf(context), { occurredAtMs }), lossNanos: 0 }));
    return { accounts: [victim.account], sources: [], startMs, endMs, injected };
  },
};

const loadTest: Family = {
  name: 'load_test',
  about: 'an hour or two of heavy usage that says what it is: env ci',
  build(context) {
    const { random, victim } = context;
    const { startMs, endMs } = stretch(context, 2 * HOUR_MS);
    const count = Math.max(30, Math.round(12 * hourlyRate(victim)));
    const injected = timesIn(random, count, startMs, endMs).map((occurredAtMs) => ({
      event: copyOf(context, templateOf(context), { occurredAtMs, properties: { env: 'ci' } }),
      lossNanos: 0,
    }));
    return { accounts: [victim.account], sources: [], startMs, endMs, injected };
  },
};

const offlineSync: Family = {
  name: 'offline_sync',
  about: 'a source is cut off for hours and delivers everything late, in order and unchanged',
  build(context) {
    const { victim, random } = context;
    const { startMs, endMs } = stretch(context, random.between(4, 16) * HOUR_MS);
    return {
      accounts: [victim.account],
      sources: [],
      startMs,
      endMs: endMs + HOUR_MS,
      injected: [],
      rewrite: (event) =>
        event.account === victim.account && event.arrivedAtMs >= startMs && event.arrivedAtMs < endMs
          ? { event: { ...event, arrivedAtMs: Math.floor(endMs + (event.arrivedAtMs - startMs) / 20) }, lossNanos: 0 }
          : undefined,
    };
  },
};

/** Honest usage that must stay quiet. */
export const LOOK_ALIKES: readonly Family[] = [keyRotation, productLaunch, loadTest, offlineSync];
