import type { Ruleset } from '../../domain/rules/ruleset.ts';
import type { AdminStore } from '../../pipeline/admin/admin-store.ts';
import { topUp } from '../../pipeline/admin/top-up.ts';
import type { DemoStage } from '../../wire/demo-stage.ts';
import type { Progress } from '../output/progress.ts';
import { buildDemoReport } from './build-report.ts';
import type { DemoReport } from './demo-report.ts';
import type { DemoPlan } from './plan.ts';
import { createRecorder } from './recorder.ts';

/** Events per job. Jobs are processed one after the other, so a large one keeps all lanes busy. */
const JOB_EVENTS = 8_000;

/** Events handed over and not yet committed: the queue stays short, so progress is what really happened. */
const AHEAD_MAX = 48_000;

export interface DemoRunOptions {
  readonly seed: number | null;
  readonly ruleset: Ruleset;
  readonly startMs: number;
  readonly progress: (total: number) => Progress;
  /** Events the plan will give, for the progress bar. */
  readonly eventsExpected: number;
}

/** What the demo replays: a plan of its own, or a file with no known attacks. */
export interface DemoSource extends Pick<DemoPlan, 'accounts' | 'attacks' | 'lookAlikes'> {
  /** Raw events in arrival order. */
  readonly events: () => Iterable<unknown> | AsyncIterable<unknown>;
}

/** Replays usage through a throwaway pipeline by the file's own clock and reports what came of it. */
export async function runDemo(stage: DemoStage, source: DemoSource, options: DemoRunOptions): Promise<DemoReport> {
  const { ruleset } = options;
  const recorder = createRecorder(source.attacks);
  await fundAccounts(stage.admin, source, options);
  const progress = options.progress(options.eventsExpected);
  const startedAtMs = performance.now();
  await stage.start((batch) => {
    recorder.record(batch);
    progress.update(recorder.events());
  });
  const sent = await feed(stage, source, recorder.events);
  await stage.drained();
  const replayMs = performance.now() - startedAtMs;
  progress.finish(sent);
  return buildDemoReport({
    seed: options.seed,
    currency: ruleset.pricing.currency,
    attacks: source.attacks,
    lookAlikes: source.lookAlikes,
    recorder,
    counts: await stage.countEvents(),
    alerts: await stage.queries.alerts({ tenant: 'default', limit: 10_000 }),
    proofs: await stage.queries.proofs(ruleset),
    engineStartMs: stage.engineStartMs,
    replayMs,
  });
}

async function fundAccounts(admin: AdminStore, source: DemoSource, options: DemoRunOptions): Promise<void> {
  for (const { account, openingTopUpNanos } of source.accounts) {
    if (openingTopUpNanos <= 0n) continue;
    await topUp(admin, {
      tenant: 'default',
      account,
      currency: options.ruleset.pricing.currency,
      amount: openingTopUpNanos,
      source: 'paid',
      overdraftNanos: options.ruleset.overdraftNanos,
      key: `demo-opening-${account}`,
      actor: 'demo',
      reason: 'opening balance',
      nowMs: options.startMs,
      dryRun: false,
    });
  }
}

/** Returns how many events there were. */
async function feed(stage: DemoStage, source: DemoSource, committed: () => number): Promise<number> {
  let events: unknown[] = [];
  let sent = 0;
  const send = async () => {
    await stage.addJobs([{ v: 1, clock: 'file', events }]);
    sent += events.length;
    events = [];
    // Rejected events never commit, so an empty queue ends the wait as well.
    while (sent - committed() > AHEAD_MAX && (await stage.pending()) > 0) await pause();
  };
  for await (const event of source.events()) {
    events.push(event);
    if (events.length >= JOB_EVENTS) await send();
  }
  if (events.length > 0) await send();
  return sent;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
