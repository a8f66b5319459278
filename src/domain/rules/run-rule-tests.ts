import { explain, judge, type RuleResult } from '../decisions/judge.ts';
import { createFeatures, type FoldInput, foldUsage } from '../features/account-features.ts';
import { FINE_MS } from '../features/feature-spec.ts';
import type { AccountFeatures } from '../features/feature-state.ts';
import { HOUR_MS } from '../time.ts';
import type { CompiledRule, RuleTest } from './compiled-rule.ts';
import type { Given } from './given.ts';
import type { RuleLoadError } from './load-error.ts';
import { placeRules } from './place-rules.ts';
import type { Ruleset } from './ruleset.ts';
import { runEventTest } from './run-event-test.ts';
import { formatAmount, formatWindow } from './say.ts';
import { hoursOf } from './series.ts';

/** What became of one test inside a rule file. */
export interface RuleTestResult {
  readonly ruleId: string;
  readonly path: string;
  readonly line: number;
  readonly col: number;
  readonly name: string;
  readonly expect: RuleTest['expect'];
  readonly actual: RuleTest['expect'];
  readonly ok: boolean;
  /** The numbers of the last hour, for the person who has to find out why. */
  readonly detail: string;
}

/** Runs the tests of every rule that is not retired, through the fold and the judge that production uses. */
export function runRuleTests(ruleset: Ruleset): RuleTestResult[] {
  return ruleset.rules.flatMap((rule) => [...runTestsOf(ruleset, rule)]);
}

/** A test plays a month and takes some 30 ms; more than these would keep a service from starting for minutes. */
export const TESTS_MAX = 600;

/** Whether loading runs the tests; `rules test` always does. */
export function canRunTests({ rules }: Ruleset): boolean {
  return rules.reduce((sum, { tests }) => sum + tests.length, 0) <= TESTS_MAX;
}

/** Runs the tests of all rules one by one: a load error for each that fails, undefined for each that does not. */
export function* failingTests(ruleset: Ruleset): Generator<RuleLoadError | undefined> {
  for (const rule of ruleset.rules) {
    for (const result of runTestsOf(ruleset, rule)) yield result.ok ? undefined : failure(result);
  }
}

function failure({ path, line, col, name, expect, actual, detail }: RuleTestResult): RuleLoadError {
  const message = `${JSON.stringify(name)} expects ${expect}, but the result is ${actual}: ${detail}.`;
  return { code: 'RULE-TEST-004', path, line, col, message, fix: 'correct the rule, or what the test expects' };
}

function* runTestsOf(ruleset: Ruleset, rule: CompiledRule): Generator<RuleTestResult> {
  if (rule.mode === 'retired') return;
  const alone = rulesetOf(ruleset, rule);
  for (const test of rule.tests) {
    yield test.events === undefined ? runTest(alone, rule, test) : runEventTest(alone, rule, test.events, test);
  }
}

// A test is about its own rule: alone, live, and speaking every time, so that a gate cannot hide a hit.
function rulesetOf(ruleset: Ruleset, rule: CompiledRule): Ruleset {
  const tested: CompiledRule = { ...rule, mode: 'live', once: { forMs: 0, againIf: 'never' } };
  const { rules, features } = placeRules([tested], ruleset.pricing);
  return { ...ruleset, rules, judgedRules: rules, features };
}

// A Monday, midnight UTC: what a series means must not depend on the day it is run.
const START_MS = Date.UTC(2024, 0, 1);

