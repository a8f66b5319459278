import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../domain/time.ts';
import type { Arrivals } from './arrivals.ts';
import type { WireUsageEvent } from './plan.ts';
import type { Random } from './random.ts';
import type { DemoAccount } from './story.ts';
import type { FlushCursor, Metering } from './usage-stream.ts';

const CLOCK_NOISE_MS = 2 * SECOND_MS;
const RETRY_SHARE = 0.0006;
const LATE_SHARE = 0.002;
const LATE_MS_MAX = 6 * HOUR_MS;

/** Turns flushes of one account into events and sends them, with what a network and a tampered meter do to them. */
export interface Gateway {
  report(cursor: FlushCursor): void;
}

/** The gateway in front of one account. Sequence numbers count per source, in the order the usage happened. */
export function openGateway(of: {
  readonly account: DemoAccount;
  readonly random: Random;
  readonly arrivals: Arrivals;
  readonly noise: boolean;
}): Gateway {
  const { account, random, arrivals, noise } = of;
  const { tampering } = account;
  const sequences = new Map<string, number>();

  const send = (arrivedAtMs: number, event: WireUsageEvent): void => {
    arrivals.send(arrivedAtMs, event);
    if (noise && random.next() < RETRY_SHARE) {
      const retriedAtMs = arrivedAtMs + Math.floor(random.between(2, 90) * SECOND_MS);
      arrivals.send(retriedAtMs, receivedAt(event, retriedAtMs));
    }
  };

  return {
    report({ stream, nextMs, requests, hour }) {
      const { labels, metering } = stream;
      const region = usualOrOther(labels.regions, random);
      const source = `meter-gw.${region}`;
      const arrivedAtMs = arrivalOf(nextMs);
      const stem = `ev_${random.hex(14)}`;
      const isUnderReported = tampering !== undefined && nextMs >= tampering.resendUntilMs && nextMs < tampering.endMs;
      const isResent = tampering !== undefined && nextMs >= tampering.startMs && nextMs < tampering.resendUntilMs;
      const common = {
        source,
        account: account.account,
        occurredAt: new Date(nextMs + Math.round(random.between(-CLOCK_NOISE_MS, CLOCK_NOISE_MS))).toISOString(),
        properties: {
          received_at: new Date(arrivedAtMs).toISOString(),
          key: keyAt(labels, nextMs, random),
          region,
          feature: usualOrOther(labels.features, random),
          model: labels.model,
        },
      };
      for (const { suffix, meter, amount, decimals } of readMeters(metering, requests, hour, random)) {
        const sequence = (sequences.get(source) ?? 0) + 1;
        sequences.set(source, sequence);
        const share = isUnderReported && meter !== 'input_tokens' ? tampering.reportedShare : 1;
        const quantity = quantityOf(amount * share, decimals, stream.quantityAsNumber);
        const event = { id: stem + suffix, ...common, meter, quantity, sequence };
        send(arrivedAtMs, event);
        if (!isResent || random.next() >= tampering.resendShare) continue;
        const less = quantityOf(amount * random.between(0.05, 0.5), decimals, stream.quantityAsNumber);
        if (Number(less) >= Number(quantity)) continue;
        const againMs = arrivedAtMs + Math.floor(random.between(20, 300) * SECOND_MS);
        arrivals.send(againMs, receivedAt({ ...event, quantity: less }, againMs));
      }
    },
  };

  function arrivalOf(sentMs: number): number {
    const { outage } = account;
    if (outage !== undefined && sentMs >= outage.startMs && sentMs < outage.endMs) {
      // Back online: the gateway works off its backlog in the order it was written, within four minutes.
      const place = (sentMs - outage.startMs) / (outage.endMs - outage.startMs);
      return outage.endMs + Math.floor(place * 4 * MINUTE_MS);
    }
    if (noise && random.next() < LATE_SHARE) {
      const draw = random.next();
      return sentMs + Math.floor(MINUTE_MS + draw * draw * (LATE_MS_MAX - MINUTE_MS));
    }
    return sentMs + Math.floor(random.between(150, 2_500));
  }
}

interface Reading {
  readonly suffix: string;
  readonly meter: string;
  readonly amount: number;
  readonly decimals: number;
}

function readMeters(metering: Metering, requests: number, hour: number, random: Random): readonly Reading[] {
  if (metering.kind === 'single') {
    const { meter, unitsPerRequest, decimals } = metering;
    const spread = decimals === 0 ? 1 : 1 + random.between(-0.8, 0.8) / Math.sqrt(requests);
    return [{ suffix: '', meter, amount: requests * unitsPerRequest * spread, decimals }];
  }
  const input = requests * (metering.inputTokens[hour] ?? 1) * spreadOf(metering.inputSpread, requests, random);
  const output = requests * (metering.outputTokens[hour] ?? 1) * spreadOf(metering.outputSpread, requests, random);
  return [
    { suffix: '-in', meter: 'input_tokens', amount: input, decimals: 0 },
    { suffix: '-out', meter: 'output_tokens', amount: output, decimals: 0 },
  ];
}

/** One request's spread from the real quantiles; the mean of many requests varies less by the square root. */
function spreadOf(quantiles: Float64Array, requests: number, random: Random): number {
  const at = random.next() * (quantiles.length - 1);
  const low = Math.floor(at);
  const below = quantiles[low] ?? 1;
  const value = below + ((quantiles[low + 1] ?? below) - below) * (at - low);
  return 1 + (value - 1) / Math.sqrt(requests);
}

function quantityOf(amount: number, decimals: number, asNumber: boolean): string | number {
  const value = decimals === 0 ? Math.max(1, Math.round(amount)) : Math.max(1, Math.round(amount * 100)) / 100;
  return asNumber ? value : String(value);
}

function receivedAt(event: WireUsageEvent, arrivedAtMs: number): WireUsageEvent {
  return { ...event, properties: { ...event.properties, received_at: new Date(arrivedAtMs).toISOString() } };
}

function keyAt(
  labels: { readonly keys: readonly string[]; readonly rotation?: { readonly atMs: number; readonly key: string } },
  atMs: number,
  random: Random,
): string {
  if (labels.rotation !== undefined && atMs >= labels.rotation.atMs) return labels.rotation.key;
  return usualOrOther(labels.keys, random);
}

/** Four times in five the first of the list. */
function usualOrOther(items: readonly string[], random: Random): string {
  const [usual] = items;
  if (usual === undefined || items.length === 1) return usual ?? '';
  return random.next() < 0.8 ? usual : random.pick(items.slice(1));
}
