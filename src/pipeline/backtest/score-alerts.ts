import { DAY_MS } from '../../domain/time.ts';
import type { FraudLedger } from './fraud-ledger.ts';
import { type Share, shareOf } from './intervals.ts';
import { AFTERMATH_MS, type Attack, type BenignStretch, GRACE_MS, type LabelSet } from './labels.ts';

/** Something a rule said, to be held against what people know. */
export interface ScoredAlert {
  readonly account: string | null;
  readonly source: string | undefined;
  readonly atMs: number;
  readonly score: number;
  readonly ruleId: string;
}

/** What is scored. */
export interface Scope {
  readonly fromMs: number;
  readonly toMs: number;
  readonly accountDays: number;
}

/** What became of one attack. Amounts in nano-units. */
export interface AttackScore {
  readonly id: string;
  readonly family: string;
  /** Null when it was missed. */
  readonly detectedAtMs: number | null;
  readonly ruleId: string | null;
  readonly eventsBefore: number;
  readonly events: number;
  readonly lostBeforeNanos: number;
  readonly lossNanos: number;
}

/** A false alarm: alerts of one account, or source, within a day. */
export interface FalseIncident {
  readonly account: string | null;
  readonly source: string | undefined;
  readonly atMs: number;
  readonly ruleId: string;
  readonly score: number;
  /** What was going on there, where people have said. */
  readonly confounder: string | null;
}

export interface FamilyScore {
  readonly family: string;
  readonly recall: Share;
  readonly lostBeforeNanos: number;
  readonly lossNanos: number;
}

export interface RuleScore {
  readonly ruleId: string;
  /** Of its incidents, those about an attack. */
  readonly precision: Share;
  /** Of all attacks, those it spoke about in time, whichever rule was first. */
  readonly recall: Share;
  /** Attacks it was the first to find. */
  readonly first: number;
  /** What those attacks had not stolen yet. */
  readonly savedNanos: number;
}

/** How alerts at one threshold compare with what people know. */
export interface AlertScore {
  /** False incidents allowed per 1,000 account-days; null when every alert counted. */
  readonly budget: number | null;
  /** Scores below it do not count; −Infinity when every alert does. */
  readonly threshold: number;
  readonly falsePer1000: number;
  readonly precision: Share;
  readonly recall: Share;
  /** Mean of the families' recall. */
  readonly macroRecall: number;
  readonly lostBeforeNanos: number;
  readonly lossNanos: number;
  readonly attacks: readonly AttackScore[];
  readonly families: readonly FamilyScore[];
  readonly rules: readonly RuleScore[];
  readonly falseIncidents: readonly FalseIncident[];
}

interface Judged extends ScoredAlert {
  readonly isFalse: boolean;
}

/** A group attack counts as found when so many of its accounts are named. */
const GROUP_FAMILY = 'free_tier_farm';
const GROUP_SHARE = 0.3;
const GROUP_MIN = 3;

/** Holds alerts against labels. Built once; `at` answers for any budget. */
export class AlertScorer {
  readonly #alerts: readonly Judged[];
  readonly #labels: LabelSet;
  readonly #ledger: FraudLedger;
  readonly #scope: Scope;
  readonly #thresholds: readonly number[];

