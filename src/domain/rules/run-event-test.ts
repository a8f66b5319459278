import { priorRarity } from '../calibration/calibration.ts';
import { judge } from '../decisions/judge.ts';
import { createFeatures, type FoldInput, foldUsage } from '../features/account-features.ts';
import { type EventDetails, hashText } from '../features/event-details.ts';
import type { AccountFeatures } from '../features/feature-state.ts';
import { FleetBook, PUBLICATION_DELAY_MS } from '../fleet/fleet-book.ts';
import { fleetRowOf } from '../fleet/fleet-row.ts';
import type { CompiledRule, RuleTest } from './compiled-rule.ts';
import type { Ruleset } from './ruleset.ts';
import type { RuleTestResult } from './run-rule-tests.ts';
import type { EventStep } from './shown-rule.ts';

// A Monday, midnight UTC: what a test means must not depend on the day it is run.
const START_MS = Date.UTC(2024, 0, 1);

// A test says quantities; at this price they are money as well.
const NANOS_PER_UNIT = 1_000;

/** Plays the events of a test through the fold and the judge that production uses. */
export function runEventTest(
  ruleset: Ruleset,
  rule: CompiledRule,
  steps: readonly EventStep[],
  test: RuleTest,
): RuleTestResult {
  // The rule as it stands alone: its place among the streams is another one there.
  const play = new Play(ruleset, ruleset.judgedRules[0] ?? rule);
  let hitsBefore = 0;
  let hitsLast = 0;
  for (const [index, step] of steps.entries()) {
    const hits = play.step(step);
    if (index === steps.length - 1) hitsLast = hits;
    else hitsBefore += hits;
  }
  const isOpen = play.missing() !== undefined;
  const lastly = hitsLast > 0 ? 'fires' : isOpen ? 'inconclusive' : 'quiet';
  const actual = test.expect !== 'fires' && hitsBefore > 0 ? 'fires' : lastly;
  const { id: ruleId, path } = rule;
  const { name, expect, line, col } = test;
  const detail = `highest rarity ${play.highest.toFixed(2)}, fires from ${rule.shown?.rarity ?? 0}${missingText(play.missing())}`;
  return { ruleId, path, line, col, name, expect, actual, ok: actual === expect, detail };
}

function missingText(missing: string | undefined): string {
  return missing === undefined ? '' : `; ${missing}`;
}

class Play {
  /** Highest rarity so far, for the person who has to find out why. */
  highest = 0;
  readonly #ruleset: Ruleset;
  readonly #rule: CompiledRule;
  readonly #accounts = new Map<string, AccountFeatures>();
  readonly #fleet: FleetBook;
  #nowMs = START_MS;
  #fresh = 0;
  readonly #sequences = new Map<number, number>();
  #balanceNanos: number | undefined;

  constructor(ruleset: Ruleset, rule: CompiledRule) {
    this.#ruleset = ruleset;
    this.#rule = rule;
    this.#fleet = new FleetBook(rule.shown?.kind === 'fleet' ? [{ ruleId: rule.id, fleet: rule.shown.fleet }] : []);
  }

  /** Plays a step and counts how often the rule fired. */
  step(step: EventStep): number {
    this.#nowMs += step.afterMs;
    this.#balanceNanos = step.balanceNanos ?? this.#balanceNanos;
    let hits = 0;
    for (let count = 0; count < step.times; count++) {
      this.#nowMs += step.everyMs;
      hits += this.#event(step, `test-${count % step.accounts}`);
    }
    return hits;
  }

  /** Why nothing can be said of the first account; undefined when it can. */
  missing(): string | undefined {
    const { shown } = this.#rule;
    const streams = this.#accounts.get('test-0')?.streams;
    // Across accounts there is always something to say as soon as a fact was seen.
    if (shown?.kind !== 'stream') return this.highest > 0 ? undefined : 'no fact that could link accounts';
    if (streams === undefined || streams === null) return 'no event so far';
    return streams.slots[shown.index]?.run.missing(streams.profile);
  }

  #event(step: EventStep, account: string): number {
    const features = this.#accounts.get(account) ?? createFeatures();
    this.#accounts.set(account, features);
    const claimedAtMs = this.#nowMs - step.lateMs;
    const spendNanos = step.quantity * NANOS_PER_UNIT;
    if (this.#balanceNanos !== undefined && step.disposition === 'posted') this.#balanceNanos -= spendNanos;
    const input = {
      meter: step.meter,
      quantity: step.quantity,
      spendNanos,
      occurredAtMs: Math.min(claimedAtMs, this.#nowMs),
      claimedAtMs,
      ingestedAtMs: this.#nowMs,
      disposition: step.disposition,
      ...(this.#balanceNanos === undefined ? {} : { balanceNanos: this.#balanceNanos }),
      details: this.#detailsOf(step),
    } satisfies FoldInput;
    foldUsage(features, input, this.#ruleset.features);
    if (this.#rule.shown?.kind === 'fleet') return this.#fleetHits(account, features, input);
    const judgement = judge(this.#ruleset, features, { account, ingestedAtMs: this.#nowMs, eventSpendNanos: 0 });
    this.#note(features);
    return judgement?.results.some(({ status }) => status === 'hit') === true ? 1 : 0;
  }

  #fleetHits(account: string, features: AccountFeatures, input: FoldInput): number {
    const { shown } = this.#rule;
    const row = fleetRowOf(account, features, input);
    if (shown?.kind !== 'fleet' || row === undefined) return 0;
    this.#fleet.add(row);
    let hits = 0;
    for (const { raw } of this.#fleet.publish(this.#nowMs + PUBLICATION_DELAY_MS)) {
      const rarity = priorRarity(shown.fleet.prior, raw);
      this.highest = Math.max(this.highest, rarity);
      if (rarity >= shown.rarity) hits++;
    }
    return hits;
  }

  #note({ streams }: AccountFeatures): void {
    const { shown } = this.#rule;
    if (shown?.kind !== 'stream') return;
    const peak = streams?.slots[shown.index]?.peak ?? 0;
    if (peak > 0) this.highest = Math.max(this.highest, priorRarity(shown.stream.prior, peak));
  }

  #detailsOf({ details, fresh, sequence }: EventStep): EventDetails {
    const changed: { -readonly [name in keyof EventDetails]?: number } = {};
    for (const name of fresh) changed[name] = hashText(`fresh ${this.#fresh++}`);
    const source = changed.source ?? details.source;
    if (sequence === 'none') return { ...details, ...numbersOnly(changed) };
    const next = (this.#sequences.get(source) ?? 0) + (sequence === 'skip' ? 2 : 1);
    this.#sequences.set(source, next);
    return { ...details, ...numbersOnly(changed), sequence: next };
  }
}

function numbersOnly(changed: { readonly [name: string]: number | undefined }): Partial<EventDetails> {
  return changed;
}