function runTest(ruleset: Ruleset, rule: CompiledRule, test: RuleTest): RuleTestResult {
  const features = createFeatures();
  const hours = [...hoursOf(test.series)];
  let hitsBefore = 0;
  let hitsLast = 0;
  for (const [index, { value, spreadMs }] of hours.entries()) {
    // Minutes matter to bursts only; for sums of hours one event says the same.
    const slots = rule.detector.bucket === 'five_minutes' ? spreadMs / FINE_MS : 1;
    const startMs = START_MS + index * HOUR_MS;
    // The last hour is always played in steps: a rule that fires halfway must be seen to.
    const isLast = index === hours.length - 1;
    const hour = { startMs, value, slots: isLast ? spreadMs / FINE_MS : slots, given: test.given };
    const hits = playHour(ruleset, features, rule, hour);
    if (isLast) hitsLast = hits;
    else hitsBefore += hits;
  }
  const endMs = START_MS + hours.length * HOUR_MS - 1;
  const last = explain(ruleset, features, { ...momentOf(test.given, endMs), eventSpendNanos: 0 })[0];
  const isOpen = last === undefined || last.status === 'inconclusive';
  const lastly = hitsLast > 0 ? 'fires' : isOpen ? 'inconclusive' : 'quiet';
  // Quiet means quiet all along; a rule that fired on the way is not.
  const actual = test.expect === 'quiet' && hitsBefore > 0 ? 'fires' : lastly;
  const { ruleId, path, line, col } = { ruleId: rule.id, path: rule.path, line: test.line, col: test.col };
  const detail = describeLast(rule, last, hitsBefore);
  return { ruleId, path, line, col, name: test.name, expect: test.expect, actual, ok: actual === test.expect, detail };
}

interface Hour {
  readonly startMs: number;
  readonly value: number;
  /** Five-minute buckets, from the start of the hour, that share the value. */
  readonly slots: number;
  readonly given: Given;
}

function momentOf(given: Given, ingestedAtMs: number) {
  const account = given.get('account');
  return { account: typeof account === 'string' ? account : 'test', ingestedAtMs, given };
}

// Returns how often the rule fired.
function playHour(
  ruleset: Ruleset,
  features: AccountFeatures,
  rule: CompiledRule,
  { startMs, value, slots, given }: Hour,
): number {
  let hits = 0;
  let left = value;
  for (let slot = 0; slot < slots; slot++) {
    const share = slot === slots - 1 ? left : Math.floor(value / slots);
    left -= share;
    const atMs = startMs + slot * FINE_MS;
    for (const input of eventsFor(rule, share, atMs)) {
      foldUsage(features, input, ruleset.features);
      const moment = { ...momentOf(given, atMs), eventSpendNanos: input.spendNanos };
      const judgement = judge(ruleset, features, moment);
      if (judgement?.results.some(({ status }) => status === 'hit') === true) hits++;
    }
  }
  return hits;
}

function* eventsFor(rule: CompiledRule, share: number, atMs: number): Generator<FoldInput> {
  const meter = rule.definition.meter ?? 'usage';
  const event = { meter, quantity: 0, spendNanos: 0, occurredAtMs: atMs, ingestedAtMs: atMs } as const;
  switch (rule.definition.source) {
    case 'spend':
      yield { ...event, spendNanos: share, disposition: 'posted' };
      return;
    case 'quantity':
      yield { ...event, quantity: share, disposition: 'posted' };
      return;
    case 'events':
      for (let count = 0; count < share; count++) yield { ...event, disposition: 'posted' };
      return;
    case 'altered':
      // The account exists and works, whether or not anything is altered.
      yield { ...event, disposition: 'posted' };
      for (let count = 0; count < share; count++) yield { ...event, disposition: 'altered' };
  }
}

function describeLast(rule: CompiledRule, last: RuleResult | undefined, hitsBefore: number): string {
  if (last === undefined) return 'the series has no hours';
  const amount = (value: number) => formatAmount(value, rule.unit);
  const seen = `observed ${amount(last.observed)} in ${formatWindow(last.windowMs)}`;
  const against =
    last.threshold === null
      ? (last.reason ?? '')
      : `usually ${amount(last.expected)}, fires from ${amount(last.threshold)}`;
  const before = hitsBefore > 0 ? `; it fired ${hitsBefore} times before the last hour` : '';
  return `${seen}; ${against}${before}`;
}
