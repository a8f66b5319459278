import { activityCurve } from '../../domain/dunning/activity-curve.ts';
import { classifyForDunning, type DeclineVerdict, mayRetry } from '../../domain/dunning/classify-decline.ts';
import { EVEN_DAYS, LADDER_DAYS, nextOnLadder } from '../../domain/dunning/ladder.ts';
import { type ZoneClock, zoneClock } from '../../domain/dunning/local-time.ts';
import type { PastTry } from '../../domain/dunning/past-tries.ts';
import { attemptsLeftOver, planRetry, RETRY_POLICY, type RetryPolicy } from '../../domain/dunning/plan-retry.ts';
import { featuresOf } from '../../domain/dunning/retry-features.ts';
import { learn, priorModel } from '../../domain/dunning/retry-model.ts';
import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import { Agenda } from './agenda.ts';
import { guessReading, type HourReading, indexAt, toLocalWeek } from './hour-reading.ts';
import type { Payer, SecretPayer } from './payer.ts';

export const POLICIES = ['tollkeeper', 'ladder_1_3_5_7', 'even_8_in_14_days'] as const;
export type PolicyName = (typeof POLICIES)[number];

/** How one payer ended under one policy. */
export interface Ended {
  /** Tries after the decline. */
  readonly attempts: number;
  /** Days from the decline to the money; null when it never came. */
  readonly days: number | null;
}

/** One payer, and how they ended under each policy. */
export interface PlayedPayer {
  readonly payer: Payer;
  readonly ended: Readonly<Record<PolicyName, Ended>>;
}

export interface Played {
  readonly payers: readonly PlayedPayer[];
  readonly reading: HourReading;
  readonly readingIsSure: boolean;
  /** Time zones that do not exist; those payers live in UTC. */
  readonly notes: readonly string[];
}

/** Uniform in [0, 1) for a payer and an hour: every policy meets the same fate in the same hour. */
export type Fate = (payer: number, hour: number) => number;

/** What a policy knows of a payer in play. */
interface InPlay {
  readonly index: number;
  readonly verdict: DeclineVerdict;
  readonly declineCode: string | null;
  readonly clock: ZoneClock;
  readonly curve: Float64Array;
  readonly past: PastTry[];
  readonly failedAtMs: number;
}

/** Plays every policy on the same payers, with the same fate. Never-retried declines are never retried by any of them. */
export function playPolicies(
  secrets: readonly SecretPayer[],
  options: { readonly fate: Fate; readonly reading?: HourReading | undefined; readonly policy?: RetryPolicy },
): Played {
  const clocks = new Map<string | null, ZoneClock>();
  const clockOf = ({ payer: { timezone } }: SecretPayer): ZoneClock => {
    const clock = clocks.get(timezone) ?? zoneClock(timezone);
    clocks.set(timezone, clock);
    return clock;
  };
  const guessed = guessReading(secrets, clockOf);
  const reading = options.reading ?? guessed.reading;
  const lastMs = secrets.reduce((latest, { payer }) => Math.max(latest, payer.history.at(-1)?.atMs ?? 0), 0);
  const inPlay = secrets.map(({ payer }, index): InPlay => {
    const clock = clockOf(secrets[index] as SecretPayer);
    const failedAtMs = failedAt(payer, lastMs, clock, reading, (hour) => options.fate(index, -1 - hour));
    const curve = activityCurve(toLocalWeek(payer.activity, reading, clock, failedAtMs));
    const past = payer.history.map(({ atMs, succeeded }) => ({ atMs, local: clock.at(atMs), succeeded }));
    const decline = { code: null, declineCode: payer.declineCode, adviceCode: null };
    const verdict = classifyForDunning({ ...decline, networkAdviceCode: null, networkDeclineCode: null });
    return { index, verdict, declineCode: payer.declineCode, clock, curve, past, failedAtMs };
  });
  const pays = ({ index, clock }: InPlay, atMs: number): boolean =>
    options.fate(index, Math.floor(atMs / HOUR_MS)) < (secrets[index]?.success[indexAt(reading, clock, atMs)] ?? 0);
  const ladder = inPlay.map((payer) => playStatic(payer, LADDER_DAYS, pays));
  const even = inPlay.map((payer) => playStatic(payer, EVEN_DAYS, pays));
  const ours = playPredicted(inPlay, pays, options.policy ?? RETRY_POLICY);
  const payers = secrets.map(({ payer }, index): PlayedPayer => {
    const none: Ended = { attempts: 0, days: null };
    const ended = {
      tollkeeper: ours[index] ?? none,
      ladder_1_3_5_7: ladder[index] ?? none,
      even_8_in_14_days: even[index] ?? none,
    };
    return { payer, ended };
  });
  const notes = [...clocks.values()].flatMap(({ note }) => (note === null ? [] : [note]));
  return { payers, reading, readingIsSure: guessed.isSure, notes };
}

