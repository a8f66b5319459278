import { DAY_MS, MINUTE_MS } from '../../domain/time.ts';
import type { HistoryEvent } from '../../pipeline/backtest/history-event.ts';
import { type AttackContext, type Family, type Forged, harder, type Scheme, stretch } from './attack.ts';

/** What is done to the account's own events while the attack lasts. */
function tampering(
  context: AttackContext,
  lengthMs: number,
  forge: (event: HistoryEvent) => ReturnType<NonNullable<Scheme['rewrite']>>,
): Scheme {
  const { victim, priceOf } = context;
  const { startMs, endMs } = stretch(context, lengthMs);
  const { account } = victim;
  return {
    accounts: [account],
    sources: [],
    startMs,
    endMs,
    injected: [],
    rewrite: (event) => {
      const isMeant = event.account === account && event.arrivedAtMs >= startMs && event.arrivedAtMs < endMs;
      return isMeant && priceOf(event) > 0 ? forge(event) : undefined;
    },
  };
}

const backdating: Family = {
  name: 'backdating',
  about: 'events claim to have happened days before they arrive, in a period that was closed or cheaper',
  build(context) {
    const { random, difficulty, priceOf } = context;
    const share = harder(difficulty, 0.7, 0.2);
    const backMs = harder(difficulty, 9, 1) * DAY_MS;
    return tampering(context, harder(difficulty, 2, 4) * DAY_MS, (event) =>
      random.next() >= share
        ? undefined
        : {
            event: { ...event, occurredAtMs: Math.floor(event.occurredAtMs - backMs * random.between(0.5, 1)) },
            lossNanos: priceOf(event),
          },
    );
  },
};

const clockSkew: Family = {
  name: 'clock_skew',
  about: 'a clock runs ahead, so that usage falls into a window or a price that has not begun',
  build(context) {
    const { random, difficulty, priceOf } = context;
    const share = harder(difficulty, 0.8, 0.25);
    const aheadMs = harder(difficulty, 240, 8) * MINUTE_MS;
    return tampering(context, harder(difficulty, 2, 4) * DAY_MS, (event) =>
      random.next() >= share
        ? undefined
        : { event: { ...event, occurredAtMs: Math.floor(event.occurredAtMs + aheadMs) }, lossNanos: priceOf(event) },
    );
  },
};

const underreporting: Family = {
  name: 'underreport',
  about: 'every event reports a part of what was used',
  build(context) {
    const { difficulty, priceOf } = context;
    const factor = harder(difficulty, 0.25, 0.75);
    return tampering(context, harder(difficulty, 6, 8) * DAY_MS, (event) => ({
      event: { ...event, quantity: Number((event.quantity * factor).toPrecision(6)) },
      lossNanos: Math.round(priceOf(event) * (1 - factor)),
    }));
  },
};

const sequenceGaps: Family = {
  name: 'seq_gap',
  about: 'events with numbers go missing on their way: used, and never reported',
  build(context) {
    const { random, difficulty, victim, priceOf } = context;
    if (![...victim.sources.values()].some(({ numbered, events }) => numbered && events > 50)) return undefined;
    const share = harder(difficulty, 0.5, 0.1);
    return tampering(context, harder(difficulty, 4, 5) * DAY_MS, (event) =>
      event.sequence !== undefined && random.next() < share ? { drop: true, lossNanos: priceOf(event) } : undefined,
    );
  },
};

const duplicateReplay: Family = {
  name: 'dup_replay',
  about: 'what was used is sent again hours later, some of it under new ids, some with other content under the old one',
  build(context) {
    const { random, difficulty, victim, priceOf } = context;
    const { startMs, endMs } = stretch(context, harder(difficulty, 2, 3) * DAY_MS);
    const share = harder(difficulty, 0.5, 0.1);
    const originals = victim.sample.length === 0 ? [] : victim.sample;
    const count = Math.max(
      8,
      Math.round((share * victim.events * (endMs - startMs)) / (victim.lastMs - victim.firstMs)),
    );
    const injected: Forged[] = [];
    for (let n = 0; n < count; n++) {
      const original = random.pick(originals);
      const occurredAtMs = Math.floor(random.between(startMs, endMs));
      const first: HistoryEvent = {
        ...original,
        id: context.name('use'),
        occurredAtMs,
        arrivedAtMs: occurredAtMs,
        sequence: undefined,
      };
      const again = { ...first, arrivedAtMs: Math.floor(occurredAtMs + random.between(0.2, 5) * 60 * MINUTE_MS) };
      const isAltered = random.next() < 0.5;
      injected.push({ event: first, lossNanos: 0 });
      const copy = isAltered
        ? { ...again, quantity: Number((again.quantity * random.between(1.1, 2)).toPrecision(6)) }
        : { ...again, id: context.name('use') };
      injected.push({ event: copy, lossNanos: priceOf(copy) });
    }
    return { accounts: [victim.account], sources: [], startMs, endMs, injected };
  },
};

/** Somebody changes what a meter says. */
export const METER_TAMPERING: readonly Family[] = [
  backdating,
  clockSkew,
  underreporting,
  sequenceGaps,
  duplicateReplay,
];
