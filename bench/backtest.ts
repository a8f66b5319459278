import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRuleFiles } from '../src/adapters/rule-files.ts';
import { openHistoryFile } from '../src/cli/backtest/history-file.ts';
import { loadRuleset, type Ruleset } from '../src/domain/rules/ruleset.ts';
import { Collector } from '../src/pipeline/backtest/collector.ts';
import { RulesetDiff } from '../src/pipeline/backtest/diff.ts';
import type { History } from '../src/pipeline/backtest/history-event.ts';
import { Replay } from '../src/pipeline/backtest/replay.ts';
import { runBacktest } from '../src/pipeline/backtest/run-backtest.ts';
import { type MadeUpHistory, madeUpHistory, madeUpLine } from './backtest-history.ts';
import { type BenchRow, median } from './rows.ts';

/** A month of a small platform, and the same platform over a hundred times the time. */
const MONTH = { accounts: 100, days: 30, eventsPerAccountDay: 40 };
const HUNDREDFOLD = { ...MONTH, days: 3_000 };

/** What `rules diff` is asked for: thirty days of ten thousand accounts, twelve million events. */
const LARGE = { accounts: 10_000, days: 30, eventsPerAccountDay: 40 };

const WARM_UP_ROUNDS = 4;
const ROUNDS = 5;

/** Usage of 250,000 events a file. */
const FILE = { accounts: 400, days: 16, eventsPerAccountDay: 40 };

/**
 * How fast the shipped rules are played, per second of CPU of the whole process (collecting garbage included): that is what
 * one core does, and other load on the machine does not change it.
 */
export async function benchBacktest(log: (line: string) => void): Promise<BenchRow[]> {
  const ruleset = await shippedRules();
  // A month is over before the engine has compiled what it runs: the first rounds are not counted.
  for (let round = 0; round < WARM_UP_ROUNDS; round++) await play(ruleset, madeUpHistory(MONTH));

  log('backtest: a month, decoded');
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await play(ruleset, madeUpHistory(MONTH)));
  const month = median(rounds);
  log(`  ${Math.round(month)} events/s; a hundred times the time …`);
  const hundredfold = await play(ruleset, madeUpHistory(HUNDREDFOLD));
  log(`  ${Math.round(hundredfold)} events/s`);
  const ndjson = await playFile(ruleset, log);
  return [
    { name: 'backtest_events_per_s', value: month, unit: 'events/s of CPU' },
    { name: 'backtest_ndjson_events_per_s', value: ndjson, unit: 'events/s of CPU' },
    { name: 'backtest_100x_to_1x', value: hundredfold / month, unit: 'ratio' },
  ];
}

/** How long a person waits for `rules diff` over a month of a large platform. Minutes, so it is a suite of its own. */
export async function benchDiff(log: (line: string) => void): Promise<BenchRow[]> {
  const ruleset = await shippedRules();
  log('diff: 12 million events of 10,000 accounts under two sets of rules');
  const startedMs = performance.now();
  const { seconds, cpu, alerts } = await compare(ruleset, madeUpHistory(LARGE));
  log(`  ${Math.round(performance.now() - startedMs)} ms, ${alerts} alerts`);
  return [
    { name: 'rules_diff_12m_events_s', value: seconds, unit: 's' },
    { name: 'rules_diff_12m_events_cpu_s', value: cpu, unit: 's of CPU' },
  ];
}

async function shippedRules(): Promise<Ruleset> {
  const result = loadRuleset(await readRuleFiles(), { runTests: false });
  if (!result.ok) throw new Error('the shipped rules do not load');
  return result.ruleset;
}

/** Events per second of CPU, without the time it took to make them up. */
async function play(ruleset: Ruleset, history: MadeUpHistory): Promise<number> {
  const seconds = await cpuSeconds(() => replay(ruleset, history));
  return history.eventsExpected / (seconds - history.spentMs() / 1_000);
}

async function replay(ruleset: Ruleset, history: History): Promise<void> {
  const collector = new Collector({ ruleset, ledger: undefined, withSightings: true });
  const one = new Replay(ruleset, collector.listener());
  await runBacktest(history, [one], { progress: () => collector.tick(one) });
}

async function playFile(ruleset: Ruleset, log: (line: string) => void): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'tollkeeper-bench-'));
  try {
    const path = join(directory, 'usage.ndjson');
    const stream = createWriteStream(path);
    const history = madeUpHistory(FILE);
    for await (const { events } of history.blocks()) {
      if (!stream.write(`${events.map(madeUpLine).join('\n')}\n`)) await once(stream, 'drain');
    }
    stream.end();
    await once(stream, 'finish');
    log('backtest: a file of NDJSON');
    await replay(ruleset, await openHistoryFile(path));
    const seconds = await cpuSeconds(async () => replay(ruleset, await openHistoryFile(path)));
    log(`  ${Math.round(history.eventsExpected / seconds)} events/s`);
    return history.eventsExpected / seconds;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The shipped rules against themselves with every budget of points a little lower, so that both sides have work to do. */
async function compare(
  ruleset: Ruleset,
  history: MadeUpHistory,
): Promise<{ seconds: number; cpu: number; alerts: number }> {
  const other = { ...ruleset, bands: ruleset.bands.map((band) => ({ ...band, from: band.from - 5, to: band.to - 5 })) };
  const [first, last] = [other.bands[0], other.bands.at(-1)];
  if (first === undefined || last === undefined) throw new Error('the shipped rules have no bands');
  const bands = other.bands.map((band) => {
    if (band === first) return { ...band, from: 0 };
    return band === last ? { ...band, to: 100 } : band;
  });
  const diff = new RulesetDiff(ruleset, { ...other, bands, hash: 'other' }, undefined);
  const startedMs = performance.now();
  const busy = await cpuSeconds(async () => {
    await runBacktest(history, [diff.a.replay, diff.b.replay], { after: () => diff.after() });
    diff.flips();
  });
  // As a user waits for it, less what a database or file would have to deliver instead.
  const seconds = (performance.now() - startedMs - history.spentMs()) / 1_000;
  return {
    seconds,
    cpu: busy - history.spentMs() / 1_000,
    alerts: diff.a.collector.alerts.length + diff.b.collector.alerts.length,
  };
}

async function cpuSeconds(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
