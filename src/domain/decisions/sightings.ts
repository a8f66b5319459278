import { Calibration, type TailPrior } from '../calibration/calibration.ts';
import { DECADES_PER_NAT } from '../calibration/poisson.ts';
import { bindSpec, type FoldInput } from '../features/account-features.ts';
import type { AccountFeatures } from '../features/feature-state.ts';
import { FleetBook } from '../fleet/fleet-book.ts';
import { fleetRowOf } from '../fleet/fleet-row.ts';
import { PlatformFactor } from '../fleet/platform-factor.ts';
import { log, round6 } from '../math.ts';
import type { CompiledRule } from '../rules/compiled-rule.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { DAY_MS } from '../time.ts';
import { observedBy, usualFor } from './cut-off-cache.ts';
import { overWindows } from './over-windows.ts';

/** What one rule, live or shadow, says after an event: before bands, breaker and budget. */
export interface Sighting {
  readonly account: string;
  /** When the event arrived. */
  readonly atMs: number;
  readonly ruleId: string;
  /** −log10 of the clean incidents per account-day at least as high; continuous and without a ceiling. */
  readonly score: number;
  /** What the score was made from: evidence in decades. */
  readonly raw: number;
}

/** Holds what sightings need beyond one account's features: calibration, open incidents, the fleet. One per replay. */
export interface SightingBook {
  /** Call it after each fold and before `judge`, which forgets what was touched. */
  readonly see: (account: string, features: AccountFeatures, input: FoldInput) => readonly Sighting[];
}

/** Below this nothing is told: one incident in ten account-days is no news. */
const TOLD_MIN_DECADES = 1;
const RISE_MIN = 0.02;
/** A day after an incident was first told, it is told again when it is this much rarer: log10(2), twice as rare. */
const AGAIN_DECADES = 0.3;
/** Below this nobody was told yet, whatever the budget. */
const NOTED_DECADES = 2.5;
const INCIDENT_ENDS_MS = 2 * DAY_MS;

/** A window at its cut-off is reached by honest accounts more often than once in 1,000 account-days. */
const WINDOW_PRIOR: TailPrior = { at: 0.3, slope: 2 };

/**
 * Turns what rules see into sightings on one scale. Every rule has its own calibration, from its prior and the unflagged
 * stream so far. An incident speaks when it begins and whenever its score rises.
 */
export function createSightingBook(ruleset: Ruleset): SightingBook {
  const book = new Book(ruleset);
  return { see: (account, features, input) => book.see(account, features, input) };
}

/** One rule about one account: the highest raw value of the incident that is open, and whether it was learned. */
interface OpenIncident {
  peak: number;
  atMs: number;
  learned: number;
  /** When it was first told, and the score it was last told with. */
  sinceMs: number;
  told: number;
}

interface RuleBook {
  readonly rule: CompiledRule;
  readonly calibration: Calibration;
  readonly incidents: Map<string, OpenIncident>;
}

class Book {
  readonly #ruleset: Ruleset;
  readonly #rules: readonly RuleBook[];
  readonly #byId: ReadonlyMap<string, RuleBook>;
  readonly #fleet: FleetBook;
  readonly #platform = new PlatformFactor();
  readonly #countedToMs = new Map<AccountFeatures, number>();
  #accountDays = 0;
  #told: Sighting[] = [];

