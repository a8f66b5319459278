import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import type { DemoOptions } from './plan.ts';
import { createRandom, type Random } from './random.ts';
import type { ClientProfile, UsageProfile } from './usage-profile.ts';
import { expectedSpendNanos, type Metering, requestCostNanos, type UsageStream } from './usage-stream.ts';

const NANOS_PER_USD = 1_000_000_000;
/** ServeGen's requests span five orders of magnitude; spend keeps the ranking on a scale a reader can picture. */
const SPEND_MEDIAN_USD = 4;
const SPEND_SPREAD = 1.9;
const SPEND_MIN_USD = 0.5;
const SPEND_MAX_USD = 1_000;
/** Members beyond the accounts asked for use a little more than an overdraft of 5 USD. */
const STRANGER_USD = 7;
/** Burstier gateways than this would send most of a day in one event. */
const CV_MAX = 2.5;
const REGIONS = ['eu-west', 'us-east', 'ap-south', 'us-west', 'eu-north', 'ap-northeast'] as const;
const FEATURES = ['chat', 'search', 'summaries', 'agents', 'code-assist', 'classification'] as const;

/** An account of the demo before anything unusual happens to it. */
export interface CastMember {
  readonly account: string;
  readonly usage: UsageStream;
  readonly activeHours: number;
  readonly spendNanos: number;
}

/** A region that is not among these, for an intruder far away or a first customer elsewhere. */
export function regionOutside(regions: readonly string[], random: Random): string {
  return random.pick(REGIONS.filter((region) => !regions.includes(region)));
}

/**
 * One account per real client, steadiest first; when more accounts are wanted than the trace has clients, a client
 * plays a second account a week out of step.
 */
export function buildCast(profile: UsageProfile, options: DemoOptions, members: number): readonly CastMember[] {
  const spend = spendScale(profile.clients);
  const clients = profile.clients
    .filter(({ client }) => options.clients?.includes(client) ?? true)
    .map((client) => ({ client, hours: client.hourlyMille.filter((volume) => volume > 0).length }))
    .sort((a, b) => b.hours - a.hours || (a.client.client < b.client.client ? -1 : 1))
    .map(({ client }) => client);
  const spreads = requestSpreads(profile);
  const taken = new Set<string>();

  return Array.from({ length: members }, (_, index) => {
    const random = createRandom(options.seed, 2 * index + 1);
    const client = clients[index % clients.length] ?? random.pick(clients);
    const shiftHours = Math.floor(index / clients.length) * 7 * 24;
    let account = `acct_${random.hex(8)}`;
    while (taken.has(account)) account = `acct_${random.hex(8)}`;
    taken.add(account);
    const second = shiftHours === 0 ? 1 : random.between(0.6, 1.6);
    const usd = index < options.accounts ? spend(client) * second : STRANGER_USD;
    return castMember({ account, client, usd, shiftHours, profile, options, spreads, random });
  });
}

function castMember(of: {
  readonly account: string;
  readonly client: ClientProfile;
  readonly usd: number;
  readonly shiftHours: number;
  readonly profile: UsageProfile;
  readonly options: DemoOptions;
  readonly spreads: Spreads;
  readonly random: Random;
}): CastMember {
  const { client, options, profile, random } = of;
  const hours = Math.round((options.days * DAY_MS) / HOUR_MS);
  const traceHour = (hour: number): number => (hour + of.shiftHours) % profile.hours;
  const hourly = Float64Array.from({ length: hours }, (_, hour) => client.hourlyMille[traceHour(hour)] ?? 0);
  const metering = meteringOf({ ...of, hours, traceHour });
  const labels = {
    keys: Array.from({ length: 1 + random.below(3) }, () => `key_${random.hex(8)}`),
    regions: random.next() < 0.7 ? [random.pick(REGIONS)] : twoOf(REGIONS, random),
    features: random.next() < 0.5 ? [random.pick(FEATURES)] : twoOf(FEATURES, random),
    model: client.model.replace(/^m-/, 'text-'),
  };
  const shape: UsageStream = {
    startMs: options.startMs,
    hourlyRequests: hourly,
    requestsPerFlush: 1,
    cv: client.cv.map((cv) => Math.min(cv, options.cvMax ?? CV_MAX)),
    metering,
    labels,
    quantityAsNumber: random.next() < 0.3,
  };
  const requestsPerMille = (of.usd * NANOS_PER_USD * (hours / profile.hours)) / Math.max(1, expectedSpendNanos(shape));
  const hourlyRequests = hourly.map((volume) => volume * requestsPerMille);
  const activeHours = hourlyRequests.filter((volume) => volume > 0).length;
  // Busier clients are flushed more often, but far less than in proportion: gateways flush at least once a minute.
  const flushesPerHour = Math.exp(0.35 * Math.log((client.requestsPerHour * hours) / Math.max(1, activeHours)));
  const requests = hourlyRequests.reduce((sum, volume) => sum + volume, 0);
  const usage = { ...shape, hourlyRequests, requestsPerFlush: requests / Math.max(1, flushesPerHour * activeHours) };
  return { account: of.account, usage, activeHours, spendNanos: expectedSpendNanos(usage) };
}

