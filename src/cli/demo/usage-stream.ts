import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import type { Random } from './random.ts';

/** What one request of a stream is metered as. */
export type Metering =
  | {
      readonly kind: 'tokens';
      /** Mean tokens per request in each hour of the stream. */
      readonly inputTokens: Float64Array;
      readonly outputTokens: Float64Array;
      /** A request's tokens relative to the mean, at even quantiles. */
      readonly inputSpread: Float64Array;
      readonly outputSpread: Float64Array;
    }
  | {
      readonly kind: 'single';
      readonly meter: 'api.calls' | 'image.count' | 'compute.seconds';
      readonly unitsPerRequest: number;
      readonly decimals: number;
    };

/** What a stream writes into its events' properties. The first entry of each list is the usual one. */
export interface StreamLabels {
  readonly keys: readonly string[];
  readonly regions: readonly string[];
  readonly features: readonly string[];
  readonly model: string;
  /** From this time on, a new key in place of the usual one. */
  readonly rotation?: { readonly atMs: number; readonly key: string };
}

/** Usage of one account by one set of keys: its volume over time and the size of its pieces. */
export interface UsageStream {
  readonly startMs: number;
  readonly hourlyRequests: Float64Array;
  /** A metering gateway gathers requests and sends their sum: one flush, for tokens two events. */
  readonly requestsPerFlush: number;
  /** Burstiness of the flushes per quarter of the day. */
  readonly cv: readonly number[];
  readonly metering: Metering;
  readonly labels: StreamLabels;
  /** Some gateways write quantities as JSON numbers, others as decimal strings. */
  readonly quantityAsNumber: boolean;
}

/** Nano-USD per unit, as in the demo's price list; here only to give accounts a plausible spend. */
export const DEMO_PRICE_NANOS = {
  input_tokens: 150,
  output_tokens: 600,
  'api.calls': 2_000_000,
  'image.count': 30_000_000,
  'compute.seconds': 900_000,
} as const;

/** Expected price of one request in an hour of the stream. */
export function requestCostNanos(metering: Metering, hour: number): number {
  if (metering.kind === 'single') return metering.unitsPerRequest * DEMO_PRICE_NANOS[metering.meter];
  return (
    (metering.inputTokens[hour] ?? 0) * DEMO_PRICE_NANOS.input_tokens +
    (metering.outputTokens[hour] ?? 0) * DEMO_PRICE_NANOS.output_tokens
  );
}

/** Expected spend of a stream before an hour of it (all of it by default). */
export function expectedSpendNanos(stream: UsageStream, hours = stream.hourlyRequests.length): number {
  let total = 0;
  for (let hour = 0; hour < hours; hour += 1) {
    total += (stream.hourlyRequests[hour] ?? 0) * requestCostNanos(stream.metering, hour);
  }
  return total;
}

/** Expected events of a stream. */
export function expectedEvents(stream: UsageStream): number {
  const requests = stream.hourlyRequests.reduce((sum, hour) => sum + hour, 0);
  return (requests / stream.requestsPerFlush) * (stream.metering.kind === 'tokens' ? 2 : 1);
}

/** Where a stream stands: its next flush and how many requests that flush carries. */
export interface FlushCursor {
  readonly stream: UsageStream;
  readonly random: Random;
  /** Infinity when the stream has ended. */
  nextMs: number;
  requests: number;
  hour: number;
  /** Flushes' worth of this hour's volume that is already used up. */
  usedOfHour: number;
  /** Requests owed to the next flush by rounding. */
  owed: number;
}

/** A cursor at the stream's first flush. */
export function openCursor(stream: UsageStream, random: Random): FlushCursor {
  const cursor: FlushCursor = { stream, random, nextMs: 0, requests: 0, hour: 0, usedOfHour: 0, owed: 0 };
  advance(cursor);
  return cursor;
}

/**
 * Moves to the next flush. Gaps are gamma distributed in the stream's own volume, not in time, so flushes crowd where
 * the real client was busy, and each flush carries just the volume since the one before: the hourly sums follow the
 * real trace, whatever the number of events.
 */
export function advance(cursor: FlushCursor): void {
  const { stream, random } = cursor;
  const hours = stream.hourlyRequests;
  const hourOfDay = Math.floor(((stream.startMs + cursor.hour * HOUR_MS) % DAY_MS) / HOUR_MS);
  const gap = random.gammaOfMeanOne(stream.cv[Math.floor(hourOfDay / 6)] ?? 1);
  let left = gap;
  for (; cursor.hour < hours.length; cursor.hour += 1) {
    const flushesOfHour = (hours[cursor.hour] ?? 0) / stream.requestsPerFlush;
    if (cursor.usedOfHour + left < flushesOfHour) break;
    left -= flushesOfHour - cursor.usedOfHour;
    cursor.usedOfHour = 0;
  }
  if (cursor.hour >= hours.length) {
    cursor.nextMs = Number.POSITIVE_INFINITY;
    return;
  }
  cursor.usedOfHour += left;
  const share = (cursor.usedOfHour * stream.requestsPerFlush) / (hours[cursor.hour] ?? 1);
  cursor.nextMs = Math.floor(stream.startMs + (cursor.hour + share) * HOUR_MS);
  // At least one request a flush; where that is too much, later flushes carry less.
  cursor.owed += gap * stream.requestsPerFlush;
  cursor.requests = Math.max(1, Math.floor(cursor.owed));
  cursor.owed -= cursor.requests;
}
