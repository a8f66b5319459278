import type { Usual } from '../detectors/detector.ts';
import { countDistinct } from '../features/distinct-values.ts';
import { FINE_MS, hourOfFine } from '../features/feature-spec.ts';
import type { AccountFeatures } from '../features/feature-state.ts';
import { ringSum } from '../features/ring.ts';
import { round6 } from '../math.ts';
import type { CompiledRule } from '../rules/compiled-rule.ts';
import type { ConditionInput, FeatureRead, NumberName, TextName } from '../rules/conditions/condition.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';
import type { Moment } from './judgement.ts';

/** Everything a rule's conditions may ask about one account at one moment. */
export interface RuleSituation {
  readonly features: AccountFeatures;
  readonly rule: CompiledRule;
  readonly moment: Moment;
  readonly observed: number;
  /** Computed on demand: most conditions do not ask for it. */
  readonly usual: () => Usual;
}

/** Answers a condition's questions from an account's features, its wallet and the event. */
export class RuleInput implements ConditionInput {
  readonly nowMs: number;
  readonly #situation: RuleSituation;

  constructor(situation: RuleSituation) {
    this.#situation = situation;
    this.nowMs = situation.moment.ingestedAtMs;
  }

  read(index: number): number {
    const { rule, moment } = this.#situation;
    const read = rule.reads[index];
    if (read === undefined) return Number.NaN;
    if (moment.given !== undefined) {
      const given = moment.given.get(read.name);
      if (typeof given === 'number') return given;
      // A test plays one feature; zeros for all others would be made up.
      if (read.source.kind !== 'sum' || read.source.definition.name !== rule.feature) return Number.NaN;
    }
    return this.#stored(read, rule.readIndexes[index] ?? -1);
  }

  number(name: NumberName): number {
    const { observed, moment, usual } = this.#situation;
    switch (name) {
      case 'observed':
        return observed;
      case 'z':
        return usual().zOf(observed) ?? Number.NaN;
      case 'times': {
        const { expected, missing } = usual();
        return missing === undefined && expected > 0 ? round6(observed / expected) : Number.NaN;
      }
      case 'expected':
      case 'lower':
      case 'upper':
        return usual().missing === undefined ? usual()[name] : Number.NaN;
      case 'threshold':
        return usual().cutoff;
      case 'account.age_days':
        return this.#ageDays();
      case 'now.hour':
        return new Date(moment.ingestedAtMs).getUTCHours();
      case 'now.weekday':
        return new Date(moment.ingestedAtMs).getUTCDay() || 7;
      default:
        return this.#wallet(name);
    }
  }

  text(name: TextName): string | undefined {
    const { moment } = this.#situation;
    const given = moment.given?.get(name);
    if (typeof given === 'string') return given;
    switch (name) {
      case 'account':
        return moment.account === '' ? undefined : moment.account;
      case 'wallet.status':
        return moment.wallet?.status;
      case 'event.source':
        return moment.event?.source;
      case 'event.meter':
        return moment.event?.meter;
    }
  }

  // The hour of the first event is known, not its minute.
  #ageDays(): number {
    const { features, moment } = this.#situation;
    if (features.firstHour < 0) return Number.NaN;
    return round6(Math.max(0, moment.ingestedAtMs - features.firstHour * HOUR_MS) / DAY_MS);
  }

  #wallet(name: Exclude<NumberName, 'observed'>): number {
    const { moment } = this.#situation;
    const given = moment.given?.get(name);
    if (typeof given === 'number') return given;
    const { wallet } = moment;
    if (wallet === undefined) return Number.NaN;
    switch (name) {
      case 'wallet.held':
        return Number(wallet.held);
      case 'wallet.available':
        return Number(wallet.posted - wallet.held);
      case 'wallet.quarantined':
        return Number(wallet.quarantined);
      default:
        return Number(wallet.posted);
    }
  }

  #stored({ source, windowMs }: FeatureRead, index: number): number {
    const { features } = this.#situation;
    if (source.kind === 'distinct') {
      const values = features.distinct[index];
      if (values === undefined || !this.#isKept(values.sinceHour, windowMs)) return Number.NaN;
      return countDistinct(values, features.headFine, windowMs / FINE_MS);
    }
    const series = features.series[index];
    if (series === undefined) return Number.NaN;
    const isHourly = source.bucket === 'hour';
    const ring = isHourly ? series.hourly : series.fine;
    if (!this.#isKept(series.sinceHour, windowMs)) return Number.NaN;
    if (ring === null) return 0;
    const head = source.definition.clock === 'ingested' ? features.headFineIngested : features.headFine;
    return round6(ringSum(ring, isHourly ? hourOfFine(head) : head, source.buckets));
  }

  // What is kept since a short while cannot speak for the time before.
  #isKept(sinceHour: number, windowMs: number): boolean {
    return sinceHour < 0 || hourOfFine(this.#situation.features.headFine) - sinceHour >= windowMs / HOUR_MS;
  }
}
