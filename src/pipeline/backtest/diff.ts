import type { RuleResult } from '../../domain/decisions/judge.ts';
import { LATE_WINDOW_MS } from '../../domain/ledger/lateness.ts';
import { type Outcome, severityOf } from '../../domain/rules/band.ts';
import { joinRulesets } from '../../domain/rules/join-rulesets.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { Collector } from './collector.ts';
import type { FraudLedger } from './fraud-ledger.ts';
import { Replay, type ReplayAlert, type ReplayListener } from './replay.ts';

/** The worst that one ruleset ever decided about an account, with the evidence of that moment. */
export interface Worst {
  readonly alert: ReplayAlert;
  /** What the other ruleset saw at the same moment. */
  otherResults: readonly RuleResult[];
}

/** One of the two rulesets, and what it did. */
export interface Side {
  readonly ruleset: Ruleset;
  readonly replay: Replay;
  readonly collector: Collector;
  /** By account. */
  readonly worst: Map<string, Worst>;
}

/** An account about which the two rulesets decide differently. */
export interface Flip {
  readonly account: string;
  readonly from: Outcome;
  readonly to: Outcome;
  /** The alert of the harsher side, and what each side's rules saw then. */
  readonly alert: ReplayAlert;
  readonly results: { readonly a: readonly RuleResult[]; readonly b: readonly RuleResult[] };
}

/**
 * Plays one history to two rulesets and keeps what they decide, account by account. Every event is read once and judged
 * by both before the next, so each side can be asked what it saw when the other spoke.
 */
export class RulesetDiff {
  readonly a: Side;
  readonly b: Side;
  /** Alerts of this very event, whose other side has not played it yet. */
  #fresh: { readonly worst: Worst; readonly other: Side }[] = [];

  constructor(a: Ruleset, b: Ruleset, ledger: FraudLedger | undefined) {
    // Usage is folded once for both where they keep the same, which is nearly always.
    const joined = joinRulesets(a, b);
    this.a = this.#side(joined?.a ?? a, ledger, { other: () => this.b });
    this.b = this.#side(joined?.b ?? b, ledger, {
      other: () => this.a,
      ...(joined === undefined ? {} : { leader: this.a.replay }),
    });
  }

  /** Call it when both have played an event. */
  after(): void {
    if (this.#fresh.length === 0) return;
    for (const { worst, other } of this.#fresh) {
      const account = other.replay.accounts.get(worst.alert.account);
      if (account !== undefined) worst.otherResults = other.replay.explain(account);
    }
    this.#fresh = [];
  }

  /** Accounts whose worst outcome differs, those with the most money first. */
  flips(): readonly Flip[] {
    const accounts = new Set([...this.a.worst.keys(), ...this.b.worst.keys()]);
    const flips: Flip[] = [];
    for (const account of accounts) {
      const [inA, inB] = [this.a.worst.get(account), this.b.worst.get(account)];
      const from = inA?.alert.outcome ?? 'allow';
      const to = inB?.alert.outcome ?? 'allow';
      if (from === to) continue;
      const isHarsher = severityOf(to) > severityOf(from);
      const shown = isHarsher ? inB : inA;
      if (shown === undefined) continue;
      const [own, others] = [shown.alert.results, shown.otherResults];
      const results = isHarsher ? { a: others, b: own } : { a: own, b: others };
      flips.push({ account, from, to, alert: shown.alert, results });
    }
    // A freeze weighs more than any amount: it stops a customer.
    const weight = ({ from, to, alert }: Flip) =>
      [from, to].includes('freeze') ? 1e18 + alert.excessNanos : alert.excessNanos;
    return flips.sort((x, y) => weight(y) - weight(x) || (x.account < y.account ? -1 : 1));
  }

  #side(
    ruleset: Ruleset,
    ledger: FraudLedger | undefined,
    { other, leader }: { readonly other: () => Side; readonly leader?: Replay },
  ): Side {
    const collector = new Collector({ ruleset, ledger, withSightings: false });
    const listener = collector.listener();
    const worst = new Map<string, Worst>();
    const told: ReplayListener = {
      ...listener,
      alert: (alert) => {
        listener.alert?.(alert);
        const known = worst.get(alert.account);
        if (known !== undefined && severityOf(alert.outcome) <= severityOf(known.alert.outcome)) return;
        const found: Worst = { alert, otherResults: [] };
        worst.set(alert.account, found);
        this.#fresh.push({ worst: found, other: other() });
      },
    };
    const replay = new Replay(ruleset, told, LATE_WINDOW_MS, leader);
    return { ruleset, replay, collector, worst };
  }
}
