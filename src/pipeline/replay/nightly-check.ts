import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/time.ts';
import { type RulesetOf, replayDecisions } from './replay-decision.ts';
import type { ReplayStore, StoredDecision } from './replay-store.ts';

/** What a health check of decisions came to. */
export interface ReplayCheck {
  readonly decisions: number;
  readonly same: number;
  readonly different: number;
  readonly impossible: number;
  /** Time ran out before the sample was through. */
  readonly cutShort: boolean;
  /** The first that came out otherwise. */
  readonly firstDifferent: {
    readonly decision: string;
    readonly field: string;
    readonly stored: string;
    readonly replayed: string;
  } | null;
}

/** The latest check as it is stored; unfinished while it runs, and when its process went away. */
export interface StoredReplayCheck extends ReplayCheck {
  readonly startedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly problem: string | null;
}

/** Where checks are noted; one process a day gets to run it. */
export interface ReplayCheckLog {
  /** True for the first who asks for a due time that is later than all before. */
  readonly claim: (dueAtMs: number, startedAtMs: number) => Promise<boolean>;
  readonly finish: (
    dueAtMs: number,
    finishedAtMs: number,
    check: ReplayCheck | { readonly problem: string },
  ) => Promise<void>;
}

const SAMPLE = 50;
const TIME_MAX_MS = 2 * MINUTE_MS;
const FROM_MS = HOUR_MS;
const SPAN_MINUTES = 240;

/**
 * When the latest check was due: once a day between 01:00 and 05:00 UTC, at a minute that follows from `seed`, so that the
 * databases of one server do not all begin at once.
 */
export function dueAt(seed: string, nowMs: number): number {
  let minute = 0;
  for (const character of seed) minute = (minute * 31 + (character.codePointAt(0) ?? 0)) % SPAN_MINUTES;
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS + FROM_MS + minute * MINUTE_MS;
  return today <= nowMs ? today : today - DAY_MS;
}

export interface NightlyOptions {
  readonly store: ReplayStore;
  readonly log: ReplayCheckLog;
  readonly rulesetOf: RulesetOf;
  readonly seed: string;
  readonly now: () => number;
  readonly breathe: () => Promise<void>;
  /** Ends what is under way. */
  readonly isStopping: () => boolean;
}

/** Runs the check when it is due and nobody else does; call it every few seconds. */
export class NightlyCheck {
  readonly #options: NightlyOptions;
  #askedForMs: number;

  constructor(options: NightlyOptions) {
    this.#options = options;
    // A service that starts in the afternoon waits for the night: starting is when it has the most to do.
    this.#askedForMs = dueAt(options.seed, options.now());
  }

  async sweep(): Promise<void> {
    const { log, now, seed, isStopping } = this.#options;
    const dueMs = dueAt(seed, now());
    if (dueMs <= this.#askedForMs || isStopping()) return;
    this.#askedForMs = dueMs;
    if (!(await log.claim(dueMs, now()))) return;
    try {
      await log.finish(dueMs, now(), await this.#run());
    } catch (error) {
      await log.finish(dueMs, now(), { problem: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }

  async #run(): Promise<ReplayCheck> {
    const { store, rulesetOf, now, breathe, isStopping } = this.#options;
    const endsMs = now() + TIME_MAX_MS;
    return checkSample(store, rulesetOf, SAMPLE, { isOver: () => isStopping() || now() >= endsMs, breathe });
  }
}

/** Decides a sample of the newest decisions again. */
export async function checkSample(
  store: ReplayStore,
  rulesetOf: RulesetOf,
  sample: number,
  limits: { readonly isOver: () => boolean; readonly breathe: () => Promise<void> },
): Promise<ReplayCheck> {
  const decisions: StoredDecision[] = [];
  for (const { tenant, decisionId } of await store.sample(sample)) {
    const stored = await store.decision(tenant, decisionId);
    if (stored !== undefined) decisions.push(stored);
  }
  const replayed = await replayDecisions(store, rulesetOf, decisions, limits);
  const number = (status: string) => replayed.filter(({ result }) => result.status === status).length;
  const first = replayed.find(({ result }) => result.status === 'differs');
  return {
    decisions: replayed.length,
    same: number('same'),
    different: number('differs'),
    impossible: number('impossible'),
    cutShort: replayed.length < decisions.length,
    firstDifferent:
      first === undefined || first.result.status !== 'differs'
        ? null
        : {
            decision: first.decision.decisionId,
            field: first.result.field,
            stored: brief(first.result.stored),
            replayed: brief(first.result.replayed),
          },
  };
}

const BRIEF_CHARACTERS = 200;

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > BRIEF_CHARACTERS ? `${text.slice(0, BRIEF_CHARACTERS)}…` : text;
}
