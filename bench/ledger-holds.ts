import { captureMaxOf, HOLD_SECONDS_DEFAULT } from '../src/domain/ledger/hold.ts';
import { type HoldAsk, holdRequest } from '../src/pipeline/holds/hold-request.ts';
import type { LaneEvent } from '../src/pipeline/lane/lane-event.ts';
import { seededRandom } from './bench-events.ts';
import type { LedgerBench } from './ledger.ts';
import { type Lanes, openLanesWith } from './ledger-database.ts';
import { inBatches, ledgerEvents } from './ledger-load.ts';
import { type BenchRow, median, quantile } from './rows.ts';

const ACCOUNTS = 10_000;
const LANES = 2;
/** A hold waits for the batch that has its wallet's lane, so batches are smaller than the shipped size. */
const BATCH_EVENTS = 1_000;
const TICK_MS = 20;
const HOLD_NANOS = 1_000_000_000n;

/** How much to do; a trial does less. */
export interface HoldLoad {
  readonly repetitions: number;
  /** Events of the run that measures the full rate. */
  readonly fullEvents: number;
  /** How long holds are placed, at half of that rate. */
  readonly seconds: number;
  readonly holdsPerS: number;
}

const LOAD: HoldLoad = { repetitions: 3, fullEvents: 100_000, seconds: 20, holdsPerS: 200 };

/**
 * Placing a hold at half of the rate that the same lanes post at when they do nothing else. Events and holds come on a
 * schedule that does not wait for answers, and a hold's time runs from when it was due: what piles up counts.
 */
export async function benchHolds({ server, log }: LedgerBench, load: HoldLoad = LOAD): Promise<BenchRow[]> {
  const [p50, p99]: [number[], number[]] = [[], []];
  for (let seed = 1; seed <= load.repetitions; seed++) {
    const startMs = Date.now();
    const database = await server.create(LANES, [startMs, startMs + 3_600_000]);
    const lanes = await openLanesWith(database, ACCOUNTS, startMs, BATCH_EVENTS);
    const events = (count: number, of: number) =>
      ledgerEvents({ events: count, accounts: ACCOUNTS, retries: 0, spread: 'uniform', seed: of, startMs });
    const full = events(load.fullEvents, seed);
    await server.checkpoint();
    const fullPerS = full.length / (await lanes.post(full));
    const half = events(Math.floor((fullPerS / 2) * load.seconds), 1_000 + seed);
    const times = await placeBeside(lanes, half, load, seed);
    await lanes.close();
    await database.drop();
    p50.push(quantile(times, 0.5));
    p99.push(quantile(times, 0.99));
    log(
      `holds: p50 ${p50.at(-1)?.toFixed(1)} ms, p99 ${p99.at(-1)?.toFixed(1)} ms beside ${Math.round(fullPerS / 2)} events/s`,
    );
  }
  const how = `${load.holdsPerS} holds/s at half of full posting, batches of up to ${BATCH_EVENTS}`;
  return [
    { name: 'hold_p50_ms', value: median(p50), unit: `ms due → durably placed, ${how}` },
    { name: 'hold_p99_ms', value: median(p99), unit: `ms due → durably placed, ${how}` },
  ];
}

/** How many pairs to place and capture; a trial does fewer. */
export interface PairLoad {
  readonly repetitions: number;
  readonly seconds: number;
}

const PAIR_LOAD: PairLoad = { repetitions: 3, seconds: 10 };
const CLIENTS = 16;

/**
 * Holds that are placed and then captured, by clients that each wait for both answers before the next pair. Nothing else is
 * posted meanwhile: what is measured is how many pairs share a commit.
 */
export async function benchHoldPairs({ server, log }: LedgerBench, load: PairLoad = PAIR_LOAD): Promise<BenchRow[]> {
  const [rates, p99]: [number[], number[]] = [[], []];
  for (let seed = 1; seed <= load.repetitions; seed++) {
    const startMs = Date.now();
    const database = await server.create(LANES, [startMs, startMs + 3_600_000]);
    const lanes = await openLanesWith(database, ACCOUNTS, startMs, BATCH_EVENTS);
    await server.checkpoint();
    const random = seededRandom(seed);
    const times: number[] = [];
    const startedAtMs = performance.now();
    const endMs = startedAtMs + load.seconds * 1_000;
    const client = async (_: unknown, number: number) => {
      for (let pair = 0; performance.now() < endMs; pair++) {
        const fromMs = performance.now();
        const [holdId, account] = [`${seed}-${number}-${pair}`, `acct_${Math.floor(random() * ACCOUNTS)}`];
        await place(lanes, holdId, account);
        await capture(lanes, holdId, account);
        times.push(performance.now() - fromMs);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    rates.push(times.length / ((performance.now() - startedAtMs) / 1_000));
    p99.push(quantile(times, 0.99));
    await lanes.close();
    await database.drop();
    log(`hold pairs: ${Math.round(rates.at(-1) ?? 0)}/s, p99 ${p99.at(-1)?.toFixed(1)} ms`);
  }
  const how = `${CLIENTS} clients that wait for each answer, ${LANES} lanes, ${ACCOUNTS} wallets`;
  return [
    { name: 'hold_pairs_per_s', value: median(rates), unit: `holds placed and captured/s, ${how}` },
    { name: 'hold_pair_p99_ms', value: median(p99), unit: `ms asked to place → durably captured, ${how}` },
  ];
}

/** Posts the events evenly over the time and places holds beside them; the time each hold took. */
async function placeBeside(
  lanes: Lanes,
  events: readonly LaneEvent[],
  { seconds, holdsPerS }: HoldLoad,
  seed: number,
): Promise<number[]> {
  const ticks = Math.ceil((seconds * 1_000) / TICK_MS);
  const parts = inBatches(events, Math.ceil(events.length / ticks));
  const random = seededRandom(seed);
  const times: number[] = [];
  const running: Promise<unknown>[] = [];
  const startedAtMs = performance.now();
  let placed = 0;
  for (let tick = 0; tick < ticks; tick++) {
    const dueMs = tick * TICK_MS;
    const waitMs = dueMs - (performance.now() - startedAtMs);
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const part = parts[tick];
    if (part !== undefined) running.push(lanes.post(part));
    for (; placed < ((dueMs + TICK_MS) / 1_000) * holdsPerS; placed++) {
      const holdId = `${seed}-${placed}`;
      const account = `acct_${Math.floor(random() * ACCOUNTS)}`;
      running.push(place(lanes, holdId, account).then(() => times.push(performance.now() - startedAtMs - dueMs)));
    }
  }
  await Promise.all(running);
  return times;
}

function place(lanes: Lanes, holdId: string, account: string): Promise<void> {
  const captureMax = captureMaxOf(HOLD_NANOS);
  return ask(lanes, holdId, account, { do: 'place', amount: HOLD_NANOS, captureMax, seconds: HOLD_SECONDS_DEFAULT });
}

function capture(lanes: Lanes, holdId: string, account: string): Promise<void> {
  return ask(lanes, holdId, account, { do: 'capture', amount: HOLD_NANOS });
}

async function ask(lanes: Lanes, holdId: string, account: string, what: HoldAsk): Promise<void> {
  const who = { tenant: 'default', account, currency: 'USD', actor: 'bench', reason: null } as const;
  const answer = await lanes.hold(holdRequest({ ...who, holdId, key: undefined, ask: what, nowMs: Date.now() }));
  if (!answer.ok) throw new RangeError(`hold ${holdId}: ${what.do} was refused: ${answer.code}`);
}
