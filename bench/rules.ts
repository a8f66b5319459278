import { ZenEngine } from '@gorules/zen-engine';
import { Engine } from 'json-rules-engine';
import { compileCondition } from '../src/domain/rules/conditions/compile-condition.ts';
import {
  type CompiledCondition,
  type ConditionInput,
  type ConditionPart,
  type FeatureRead,
  YES,
} from '../src/domain/rules/conditions/condition.ts';
import type { ConditionContext } from '../src/domain/rules/conditions/scope.ts';
import type { PriceBook } from '../src/domain/rules/price-book.ts';
import { type BenchRow, median } from './rows.ts';

const RULES = 50;
const CONDITIONS = 3;
const FACTS = 10;
const ROUNDS = 5;
/** How many accounts each engine judges in one round; about a second of the slower ones. */
const ACCOUNTS = { ours: 100_000, jsonRulesEngine: 2_000, zen: 2_000 } as const;

/** One comparison: fact number `fact` is at least `limit`. */
interface Comparison {
  readonly fact: number;
  readonly limit: number;
}

/** The same numbers on every machine (Park and Miller's generator). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 0x7fff_ffff;
    return state / 0x7fff_ffff;
  };
}

/**
 * How fast compiled conditions are beside two rule engines: the same 50 rules of 3 comparisons over the same facts, each
 * with every comparison's values in its result. Measured in CPU time, which other programs on the machine change least.
 */
export async function benchRules(log: (line: string) => void): Promise<BenchRow[]> {
  const draw = random(17);
  const rules = Array.from({ length: RULES }, () =>
    Array.from({ length: CONDITIONS }, () => ({
      fact: Math.floor(draw() * FACTS),
      limit: 5 + Math.floor(draw() * 90),
    })),
  );
  const accounts = Array.from({ length: 1_000 }, () => Array.from({ length: FACTS }, () => Math.floor(draw() * 100)));
  const ours = ourEngine(rules);
  const jsonRulesEngine = await jsonRulesEngineOf(rules);
  const zen = zenOf(rules);
  const expected = accounts.map((facts) => hitsOf(rules, facts));
  await check('ours', expected, accounts, async (facts) => ours(facts).length);
  await check('json-rules-engine', expected, accounts, jsonRulesEngine);
  await check('zen-engine', expected, accounts, zen);

  const rates = { ours: [] as number[], jsonRulesEngine: [] as number[], zen: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    rates.ours.push(await rateOf(ACCOUNTS.ours, (index) => ours(accounts[index % accounts.length] ?? [])));
    rates.jsonRulesEngine.push(
      await rateOf(ACCOUNTS.jsonRulesEngine, (index) => jsonRulesEngine(accounts[index % accounts.length] ?? [])),
    );
    rates.zen.push(await rateOf(ACCOUNTS.zen, (index) => zen(accounts[index % accounts.length] ?? [])));
    log(`rules: round ${round + 1} of ${ROUNDS}`);
  }
  const [fast, json, other] = [median(rates.ours), median(rates.jsonRulesEngine), median(rates.zen)];
  const unit = 'accounts per CPU second, 50 rules x 3 conditions, full trace';
  return [
    { name: 'rules_accounts_per_cpu_s', value: fast, unit },
    { name: 'rules_json_rules_engine_per_cpu_s', value: json, unit },
    { name: 'rules_zen_per_cpu_s', value: other, unit },
    { name: 'rules_to_json_rules_engine', value: fast / json, unit: 'times json-rules-engine' },
    { name: 'rules_to_zen', value: fast / other, unit: 'times zen-engine' },
  ];
}

function hitsOf(rules: readonly (readonly Comparison[])[], facts: readonly number[]): number {
  return rules.filter((rule) => rule.every(({ fact, limit }) => (facts[fact] ?? 0) >= limit)).length;
}

/** An engine that answers otherwise is not measured. */
async function check(
  name: string,
  expected: readonly number[],
  accounts: readonly (readonly number[])[],
  judge: (facts: readonly number[]) => Promise<number>,
): Promise<void> {
  for (const [index, facts] of accounts.slice(0, 200).entries()) {
    const hits = await judge(facts);
    if (hits !== expected[index]) throw new Error(`${name}: ${hits} hits for account ${index}, not ${expected[index]}`);
  }
}

async function rateOf(accounts: number, judge: (index: number) => unknown): Promise<number> {
  const before = process.cpuUsage();
  for (let index = 0; index < accounts; index++) {
    const answer = judge(index);
    if (answer instanceof Promise) await answer;
  }
  const { user, system } = process.cpuUsage(before);
  return accounts / ((user + system) / 1e6);
}