  constructor(ruleset: Ruleset) {
    this.#ruleset = ruleset;
    this.#rules = ruleset.judgedRules.map((rule) => ({
      rule,
      calibration: new Calibration(priorOf(rule)),
      incidents: new Map(),
    }));
    this.#byId = new Map(this.#rules.map((book) => [book.rule.id, book]));
    this.#fleet = new FleetBook(
      ruleset.judgedRules.flatMap(({ id, shown }) =>
        shown?.kind === 'fleet' ? [{ ruleId: id, fleet: shown.fleet }] : [],
      ),
    );
  }

  see(account: string, features: AccountFeatures, input: FoldInput): readonly Sighting[] {
    const now = input.ingestedAtMs;
    this.#countDays(features, now);
    if (input.disposition === 'posted' && input.spendNanos > 0) this.#platform.count(now);
    if (this.#told.length > 0) this.#told = [];
    this.#seeWindows(account, features, now);
    this.#seeStreams(account, features, now);
    this.#seeFleet(account, features, input);
    return this.#told;
  }

  #seeWindows(account: string, features: AccountFeatures, now: number): void {
    bindSpec(features, this.#ruleset.features);
    if (features.transient.touched === 0) return;
    const over = overWindows(features, this.#ruleset);
    for (let at = 0; at < over.length; at++) {
      const index = over[at] ?? 0;
      const book = this.#rules[index];
      if (book === undefined) continue;
      const observed = observedBy(features, book.rule, index);
      const excess = observed / (usualFor(features, book.rule).cutoff * this.#platform.now());
      if (excess >= 1) this.#tell(book, account, round6(log(excess) * DECADES_PER_NAT), now);
    }
  }

  #seeStreams(account: string, { streams }: AccountFeatures, now: number): void {
    if (streams === null || !streams.rose) return;
    for (const { ruleId, rose, peak } of streams.slots) {
      if (!rose) continue;
      const book = this.#byId.get(ruleId);
      if (book !== undefined) this.#tell(book, account, peak, now);
    }
  }

  #seeFleet(account: string, features: AccountFeatures, input: FoldInput): void {
    if (this.#fleet.looksAt(input.meter)) {
      const row = fleetRowOf(account, features, input);
      if (row !== undefined) this.#fleet.add(row);
    }
    for (const hit of this.#fleet.publish(input.ingestedAtMs)) {
      const book = this.#byId.get(hit.ruleId);
      if (book !== undefined && hit.raw > 0) this.#tell(book, hit.account, hit.raw, input.ingestedAtMs);
    }
  }

  #tell({ rule, calibration, incidents }: RuleBook, account: string, raw: number, atMs: number): void {
    let incident = incidents.get(account);
    if (incident === undefined || atMs - incident.atMs > INCIDENT_ENDS_MS) {
      incident = { peak: Number.NEGATIVE_INFINITY, atMs, learned: Number.NaN, sinceMs: atMs, told: 0 };
      incidents.set(account, incident);
    }
    if (raw < incident.peak + RISE_MIN) return;
    // An incident is not compared with itself: what was learned of it is taken back before it is scored.
    if (!Number.isNaN(incident.learned)) calibration.learn(incident.learned, -1);
    const score = round6(calibration.rarity(raw, this.#accountDays));
    incident.peak = raw;
    incident.atMs = atMs;
    incident.learned = calibration.isClean(raw) ? raw : Number.NaN;
    if (calibration.isClean(raw)) calibration.learn(raw, 1);
    // Who was told of it yesterday is told again when it is twice as rare, not for every step.
    const isNews = atMs - incident.sinceMs < DAY_MS || score >= incident.told + AGAIN_DECADES;
    if (score < TOLD_MIN_DECADES || !isNews) return;
    if (incident.told < NOTED_DECADES) incident.sinceMs = atMs;
    incident.told = Math.max(incident.told, score);
    this.#told.push({ account, atMs, ruleId: rule.id, score, raw });
  }

  // Account-days so far, whole days since each account's first event.
  #countDays(account: AccountFeatures, now: number): void {
    const last = this.#countedToMs.get(account);
    if (last === undefined) {
      this.#countedToMs.set(account, now);
      return;
    }
    if (now - last < DAY_MS) return;
    const days = Math.floor((now - last) / DAY_MS);
    this.#accountDays += days;
    this.#countedToMs.set(account, last + days * DAY_MS);
  }
}

function priorOf({ shown }: CompiledRule): TailPrior {
  if (shown === undefined) return WINDOW_PRIOR;
  return shown.kind === 'stream' ? shown.stream.prior : shown.fleet.prior;
}
