import fc from 'fast-check';
import type { UsageEvent } from '../../src/domain/events/usage-event.ts';
import { parseQuantity } from '../../src/domain/money/quantity.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { type LaneEvent, LaneEventFactory } from '../../src/pipeline/lane/lane-event.ts';

/** Where every random sequence begins. */
export const SEQUENCE_START_MS = Date.UTC(2026, 0, 5, 7);

/** One drawn step of a sequence. `repeats` picks an earlier event for the kinds that need one. */
const step = fc.record({
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constant('new' as const) },
    { weight: 2, arbitrary: fc.constant('retry' as const) },
    { weight: 2, arbitrary: fc.constant('altered' as const) },
    { weight: 1, arbitrary: fc.constant('other_time' as const) },
    { weight: 1, arbitrary: fc.constant('other_account' as const) },
    { weight: 1, arbitrary: fc.constant('too_large' as const) },
    { weight: 1, arbitrary: fc.constant('huge' as const) },
  ),
  repeats: fc.nat(1_000),
  account: fc.oneof({ weight: 6, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.constant(3) }),
  stepMs: fc.oneof(
    { weight: 8, arbitrary: fc.nat(40 * MINUTE_MS) },
    { weight: 4, arbitrary: fc.nat(2 * MINUTE_MS) },
    { weight: 1, arbitrary: fc.nat(30 * HOUR_MS) },
  ),
  lateMs: fc.oneof(
    { weight: 8, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.nat(3 * HOUR_MS) },
    { weight: 1, arbitrary: fc.integer({ min: 34 * DAY_MS, max: 36 * DAY_MS }) },
    { weight: 1, arbitrary: fc.integer({ min: -10 * MINUTE_MS, max: 0 }) },
  ),
  meter: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('api.calls', 'output_tokens', 'image.count') },
    // Costs a fraction of a nano: what rounding leaves decides the next charge.
    { weight: 3, arbitrary: fc.constant('cached_bytes') },
    { weight: 1, arbitrary: fc.constantFrom('topup', 'no_such_meter') },
  ),
  calls: fc.oneof(
    { weight: 5, arbitrary: fc.nat(100) },
    { weight: 1, arbitrary: fc.integer({ min: 1_000, max: 20_000 }) },
  ),
  /** 0 ends a batch behind this event. */
  split: fc.nat(6),
  accident: fc.nat(11),
});

export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Sequences of usage of four accounts with everything that can be odd about an event. */
export const steps = fc.array(step, { minLength: 20, maxLength: 140 });

/** The lane events of a drawn sequence, in the order they arrived. */
export function laneEventsOf(drawn: readonly Step[]): LaneEvent[] {
  const factory = new LaneEventFactory('USD');
  const events: UsageEvent[] = [];
  let nowMs = SEQUENCE_START_MS;
  return drawn.map((one, index) => {
    nowMs += one.stepMs;
    const event = eventOf(one, index, nowMs, events[one.repeats % Math.max(events.length, 1)]);
    events.push(event);
    return factory.prepare(event, nowMs);
  });
}

function eventOf(one: Step, index: number, nowMs: number, earlier: UsageEvent | undefined): UsageEvent {
  const fresh: UsageEvent = {
    tenant: 'default',
    id: `evt-${index}`,
    source: 'gateway',
    account: `acct_${one.account}`,
    meter: one.meter,
    quantity: quantity(String(one.calls)),
    occurredAtMs: nowMs - one.lateMs,
  };
  if (one.kind === 'too_large') return { ...fresh, meter: 'image.count', quantity: quantity('9'.repeat(18)) };
  // Two thousand million dollars: a wallet can hold a few of these, not many.
  if (one.kind === 'huge') return { ...fresh, meter: 'api.calls', quantity: quantity('1000000000000') };
  if (earlier === undefined || one.kind === 'new') return fresh;
  if (one.kind === 'retry') return earlier;
  if (one.kind === 'other_time') return { ...earlier, occurredAtMs: earlier.occurredAtMs + one.stepMs + 1 };
  if (one.kind === 'other_account') return { ...earlier, account: fresh.account };
  return { ...earlier, quantity: quantity(String(one.calls)) };
}

function quantity(text: string): UsageEvent['quantity'] {
  const parsed = parseQuantity(text);
  if (typeof parsed === 'string') throw new Error(`${text}: ${parsed}`);
  return parsed;
}
