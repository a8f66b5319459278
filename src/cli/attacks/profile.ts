import { HOUR_MS } from '../../domain/time.ts';
import type { History, HistoryEvent } from '../../pipeline/backtest/history-event.ts';
import type { Random } from '../demo/random.ts';

/** What an attacker would have to know of an account, and a defender already does. */
export interface AccountProfile {
  readonly account: string;
  /** Priced events in the whole history. */
  events: number;
  firstMs: number;
  lastMs: number;
  /** Events by hour of the day, UTC. */
  readonly byHour: number[];
  /** A fair sample of its events: what it usually sends. */
  readonly sample: HistoryEvent[];
  /** Sources of its events, and whether each numbers them. */
  readonly sources: Map<string, { events: number; numbered: boolean }>;
  readonly regions: Map<string, number>;
}

/** The whole history at a glance. */
export interface HistoryProfile {
  readonly accounts: readonly AccountProfile[];
  readonly regions: readonly string[];
  readonly events: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

const SAMPLE_MAX = 32;
const NAMES_MAX = 64;

/** Reads a history once. Facts, which cost nothing, are counted and not sampled. */
export async function profileHistory(
  history: History,
  isPriced: (event: HistoryEvent) => boolean,
  random: Random,
  tell: (events: number) => void,
): Promise<HistoryProfile> {
  const accounts = new Map<string, AccountProfile>();
  const regions = new Set<string>();
  let [events, firstMs, lastMs] = [0, Number.POSITIVE_INFINITY, 0];
  for await (const block of history.blocks()) {
    for (const event of block.events) {
      events++;
      firstMs = Math.min(firstMs, event.arrivedAtMs);
      lastMs = Math.max(lastMs, event.arrivedAtMs);
      if (isPriced(event)) note(accountOf(accounts, event), event, random);
      const { region } = event.properties ?? {};
      if (typeof region === 'string' && regions.size < NAMES_MAX) regions.add(region);
    }
    tell(events);
  }
  return { accounts: [...accounts.values()], regions: [...regions].sort(), events, firstMs, lastMs };
}

function accountOf(accounts: Map<string, AccountProfile>, { account, arrivedAtMs }: HistoryEvent): AccountProfile {
  const known = accounts.get(account);
  if (known !== undefined) return known;
  const profile: AccountProfile = {
    account,
    events: 0,
    firstMs: arrivedAtMs,
    lastMs: arrivedAtMs,
    byHour: new Array<number>(24).fill(0),
    sample: [],
    sources: new Map(),
    regions: new Map(),
  };
  accounts.set(account, profile);
  return profile;
}

function note(profile: AccountProfile, event: HistoryEvent, random: Random): void {
  profile.events++;
  profile.lastMs = Math.max(profile.lastMs, event.arrivedAtMs);
  const hour = Math.floor(event.occurredAtMs / HOUR_MS) % 24;
  profile.byHour[hour] = (profile.byHour[hour] ?? 0) + 1;
  const source = profile.sources.get(event.source);
  if (source !== undefined) {
    source.events++;
    source.numbered ||= event.sequence !== undefined;
  } else if (profile.sources.size < NAMES_MAX) {
    profile.sources.set(event.source, { events: 1, numbered: event.sequence !== undefined });
  }
  const { region } = event.properties ?? {};
  if (typeof region === 'string') profile.regions.set(region, (profile.regions.get(region) ?? 0) + 1);
  // Reservoir sampling (Vitter 1985, algorithm R): every event has the same chance to stay.
  if (profile.sample.length < SAMPLE_MAX) profile.sample.push(event);
  else {
    const place = random.below(profile.events);
    if (place < SAMPLE_MAX) profile.sample[place] = event;
  }
}

/** Priced events an hour, over the time the account has been there. */
export function hourlyRate({ events, firstMs, lastMs }: AccountProfile): number {
  return events / Math.max(1, (lastMs - firstMs) / HOUR_MS);
}