function twoOf(items: readonly string[], random: Random): string[] {
  const first = random.pick(items);
  return [first, random.pick(items.filter((item) => item !== first))];
}

/** Most accounts buy tokens; one in twelve buys something else, so that the demo has more than one meter. */
function meteringOf(of: {
  readonly client: ClientProfile;
  readonly profile: UsageProfile;
  readonly spreads: Spreads;
  readonly random: Random;
  readonly hours: number;
  readonly traceHour: (hour: number) => number;
}): Metering {
  const draw = of.random.next();
  if (draw < 0.04) return { kind: 'single', meter: 'api.calls', unitsPerRequest: 1, decimals: 0 };
  if (draw < 0.06) return { kind: 'single', meter: 'image.count', unitsPerRequest: 1, decimals: 0 };
  if (draw < 0.083) return { kind: 'single', meter: 'compute.seconds', unitsPerRequest: 2.4, decimals: 2 };
  const { client, profile } = of;
  const perHour = (windows: readonly number[]): Float64Array =>
    Float64Array.from({ length: of.hours }, (_, hour) => {
      return windows[Math.floor(of.traceHour(hour) / profile.tokenWindowHours)] ?? windows[0] ?? 1;
    });
  const inputTokens = perHour(client.inputTokens);
  const outputTokens = perHour(client.outputTokens);
  // Code completion reads a lot and writes little; that trace has the matching spread.
  const spread = sum(outputTokens) < 0.05 * sum(inputTokens) ? of.spreads.code : of.spreads.conversation;
  return { kind: 'tokens', inputTokens, outputTokens, inputSpread: spread.input, outputSpread: spread.output };
}

interface Spreads {
  readonly conversation: { readonly input: Float64Array; readonly output: Float64Array };
  readonly code: { readonly input: Float64Array; readonly output: Float64Array };
}

/** The quantile tables divided by their mean. */
function requestSpreads(profile: UsageProfile): Spreads {
  const relative = (table: readonly number[]): Float64Array => {
    let mean = 0;
    for (let index = 0; index + 1 < table.length; index += 1) {
      mean += ((table[index] ?? 0) + (table[index + 1] ?? 0)) / 2 / (table.length - 1);
    }
    return Float64Array.from(table, (value) => value / mean);
  };
  const { conversation, code } = profile.requestTokens;
  return {
    conversation: { input: relative(conversation.context), output: relative(conversation.generated) },
    code: { input: relative(code.context), output: relative(code.generated) },
  };
}

/** Maps a client's real list-price spend to the demo's: same ranking, lognormal with a smaller spread. */
function spendScale(clients: readonly ClientProfile[]): (client: ClientProfile) => number {
  const logs = clients.map(logSpend);
  const mean = logs.reduce((total, value) => total + value, 0) / logs.length;
  const variance = logs.reduce((total, value) => total + (value - mean) * (value - mean), 0) / logs.length;
  const deviation = Math.sqrt(variance) || 1;
  return (client) => {
    const usd = SPEND_MEDIAN_USD * Math.exp((SPEND_SPREAD * (logSpend(client) - mean)) / deviation);
    return Math.min(SPEND_MAX_USD, Math.max(SPEND_MIN_USD, usd));
  };
}

function logSpend(client: ClientProfile): number {
  const { inputTokens, outputTokens } = client;
  const tokens: Metering = {
    kind: 'tokens',
    inputTokens: Float64Array.of(sum(inputTokens) / inputTokens.length),
    outputTokens: Float64Array.of(sum(outputTokens) / outputTokens.length),
    inputSpread: new Float64Array(),
    outputSpread: new Float64Array(),
  };
  return Math.log(client.requestsPerHour * requestCostNanos(tokens, 0));
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