  constructor(alerts: readonly ScoredAlert[], labels: LabelSet, ledger: FraudLedger, scope: Scope) {
    this.#labels = labels;
    this.#ledger = ledger;
    this.#scope = scope;
    this.#alerts = alerts
      .filter(({ atMs }) => atMs >= scope.fromMs && atMs < scope.toMs + DAY_MS)
      .map((alert) => ({ ...alert, isFalse: !this.#isAboutAttack(alert) }))
      .filter((alert) => !alert.isFalse || labels.isPartial !== true || this.#isJudged(alert))
      .sort((a, b) => a.atMs - b.atMs);
    this.#thresholds = [...new Set(this.#alerts.map(({ score }) => score))].sort((a, b) => a - b);
  }

  /** The score at the lowest threshold that keeps false incidents within the budget; null counts every alert. */
  at(budget: number | null): AlertScore {
    const threshold = budget === null ? Number.NEGATIVE_INFINITY : this.#thresholdFor(budget);
    const used = this.#alerts.filter(({ score }) => score >= threshold);
    const incidents = incidentsOf(used);
    const falseIncidents = incidents.filter(({ isFalse }) => isFalse);
    const attacks = this.#labels.attacks.map((attack, index) => this.#scoreAttack(attack, index, used));
    const found = attacks.filter(({ detectedAtMs }) => detectedAtMs !== null).length;
    const families = familiesOf(attacks);
    return {
      budget,
      threshold,
      falsePer1000: this.#rateOf(falseIncidents.length),
      precision: shareOf(incidents.length - falseIncidents.length, incidents.length),
      recall: shareOf(found, attacks.length),
      macroRecall: families.reduce((sum, { recall }) => sum + (recall.value ?? 0), 0) / Math.max(1, families.length),
      lostBeforeNanos: sumOf(attacks, ({ lostBeforeNanos }) => lostBeforeNanos),
      lossNanos: sumOf(attacks, ({ lossNanos }) => lossNanos),
      attacks,
      families,
      rules: this.#scoreRules(used, attacks),
      falseIncidents: falseIncidents.map(({ account, source, atMs, ruleId, score }) => {
        return { account, source, atMs, ruleId, score, confounder: confounderOf(this.#labels.benign, account, atMs) };
      }),
    };
  }

  #isAboutAttack({ account, source, atMs }: ScoredAlert): boolean {
    return this.#ledger.index.about(account, source).some((index) => {
      const attack = this.#labels.attacks[index];
      return attack !== undefined && atMs >= attack.startMs && atMs <= attack.endMs + AFTERMATH_MS;
    });
  }

  #isJudged({ account, atMs }: ScoredAlert): boolean {
    return confounderOf(this.#labels.benign, account, atMs) !== null;
  }

  #rateOf(incidents: number): number {
    return this.#scope.accountDays === 0 ? 0 : (incidents * 1000) / this.#scope.accountDays;
  }

  #thresholdFor(budget: number): number {
    // How many alerts were false is not known of partial labels; the scale says how many there should be.
    if (this.#labels.isPartial === true) return -Math.log10(budget / 1000);
    let low = 0;
    let high = this.#thresholds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const threshold = this.#thresholds[middle] ?? 0;
      const alarms = incidentsOf(this.#alerts.filter(({ score, isFalse }) => isFalse && score >= threshold));
      if (this.#rateOf(alarms.length) <= budget) high = middle;
      else low = middle + 1;
    }
    return this.#thresholds[low] ?? Number.POSITIVE_INFINITY;
  }

  #scoreAttack(attack: Attack, index: number, alerts: readonly Judged[]): AttackScore {
    const about = alerts.filter((alert) => isInTime(attack, alert));
    const first = attack.family === GROUP_FAMILY ? groupDetection(attack, about) : about[0];
    const lost = this.#ledger.lostBy(index, first?.atMs ?? null);
    const all = first === undefined ? lost : this.#ledger.lostBy(index, null);
    return {
      id: attack.id,
      family: attack.family,
      detectedAtMs: first?.atMs ?? null,
      ruleId: first?.ruleId ?? null,
      eventsBefore: lost.events,
      events: lost.of,
      lostBeforeNanos: lost.nanos,
      lossNanos: all.nanos,
    };
  }

  #scoreRules(alerts: readonly Judged[], attacks: readonly AttackScore[]): RuleScore[] {
    const byRule = new Map<string, Judged[]>();
    for (const alert of alerts) {
      const known = byRule.get(alert.ruleId);
      if (known === undefined) byRule.set(alert.ruleId, [alert]);
      else known.push(alert);
    }
    return [...byRule]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([ruleId, own]) => {
        const incidents = incidentsOf(own);
        const seen = this.#labels.attacks.filter((attack) => own.some((alert) => isInTime(attack, alert))).length;
        const mine = attacks.filter((attack) => attack.ruleId === ruleId);
        return {
          ruleId,
          precision: shareOf(incidents.filter(({ isFalse }) => !isFalse).length, incidents.length),
          recall: shareOf(seen, attacks.length),
          first: mine.length,
          savedNanos: sumOf(mine, ({ lossNanos, lostBeforeNanos }) => Math.max(0, lossNanos - lostBeforeNanos)),
        };
      });
  }
}

/** The first alert of each incident: alerts of one account, or source, within a day of the first; true and false apart. */
function incidentsOf(alerts: readonly Judged[]): Judged[] {
  const open = new Map<string, number>();
  const incidents: Judged[] = [];
  for (const alert of alerts) {
    const key = `${alert.isFalse ? 'f' : 't'}${alert.account ?? `\u0000${alert.source ?? ''}`}`;
    const openedMs = open.get(key);
    if (openedMs !== undefined && alert.atMs - openedMs < DAY_MS) continue;
    open.set(key, alert.atMs);
    incidents.push(alert);
  }
  return incidents;
}

function isInTime(attack: Attack, { account, source, atMs }: ScoredAlert): boolean {
  if (atMs < attack.startMs || atMs > attack.endMs + GRACE_MS) return false;
  return account === null ? source !== undefined && attack.sources.has(source) : attack.accounts.has(account);
}

function groupDetection(attack: Attack, about: readonly Judged[]): Judged | undefined {
  const needed = Math.max(GROUP_MIN, Math.ceil(GROUP_SHARE * attack.accounts.size));
  const named = new Set<string>();
  return about.find(({ account }) => {
    // A source that the whole group shares names all of it.
    if (account === null) return true;
    named.add(account);
    return named.size >= needed;
  });
}

function familiesOf(attacks: readonly AttackScore[]): FamilyScore[] {
  const families = [...new Set(attacks.map(({ family }) => family))].sort();
  return families.map((family) => {
    const own = attacks.filter((attack) => attack.family === family);
    return {
      family,
      recall: shareOf(own.filter(({ detectedAtMs }) => detectedAtMs !== null).length, own.length),
      lostBeforeNanos: sumOf(own, ({ lostBeforeNanos }) => lostBeforeNanos),
      lossNanos: sumOf(own, ({ lossNanos }) => lossNanos),
    };
  });
}

function confounderOf(benign: readonly BenignStretch[], account: string | null, atMs: number): string | null {
  if (account === null) return null;
  const found = benign.find((s) => s.account === account && atMs >= s.startMs && atMs <= s.endMs + DAY_MS);
  return found?.kind ?? null;
}

function sumOf<T>(items: readonly T[], amount: (item: T) => number): number {
  let sum = 0;
  for (const item of items) sum += amount(item);
  return sum;
}
