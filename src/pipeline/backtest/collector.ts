import type { Sighting } from '../../domain/decisions/sightings.ts';
import type { Outcome } from '../../domain/rules/band.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { DAY_MS } from '../../domain/time.ts';
import { CaughtAccounts } from './caught-accounts.ts';
import type { FraudLedger } from './fraud-ledger.ts';
import type { Played, Replay, ReplayAlert, ReplayListener } from './replay.ts';
import type { ScoredAlert } from './score-alerts.ts';
import { StoppedMoney } from './stopped-money.ts';

/** A freeze of the replay, with what it has stopped so far. */
export interface Freeze {
  readonly account: string;
  readonly atMs: number;
  readonly untilMs: number;
  readonly ruleIds: readonly string[];
  readonly money: StoppedMoney;
}

/** What one rule has seen. */
export interface RuleCount {
  incidents: number;
  alerts: number;
  /** When its open incident about each account began. */
  readonly openedMs: Map<string, number>;
}

export interface DayCount {
  readonly outcomes: { [outcome in Outcome]: number };
  readonly money: StoppedMoney;
}

/** What a ruleset did short of a freeze. */
export interface MilderActs {
  slowdowns: number;
  /** Usage that slow-downs had wait for a later period, nano-units. */
  waitedNanos: number;
  /** Times a cap kept the rules from acting. */
  readonly heldBack: { freeze: number; throttle: number };
}

/** An alert without its evidence. */
export type BriefAlert = Pick<ReplayAlert, 'account' | 'atMs' | 'outcome' | 'score' | 'ruleIds' | 'excessNanos'>;

export interface CollectOptions {
  readonly ruleset: Ruleset;
  /** Tells stolen usage from honest; undefined without labels. */
  readonly ledger: FraudLedger | undefined;
  /** Also called for every sighting, as it is told. */
  readonly onSighting?: (sighting: Sighting) => void;
  /** Sightings are looked for at all: they cost a little, and a comparison of decisions needs none. */
  readonly withSightings: boolean;
}

/** Adds up what a replay reports. Memory grows with alerts, not with events. */
export class Collector {
  readonly alerts: BriefAlert[] = [];
  readonly freezes: Freeze[] = [];
  readonly days = new Map<number, DayCount>();
  readonly rules = new Map<string, RuleCount>();
  readonly sightings: ScoredAlert[] = [];
  /** What slow-downs would have done, and what caps kept the rules from. */
  readonly milder: MilderActs = { slowdowns: 0, waitedNanos: 0, heldBack: { freeze: 0, throttle: 0 } };
  readonly caught = new CaughtAccounts();
  readonly #options: CollectOptions;
  /** The newest freeze of each account. */
  readonly #freezeOf = new Map<string, Freeze>();

  constructor(options: CollectOptions) {
    this.#options = options;
  }

  /** What the replay must be given. */
  listener(): ReplayListener {
    return {
      stopped: (played) => this.#stop(played),
      alert: (alert) => this.#alert(alert),
      freeze: (alert) => this.#freeze(alert),
      slowdown: () => this.milder.slowdowns++,
      throttled: ({ spendNanos }) => {
        this.milder.waitedNanos += spendNanos;
      },
      heldBack: ({ heldBack }) => {
        for (const { kind } of heldBack) this.milder.heldBack[kind]++;
      },
      ...(this.#options.withSightings ? { sighting: (sighting) => this.#see(sighting) } : {}),
    };
  }

  /** Call it between blocks, and once at the end. */
  tick(replay: Replay, isEnd = false): void {
    this.caught.take(replay, isEnd);
  }

  #alert(alert: ReplayAlert): void {
    const { account, atMs, outcome, score, ruleIds, excessNanos } = alert;
    this.alerts.push({ account, atMs, outcome, score, ruleIds, excessNanos });
    this.#day(atMs).outcomes[outcome]++;
    for (const ruleId of ruleIds) this.#rule(ruleId).alerts++;
    this.caught.add(alert);
  }

  #freeze({ account, atMs, frozenUntilMs, ruleIds }: ReplayAlert): void {
    const freeze = { account, atMs, untilMs: frozenUntilMs ?? atMs, ruleIds, money: new StoppedMoney() };
    this.freezes.push(freeze);
    this.#freezeOf.set(account, freeze);
  }

  #stop({ event, atMs, spendNanos }: Played): void {
    const freeze = this.#freezeOf.get(event.account);
    if (freeze === undefined) return;
    const { ledger } = this.#options;
    freeze.money.add(spendNanos, ledger);
    this.#day(atMs).money.add(spendNanos, ledger);
  }

  #see(sighting: Sighting): void {
    const { account, atMs, ruleId, score } = sighting;
    const rule = this.#rule(ruleId);
    const openedMs = rule.openedMs.get(account);
    if (openedMs === undefined || atMs - openedMs >= DAY_MS) {
      rule.openedMs.set(account, atMs);
      rule.incidents++;
    }
    if (this.#options.ledger !== undefined) this.sightings.push({ account, source: undefined, atMs, score, ruleId });
    this.#options.onSighting?.(sighting);
  }

  #rule(ruleId: string): RuleCount {
    const known = this.rules.get(ruleId);
    if (known !== undefined) return known;
    const fresh = { incidents: 0, alerts: 0, openedMs: new Map<string, number>() };
    this.rules.set(ruleId, fresh);
    return fresh;
  }

  #day(atMs: number): DayCount {
    const day = Math.floor(atMs / DAY_MS);
    const known = this.days.get(day);
    if (known !== undefined) return known;
    const fresh = { outcomes: { allow: 0, watch: 0, review: 0, freeze: 0 }, money: new StoppedMoney() };
    this.days.set(day, fresh);
    return fresh;
  }
}
