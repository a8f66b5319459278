import { FLEET_DETECTORS, STREAM_DETECTORS } from '../detectors/index.ts';
import type { FeatureUnit } from '../features/feature-unit.ts';
import { checkShape } from './check-shape.ts';
import { compileConditions } from './compile-conditions.ts';
import { createCompileContext, take } from './compile-context.ts';
import {
  checkLive,
  checkName,
  checkTestKinds,
  compileRule,
  compileSay,
  type RuleContext,
  type UnplacedRule,
} from './compile-rule.ts';
import type { RuleTest } from './compiled-rule.ts';
import { compileSteps } from './event-steps.ts';
import type { ShownRule } from './shown-rule.ts';
import {
  looseShownShape,
  SHOWN_DETECTORS,
  type ShownDetector,
  type ShownDocument,
  shownRuleShapeFor,
} from './shown-rule-schema.ts';
import { parseDuration } from './units.ts';
import type { YamlSource } from './yaml-source.ts';

/** The unit of everything these rules say: decades of rarity. */
const DECADES: FeatureUnit = { kind: 'count', name: 'decade' };

/** Checks and compiles a rule file of whatever kind. */
export function compileAnyRule(source: YamlSource, context: RuleContext): UnplacedRule | undefined {
  const detector = findShown(source.value);
  return detector === undefined ? compileRule(source, context) : compileShownRule(source, detector, context);
}

function findShown(value: unknown): ShownDetector | undefined {
  if (typeof value !== 'object' || value === null || !('detect' in value)) return undefined;
  const { detect } = value;
  if (typeof detect !== 'object' || detect === null || !('kind' in detect)) return undefined;
  return SHOWN_DETECTORS.find(({ kind }) => kind === detect.kind);
}

function compileShownRule(source: YamlSource, detector: ShownDetector, context: RuleContext): UnplacedRule | undefined {
  const errorsBefore = source.errors.length;
  const checked = checkShape<unknown>(source, shownRuleShapeFor(detector));
  if (checked === undefined) return undefined;
  const document = looseShownShape.parse(checked);
  checkName(source, document);
  checkLive(source, document, context.nowMs);
  const onceMs = take(source, ['once', 'for'], parseDuration(document.once.for));
  const { pricing } = context;
  if (pricing === undefined) return undefined;
  const conditions = compileConditions(source, document, { unit: DECADES, pricing, known: context.lists });
  const say = compileSay(source, document.say, conditions);
  const shown = compileDetector(source, detector, document);
  const compiledTests = compileEventTests(source, document);
  if (shown === undefined || onceMs === undefined || source.errors.length > errorsBefore) return undefined;
  const windowMs = shown.kind === 'stream' ? shown.stream.windowMs : shown.fleet.windowMs;
  return {
    id: document.id,
    title: document.title,
    why: document.why ?? '',
    owner: document.owner ?? '',
    mode: document.mode,
    score: document.score,
    kind: detector.kind,
    feature: 'rarity',
    definition: { name: 'rarity', source: 'events', fineMax: 0, clock: 'ingested' },
    clock: 'ingested',
    unit: DECADES,
    detector: noBuckets(windowMs),
    shown,
    when: conditions.when,
    unless: conditions.unless,
    reads: conditions.reads,
    say,
    once: { forMs: onceMs, againIf: document.once.again_if },
    tests: compiledTests,
    path: source.path,
  };
}

function compileDetector(source: YamlSource, detector: ShownDetector, document: ShownDocument): ShownRule | undefined {
  const { kind: _kind, ...params } = document.detect;
  const { rarity } = document.detect;
  const context = createCompileContext(source, ['detect'], DECADES);
  const streams = STREAM_DETECTORS.find(({ kind }) => kind === detector.kind);
  const stream = streams?.compile(params, context);
  if (stream !== undefined) return { kind: 'stream', stream, rarity, index: -1 };
  const fleet = FLEET_DETECTORS.find(({ kind }) => kind === detector.kind)?.compile(params, context);
  return fleet === undefined ? undefined : { kind: 'fleet', fleet, rarity };
}

function compileEventTests(source: YamlSource, document: ShownDocument): RuleTest[] {
  const compiled: RuleTest[] = [];
  for (const [index, test] of document.tests.entries()) {
    const at = ['tests', index];
    const events = compileSteps(source, [...at, 'events'], test.events);
    if (events === undefined) continue;
    const { name, expect } = test;
    compiled.push({ name, expect, series: [], events, given: new Map(), ...source.locate(at) });
  }
  checkTestKinds(source, document);
  return compiled;
}

// The judge asks every rule for its window; these have none.
function noBuckets(windowMs: number): UnplacedRule['detector'] {
  return {
    bucket: 'hour',
    windowBuckets: 0,
    windowMs,
    gapHours: 0,
    historyHours: 0,
    observedMin: 0,
    cutoffMin: () => Number.POSITIVE_INFINITY,
    usual: () => ({
      cutoff: Number.POSITIVE_INFINITY,
      missing: undefined,
      expected: 0,
      lower: 0,
      upper: 0,
      points: 0,
      zOf: () => undefined,
    }),
  };
}
