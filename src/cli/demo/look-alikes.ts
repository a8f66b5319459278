import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import type { CastMember } from './cast.ts';
import type { DemoLookAlike, DemoOptions, LookAlikeKind } from './plan.ts';
import type { Random } from './random.ts';
import { expectedSpendNanos, requestCostNanos, type UsageStream } from './usage-stream.ts';

/** Honest but unusual: the account's changed usage, further streams, or hours without a connection. */
export interface LookAlike {
  readonly note: DemoLookAlike;
  readonly usage: UsageStream;
  readonly extra?: UsageStream;
  readonly outage?: { readonly startMs: number; readonly endMs: number };
}

/** Turns an account into one of the honest look-alikes. */
export function playLookAlike(of: {
  readonly kind: LookAlikeKind;
  readonly member: CastMember;
  readonly options: DemoOptions;
  readonly random: Random;
}): LookAlike {
  const { kind, member, options, random } = of;
  const { usage } = member;
  const at = (day: number, hours = 0): number => options.startMs + Math.floor(day * DAY_MS + hours * HOUR_MS);
  const note = (startMs: number, endMs: number): DemoLookAlike => ({ account: member.account, kind, startMs, endMs });
  const { days } = options;

  switch (kind) {
    case 'onboarding_ramp': {
      // Signed up on the second day; grows until the usual volume is reached a week later.
      const from = Math.floor(days * 0.1);
      const until = Math.max(from + 1, Math.floor(days * 0.7));
      const ramp = (hour: number): number => Math.min(1, Math.max(0, (hour / 24 - from) / (until - from)));
      return { note: note(at(from), at(until)), usage: scaled(usage, ramp) };
    }
    case 'product_launch': {
      const from = Math.floor(days * 0.6);
      const times = random.between(2, 3);
      const during = (hour: number): boolean => hour >= from * 24 + 8 && hour < (from + 2) * 24 + 8;
      return { note: note(at(from, 8), at(from + 2, 8)), usage: scaled(usage, (hour) => (during(hour) ? times : 1)) };
    }
    case 'month_end_batch': {
      const startMs = at(days - 2, 22);
      const extra = nightBatch({ usage, startMs, times: random.between(4, 6) });
      return { note: note(startMs, startMs + 4 * HOUR_MS), usage, extra };
    }
    case 'key_rotation': {
      const atMs = at(Math.floor(days * 0.55), 9.5);
      const labels = { ...usage.labels, rotation: { atMs, key: `key_${random.hex(8)}` } };
      return { note: note(atMs, at(days)), usage: { ...usage, labels } };
    }
    case 'offline_sync': {
      const outage = { startMs: at(Math.floor(days * 0.5), 11.2), endMs: at(Math.floor(days * 0.5), 16.4) };
      return { note: note(outage.startMs, outage.endMs), usage, outage };
    }
  }
}

function scaled(usage: UsageStream, factor: (hour: number) => number): UsageStream {
  return { ...usage, hourlyRequests: usage.hourlyRequests.map((volume, hour) => volume * factor(hour)) };
}

/** Invoices and reports: four hours at night with the account's own key, in its own region. */
function nightBatch(of: {
  readonly usage: UsageStream;
  readonly startMs: number;
  readonly times: number;
}): UsageStream {
  const { usage } = of;
  const hourlySpend = expectedSpendNanos(usage) / usage.hourlyRequests.length;
  return {
    ...usage,
    startMs: of.startMs,
    hourlyRequests: new Float64Array(4).fill((of.times * hourlySpend) / requestCostNanos(usage.metering, 0)),
    requestsPerFlush: (usage.requestsPerFlush * of.times) / 4,
    labels: { ...usage.labels, keys: usage.labels.keys.slice(0, 1), features: ['month-end-report'] },
  };
}
