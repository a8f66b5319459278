import { formatDecimal } from '../../domain/money/nanos.ts';
import { DAY_MS, formatIso } from '../../domain/time.ts';
import type { EventCounts } from '../../pipeline/queries/event-counts.ts';
import type { AlertView, Proof } from '../../pipeline/queries/queries.ts';
import { chartAttack } from './demo-chart.ts';
import type { DemoAttackResult, DemoReport } from './demo-report.ts';
import type { DemoAttack, DemoLookAlike } from './plan.ts';
import type { Recorder } from './recorder.ts';

/** Everything a finished run is told from. */
export interface DemoRun {
  /** Null for a file, of which nobody has said what is hidden in it. */
  readonly seed: number | null;
  readonly currency: string;
  readonly attacks: readonly DemoAttack[];
  readonly lookAlikes: readonly DemoLookAlike[];
  readonly recorder: Recorder;
  readonly counts: EventCounts;
  /** Newest first, as the query lists them. */
  readonly alerts: readonly AlertView[];
  readonly proofs: readonly Proof[];
  readonly engineStartMs: number;
  readonly replayMs: number;
}

/** The report of a run: what the database says, beside what the demo knows it injected. */
export function buildDemoReport(run: DemoRun): DemoReport {
  const { counts, recorder } = run;
  const received = counts.posted + counts.duplicate + counts.quarantined + counts.rejected;
  const { fromMs, toMs } = recorder.span();
  const isEmpty = toMs < fromMs;
  // They come newest first, those of the same millisecond too.
  const alerts = [...run.alerts].reverse();
  const attacks = run.attacks.map((attack) => attackResult(attack, alerts, recorder));
  const charted = chooseAttack(run.attacks, attacks);
  return {
    v: 1,
    seed: run.seed,
    knowsTruth: run.seed !== null,
    currency: run.currency,
    accounts: recorder.accounts(),
    days: isEmpty ? 0 : Math.max(1, Math.round((toMs - fromMs) / DAY_MS)),
    from: formatIso(isEmpty ? 0 : fromMs),
    to: formatIso(isEmpty ? 0 : toMs),
    events: {
      received,
      posted: counts.posted,
      duplicate: counts.duplicate,
      quarantined: counts.quarantined,
      rejected: counts.rejected,
      quarantinedBy: counts.quarantinedBy,
      rejectedBy: counts.rejectedBy,
    },
    money: { charged: formatDecimal(counts.chargedNanos), quarantined: formatDecimal(counts.quarantinedNanos) },
    timings: {
      engineStartMs: Math.round(run.engineStartMs),
      replayMs: Math.round(run.replayMs),
      eventsPerSecond: Math.round(received / (run.replayMs / 1_000)),
    },
    alerts: alerts.map((alert) => ({
      alertId: alert.alertId,
      account: alert.account,
      // The alert table holds outcomes only.
      outcome: alert.outcome as DemoReport['alerts'][number]['outcome'],
      raisedAt: formatIso(alert.raisedAtMs),
      title: alert.title,
      summary: alert.summary,
      moneyAtRisk: formatDecimal(alert.moneyAtRisk),
    })),
    attacks,
    lookAlikes: run.lookAlikes.map(({ account, kind }) => ({ account, kind })),
    freezes: recorder.freezes().map(({ account, atMs, untilMs }) => ({
      account,
      at: formatIso(atMs),
      until: formatIso(untilMs),
      refused: formatDecimal(refusedBetween(recorder, account, atMs, untilMs)),
    })),
    ...(charted === undefined ? {} : { chart: chartAttack(charted, recorder) }),
    proof: run.proofs.map(({ name, ok, detail }) => ({ claim: name, holds: ok, detail })),
  };
}

function attackResult(attack: DemoAttack, alerts: readonly AlertView[], recorder: Recorder): DemoAttackResult {
  const since = alerts.filter(({ account, raisedAtMs }) => account === attack.account && raisedAtMs >= attack.startMs);
  const [alert] = since;
  const review = since.find(({ outcome }) => outcome === 'review' || outcome === 'freeze');
  const freeze = recorder.freezes().find(({ account, atMs }) => account === attack.account && atMs >= attack.startMs);
  const { charged, heldBack } = recorder.stolen(attack);
  return {
    account: attack.account,
    family: attack.family,
    startedAt: formatIso(attack.startMs),
    endedAt: formatIso(attack.endMs),
    alertedAt: alert === undefined ? null : formatIso(alert.raisedAtMs),
    reviewedAt: review === undefined ? null : formatIso(review.raisedAtMs),
    frozenAt: freeze === undefined ? null : formatIso(freeze.atMs),
    charged: formatDecimal(charged),
    heldBack: formatDecimal(heldBack),
  };
}

/** The chart shows the frozen attack from which most was kept back: the one with the most to see. */
function chooseAttack(attacks: readonly DemoAttack[], results: readonly DemoAttackResult[]): DemoAttack | undefined {
  let best: DemoAttack | undefined;
  let most = -1;
  for (const [index, result] of results.entries()) {
    if (result.alertedAt === null || Number(result.heldBack) <= most) continue;
    best = attacks[index];
    most = Number(result.heldBack);
  }
  return best;
}

function refusedBetween(recorder: Recorder, account: string, fromMs: number, toMs: number): bigint {
  let sum = 0n;
  for (const [hour, { refused }] of recorder.hours(account)) {
    const hourMs = hour * 3_600_000;
    if (hourMs + 3_600_000 > fromMs && hourMs <= toMs) sum += refused;
  }
  return sum;
}
