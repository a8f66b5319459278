import { DAY_MS, formatIso, MINUTE_MS } from '../../domain/time.ts';
import type { Arrivals } from './arrivals.ts';
import type { DemoOptions, WireUsageEvent } from './plan.ts';
import type { Random } from './random.ts';

/** Ten events that must be refused: one per kind of mistake, some kinds twice. */
const MALFORMED = 10;
/** A gateway release that renamed a meter before the price list knew it. */
const UNKNOWN_METER = 24;

/** Sends the few events that are wrong in themselves: refused, or kept aside until their meter has a price. */
export function sendOddEvents(of: {
  readonly accounts: readonly string[];
  readonly options: DemoOptions;
  readonly random: Random;
  readonly arrivals: Arrivals;
}): void {
  const { accounts, options, random, arrivals } = of;
  const at = (fromDay: number, days: number): number =>
    options.startMs + Math.floor(random.between(fromDay, fromDay + days) * DAY_MS);
  for (let index = 0; index < MALFORMED; index += 1) {
    const arrivedAtMs = at(0.1, options.days - 0.2);
    arrivals.send(arrivedAtMs, malformed(index, plainEvent(random.pick(accounts), arrivedAtMs, random)));
  }
  const releasedMs = at(options.days * 0.6, 0.5);
  const account = random.pick(accounts);
  for (let index = 0; index < UNKNOWN_METER; index += 1) {
    const arrivedAtMs = releasedMs + Math.floor((index + random.next()) * 5 * MINUTE_MS);
    arrivals.send(arrivedAtMs, { ...plainEvent(account, arrivedAtMs, random), meter: 'cached_input_tokens' });
  }
}

function plainEvent(account: string, arrivedAtMs: number, random: Random): WireUsageEvent {
  return {
    id: `ev_${random.hex(14)}-in`,
    source: 'meter-gw.canary',
    account,
    meter: 'input_tokens',
    quantity: String(200 + random.below(4_000)),
    occurredAt: formatIso(arrivedAtMs - random.below(1_500)),
    properties: { received_at: formatIso(arrivedAtMs) },
  };
}

function malformed(index: number, event: WireUsageEvent): WireUsageEvent {
  switch (index % 5) {
    case 0:
      return { ...event, quantity: `-${event.quantity}` };
    case 1:
      return { ...event, quantity: 'NaN' };
    case 2: {
      const { account: _, ...withoutAccount } = event;
      return withoutAccount;
    }
    case 3:
      return { ...event, quantity: '1e400' };
    default:
      return { ...event, occurredAt: 'yesterday' };
  }
}