interface Compiled {
  readonly condition: CompiledCondition;
  readonly facts: readonly number[];
}

/** Every meter stands for one fact; all rules are evaluated, and each result has all of its comparisons. */
function ourEngine(rules: readonly (readonly Comparison[])[]): (facts: readonly number[]) => readonly Traced[] {
  const compiled = rules.map(compileOurs);
  let current: readonly number[] = [];
  let places: readonly number[] = [];
  const input: ConditionInput = {
    read: (index) => current[places[index] ?? 0] ?? Number.NaN,
    number: () => Number.NaN,
    text: () => undefined,
    nowMs: 0,
  };
  return (facts) => {
    current = facts;
    const hits: Traced[] = [];
    const traces: Traced[] = [];
    for (const [rule, { condition, facts: own }] of compiled.entries()) {
      places = own;
      const isHit = condition.evaluate(input) === YES;
      const traced = { rule, isHit, parts: condition.lastParts() };
      traces.push(traced);
      if (isHit) hits.push(traced);
    }
    return traces.length === compiled.length ? hits : [];
  };
}

interface Traced {
  readonly rule: number;
  readonly isHit: boolean;
  readonly parts: readonly ConditionPart[];
}

function compileOurs(rule: readonly Comparison[]): Compiled {
  const prices = [{ fromMs: 0, coefficient: 1n, decimals: 0 }];
  const meters = Array.from({ length: FACTS }, (_, index) => {
    return [`f${index}`, { name: `f${index}`, unit: 'thing', kind: 'usage', prices }] as const;
  });
  const pricing: PriceBook = { currency: 'USD', meters: new Map(meters), overrides: new Map() };
  const reads: FeatureRead[] = [];
  const context: ConditionContext = {
    pricing,
    lists: new Map(),
    brokenLists: new Set(),
    ownUnit: { kind: 'count', name: 'count' },
    isLive: false,
    reads,
    usedNames: new Set(),
    usedLists: new Set(),
    report: (_offset, _code, message) => {
      throw new Error(message);
    },
  };
  const text = rule.map(({ fact, limit }) => `sum('f${fact}', '1h') >= ${limit}`).join(' && ');
  const result = compileCondition('when', text, context);
  if (result === undefined) throw new Error(`${text} does not compile`);
  const facts = reads.map(({ source }) => {
    return source.kind === 'sum' ? Number(source.definition.meter?.slice(1)) : Number.NaN;
  });
  return { condition: result.condition, facts };
}

async function jsonRulesEngineOf(
  rules: readonly (readonly Comparison[])[],
): Promise<(facts: readonly number[]) => Promise<number>> {
  const engine = new Engine();
  for (const [index, rule] of rules.entries()) {
    const all = rule.map(({ fact, limit }) => ({ fact: `f${fact}`, operator: 'greaterThanInclusive', value: limit }));
    engine.addRule({ name: `r${index}`, conditions: { all }, event: { type: `r${index}` } });
  }
  // Its result holds every rule with the outcome of its conditions: the trace is part of the run.
  return async (facts) => {
    const { results } = await engine.run(Object.fromEntries(facts.map((value, index) => [`f${index}`, value])));
    return results.length;
  };
}

function zenOf(rules: readonly (readonly Comparison[])[]): (facts: readonly number[]) => Promise<number> {
  const expressions = rules.map((rule, index) => ({
    id: `e${index}`,
    key: `r${index}`,
    value: rule.map(({ fact, limit }) => `f${fact} >= ${limit}`).join(' and '),
  }));
  const decision = new ZenEngine().createDecision({
    nodes: [
      { id: 'in', name: 'in', type: 'inputNode', position: { x: 0, y: 0 } },
      {
        id: 'rules',
        name: 'rules',
        type: 'expressionNode',
        position: { x: 0, y: 0 },
        content: { expressions },
      },
      { id: 'out', name: 'out', type: 'outputNode', position: { x: 0, y: 0 } },
    ],
    edges: [
      { id: 'a', sourceId: 'in', targetId: 'rules', type: 'edge' },
      { id: 'b', sourceId: 'rules', targetId: 'out', type: 'edge' },
    ],
  });
  return async (facts) => {
    const input = Object.fromEntries(facts.map((value, index) => [`f${index}`, value]));
    const { result } = await decision.evaluate(input, { trace: true });
    return Object.values(result).filter((value) => value === true).length;
  };
}
