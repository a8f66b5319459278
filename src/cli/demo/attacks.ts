import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import { type CastMember, regionOutside } from './cast.ts';
import type { DemoAttack, DemoOptions } from './plan.ts';
import type { Random } from './random.ts';
import { expectedSpendNanos, requestCostNanos, type UsageStream } from './usage-stream.ts';

const NANOS_PER_USD = 1_000_000_000;
const BURN_USD_MAX = 190;
const TIMES_MAX = 75;

/** A meter that was tampered with: altered copies first, then too little reported. */
export interface Tampering {
  readonly startMs: number;
  /** Until here the same ids come again with less; afterwards only the originals come, and they say less. */
  readonly resendUntilMs: number;
  readonly endMs: number;
  readonly resendShare: number;
  readonly reportedShare: number;
}

/** An injected attack: what it adds to the account, or does to its meter. */
export interface Injection {
  readonly attack: DemoAttack;
  readonly stream?: UsageStream;
  readonly tampering?: Tampering;
}

/** Usage by a stolen key: a night of many times the account's own hourly spend, from a key and region of its own. */
export function leakKey(of: {
  readonly member: CastMember;
  readonly options: DemoOptions;
  readonly random: Random;
  /** Position among the leaks, 0 to 1: they spread over the last third of the days. */
  readonly place: number;
}): Injection {
  const { member, options, random } = of;
  const { usage } = member;
  const day = Math.floor(options.days * (0.65 + 0.28 * of.place));
  const startMs = options.startMs + day * DAY_MS + Math.floor(random.between(0.2, 1.8) * HOUR_MS);
  const hours = 5 + random.below(4);
  const ownHourly = expectedSpendNanos(usage, day * 24) / (day * 24);
  // As fast as the service lets one key go, which has little to do with what its owner spends.
  const wanted = Math.min(random.between(22, 34), BURN_USD_MAX / hours) * NANOS_PER_USD;
  const hourlySpend = Math.min(Math.max(wanted, 10 * ownHourly), TIMES_MAX * ownHourly);
  const cost = requestCostNanos(usage.metering, day * 24);
  const hourlyRequests = Float64Array.from({ length: hours }, (_, hour) => {
    // The thief tries the key out before running at full speed.
    const speed = hour === 0 ? 0.7 : random.between(0.9, 1.1);
    return (speed * hourlySpend) / cost;
  });
  const key = `key_${random.hex(8)}`;
  const stream: UsageStream = {
    ...usage,
    startMs,
    hourlyRequests,
    // Six times the account's own events per hour; the rest of the volume is in larger ones.
    requestsPerFlush: (usage.requestsPerFlush * hourlySpend) / ownHourly / 6,
    cv: usage.cv.map((cv) => Math.min(cv, 0.8)),
    metering: atHour(usage, day * 24, hours),
    labels: { ...usage.labels, keys: [key], regions: [regionOutside(usage.labels.regions, random)] },
  };
  const endMs = startMs + hours * HOUR_MS;
  return { attack: { account: member.account, family: 'leaked_key', startMs, endMs, key }, stream };
}

/** Usage by a reseller's key: a few times what the account uses itself, day and night alike, to the end. */
export function drainSlowly(of: {
  readonly member: CastMember;
  readonly options: DemoOptions;
  readonly random: Random;
}): Injection {
  const { member, options, random } = of;
  const { usage } = member;
  const firstHour = Math.floor(options.days * 0.65) * 24;
  const hours = usage.hourlyRequests.length - firstHour;
  const extra = random.between(2.2, 3);
  const hourlySpend = (expectedSpendNanos(usage, firstHour) / firstHour) * extra;
  const metering = atHour(usage, firstHour, hours);
  const key = `key_${random.hex(8)}`;
  const stream: UsageStream = {
    ...usage,
    startMs: options.startMs + firstHour * HOUR_MS,
    hourlyRequests: new Float64Array(hours).fill(hourlySpend / requestCostNanos(metering, 0)),
    cv: usage.cv.map((cv) => Math.min(cv, 0.25)),
    metering,
    labels: { ...usage.labels, keys: [key], regions: [regionOutside(usage.labels.regions, random)] },
  };
  const startMs = stream.startMs;
  const endMs = startMs + hours * HOUR_MS;
  return { attack: { account: member.account, family: 'slow_drain', startMs, endMs, key }, stream };
}

/** A customer who can reach the meter: a few hours of altered copies, then a day and more of reporting too little. */
export function tamperMeter(of: {
  readonly member: CastMember;
  readonly options: DemoOptions;
  readonly random: Random;
}): Injection {
  const { member, options, random } = of;
  const day = Math.floor(options.days * random.between(0.55, 0.8));
  // In working hours: there must be usage to hide.
  const startMs = options.startMs + day * DAY_MS + Math.floor(random.between(10, 12) * HOUR_MS);
  const resendUntilMs = startMs + (4 + random.below(3)) * HOUR_MS;
  const endMs = Math.min(resendUntilMs + 30 * HOUR_MS, options.startMs + options.days * DAY_MS);
  return {
    attack: { account: member.account, family: 'tampered_meter', startMs, endMs },
    tampering: { startMs, resendUntilMs, endMs, resendShare: 0.8, reportedShare: random.between(0.3, 0.45) },
  };
}

/** Token sizes of one hour of the account, kept for the whole attack: the thief runs one workload. */
function atHour(usage: UsageStream, hour: number, hours: number): UsageStream['metering'] {
  const { metering } = usage;
  if (metering.kind === 'single') return metering;
  return {
    ...metering,
    inputTokens: new Float64Array(hours).fill(metering.inputTokens[hour] ?? 1),
    outputTokens: new Float64Array(hours).fill(metering.outputTokens[hour] ?? 1),
  };
}