/**
 * When the top-up in question failed: at the last payment of the history if that failed. Otherwise within the week after the
 * newest payment of the file, at an hour drawn by the payer's activity: automatic top-ups are due while a balance is used.
 */
function failedAt(
  payer: Payer,
  lastMs: number,
  clock: ZoneClock,
  reading: HourReading,
  drawn: (hour: number) => number,
): number {
  const latest = payer.history.at(-1);
  if (latest !== undefined && !latest.succeeded) return latest.atMs;
  const startMs = Math.ceil((lastMs + 1) / HOUR_MS) * HOUR_MS;
  let total = 0;
  for (const events of payer.activity) total += events;
  let left = drawn(0) * (total > 0 ? total : 168);
  for (let hour = 0; hour < 168; hour++) {
    const atMs = startMs + hour * HOUR_MS;
    left -= total > 0 ? (payer.activity[indexAt(reading, clock, atMs)] ?? 0) : 1;
    if (left < 0) return atMs;
  }
  return startMs + 167 * HOUR_MS;
}

function playStatic(payer: InPlay, days: readonly number[], pays: (payer: InPlay, atMs: number) => boolean): Ended {
  const { verdict, failedAtMs } = payer;
  if (!mayRetry(verdict)) return { attempts: 0, days: null };
  const attemptsMax = verdict.class === 'retry_once' ? 1 : days.length;
  for (let attempts = 0; attempts < attemptsMax; attempts++) {
    const atMs = nextOnLadder(days, { failedAtMs, attempts }) ?? failedAtMs;
    if (pays(payer, atMs)) return { attempts: attempts + 1, days: (atMs - failedAtMs) / DAY_MS };
  }
  return { attempts: attemptsMax, days: null };
}

/** What is to happen to one payer: a past payment is learned from, the top-up fails, or it is tried again. */
interface Due {
  readonly payer: InPlay;
  readonly is: 'past' | 'failed' | 'try';
  /** Of a past payment: which. */
  readonly at: number;
}

/**
 * The predicted policy. Everything happens in the order of time, so that nothing is planned by what comes later: past payments of
 * everybody are learned from as they end, and so is every try, whosever it is.
 */
function playPredicted(
  inPlay: readonly InPlay[],
  pays: (payer: InPlay, atMs: number) => boolean,
  policy: RetryPolicy,
): readonly Ended[] {
  const ended: Ended[] = inPlay.map(() => ({ attempts: 0, days: null }));
  const retries = inPlay.map((): number[] => []);
  const known = inPlay.map((): PastTry[] => []);
  const over = { ended: 0, attempts: 0 };
  const agenda = new Agenda<Due>();
  let model = priorModel();
  for (const payer of inPlay) {
    payer.past.forEach(({ atMs }, at) => {
      agenda.put(atMs, { payer, is: 'past', at });
    });
    agenda.put(payer.failedAtMs, { payer, is: 'failed', at: 0 });
  }
  const learnFrom = ({ index, curve, verdict, declineCode }: InPlay, item: PastTry) => {
    const past = known[index] ?? [];
    const view = { past, curve, declineClass: verdict.class, declineCode };
    model = learn(model, featuresOf(view, model.crowd, item.atMs)(item.local), item.local, item.succeeded);
    past.push(item);
  };
  const plan = (payer: InPlay, nowMs: number) => {
    const { index, past: _, ...rest } = payer;
    const retriesMs = retries[index] ?? [];
    if (retriesMs.length === policy.attemptsMax) count(over, retriesMs.length);
    const spareAttempts = attemptsLeftOver(over, policy);
    const payment = { ...rest, retriesMs, methodTriesMs: retriesMs, past: known[index] ?? [], spareAttempts };
    const next = planRetry(payment, model, nowMs, policy);
    if (next.is === 'stop') return;
    // Set aside at once: two payments may not spend the same try.
    if (next.attempt > policy.attemptsMax) over.attempts += 1;
    agenda.put(next.atMs, { payer, is: 'try', at: 0 });
  };
  for (let due = agenda.take(); due !== undefined; due = agenda.take()) {
    const { atMs, item } = due;
    const { payer, is } = item;
    if (is === 'past') {
      const past = payer.past[item.at];
      if (past !== undefined) learnFrom(payer, past);
    } else if (is === 'failed') {
      plan(payer, atMs);
    } else {
      const { index, clock, failedAtMs } = payer;
      const succeeded = pays(payer, atMs);
      learnFrom(payer, { atMs, local: clock.at(atMs), succeeded });
      retries[index]?.push(atMs);
      const attempts = retries[index]?.length ?? 0;
      ended[index] = { attempts, days: succeeded ? (atMs - failedAtMs) / DAY_MS : null };
      if (!succeeded) plan(payer, atMs);
      else if (attempts <= policy.attemptsMax) count(over, attempts);
    }
  }
  return ended;
}

function count(over: { ended: number; attempts: number }, attempts: number): void {
  over.ended += 1;
  over.attempts += attempts;
}
