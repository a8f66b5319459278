import type { Detector } from '../detectors/detector.ts';
import { DETECTORS, FLEET_DETECTORS, STREAM_DETECTORS } from '../detectors/index.ts';
import type { FeatureUnit } from '../features/feature-unit.ts';
import { checkShape } from './check-shape.ts';
import { compileConditions, type KnownLists, type RuleConditions } from './compile-conditions.ts';
import { createCompileContext, take } from './compile-context.ts';
import type { CompiledRule, RuleTest } from './compiled-rule.ts';
import { suggest } from './did-you-mean.ts';
import { parseFeature } from './feature-name.ts';
import { readGiven } from './given.ts';
import type { PriceBook } from './price-book.ts';
import { looseRuleShape, type RuleDocument, ruleShapeFor } from './rule-schema.ts';
import { parseSay, SAY_FIELDS, type SayTemplate } from './say.ts';
import { parseSeries } from './series.ts';
import { parseDate, parseDuration } from './units.ts';
import type { YamlSource } from './yaml-source.ts';

/** A compiled rule that does not yet know its feature's place in the spec. */
export type UnplacedRule = Omit<CompiledRule, 'featureIndex' | 'readIndexes'>;

/** What rules are checked against; prices undefined when the price book itself did not load. */
export interface RuleContext {
  readonly pricing: PriceBook | undefined;
  readonly lists: KnownLists;
  /** For overdue review dates; undefined skips the check. */
  readonly nowMs: number | undefined;
}

/** Checks and compiles one rule file. Problems are reported on the source; undefined when there are any. */
export function compileRule(source: YamlSource, context: RuleContext): UnplacedRule | undefined {
  const errorsBefore = source.errors.length;
  const detector = findDetector(source);
  const checked = checkShape<unknown>(source, detector === undefined ? looseRuleShape : ruleShapeFor(detector));
  if (checked === undefined) return undefined;
  // Checked against its detector's own keys above; the loose form is the part all detectors share.
  const document = looseRuleShape.parse(checked);

  checkName(source, document);
  checkLive(source, document, context.nowMs);
  const onceMs = take(source, ['once', 'for'], parseDuration(document.once.for));
  const { pricing } = context;
  const feature =
    pricing === undefined ? undefined : take(source, ['detect', 'of'], parseFeature(document.detect.of, pricing));
  const conditions =
    pricing === undefined || feature === undefined
      ? undefined
      : compileConditions(source, document, { unit: feature.unit, pricing, known: context.lists });
  const template = compileSay(source, document.say, conditions);
  if (detector === undefined || pricing === undefined || feature === undefined || conditions === undefined) {
    return undefined;
  }
  const { kind, of: _of, ...params } = document.detect;
  const compiled = detector.compile(params, createCompileContext(source, ['detect'], feature.unit));
  const tests = compileTests(source, document, feature.unit, { conditions, currency: pricing.currency });
  if (source.errors.length > errorsBefore || compiled === undefined || onceMs === undefined) return undefined;
  return {
    id: document.id,
    title: document.title,
    why: document.why ?? '',
    owner: document.owner ?? '',
    mode: document.mode,
    score: document.score,
    kind,
    feature: feature.definition.name,
    definition: { ...feature.definition, fineMax: compiled.bucket === 'five_minutes' ? compiled.windowBuckets : 0 },
    clock: feature.definition.clock,
    unit: feature.unit,
    detector: compiled,
    when: conditions.when,
    unless: conditions.unless,
    reads: conditions.reads,
    say: template,
    once: { forMs: onceMs, againIf: document.once.again_if },
    tests,
    path: source.path,
  };
}

function findDetector(source: YamlSource): Detector | undefined {
  const value = source.value;
  if (typeof value !== 'object' || value === null || !('detect' in value)) return undefined;
  const { detect } = value;
  if (typeof detect !== 'object' || detect === null || !('kind' in detect)) return undefined;
  if (typeof detect.kind !== 'string') return undefined;
  const known = DETECTORS.find((detector) => detector.kind === detect.kind);
  if (known === undefined) {
    const kinds = [...DETECTORS, ...STREAM_DETECTORS, ...FLEET_DETECTORS].map(({ kind }) => kind);
    source.report(
      ['detect', 'kind'],
      'RULE-NAME-005',
      `${JSON.stringify(detect.kind)} is not a kind of detection.`,
      suggest(detect.kind, kinds),
    );
  }
  return known;
}

/** A rule is found by its file. */
export function checkName(source: YamlSource, document: Pick<RuleDocument, 'id'>): void {
  const file = source.path
    .split('/')
    .at(-1)
    ?.replace(/\.ya?ml$/, '');
  if (file === document.id) return;
  source.report(['id'], 'RULE-NAME-006', `id: ${document.id} in ${file}.yaml.`, `id: ${file}, or rename the file`);
}

/** What a rule needs before it may act, and whether somebody should look at it again. */
export function checkLive(
  source: YamlSource,
  document: Omit<RuleDocument, 'tests' | 'detect'>,
  nowMs: number | undefined,
): void {
  if (document.review_by !== undefined) {
    const reviewMs = take(source, ['review_by'], parseDate(document.review_by));
    if (reviewMs !== undefined && nowMs !== undefined && reviewMs < nowMs && document.mode !== 'retired') {
      source.warn(
        ['review_by'],
        'RULE-SAFE-006',
        `It was to be reviewed by ${document.review_by}.`,
        'look at its results, then move the date',
      );
    }
  }
  if (document.mode !== 'live') return;
  if (document.owner === undefined) {
    source.report(['mode'], 'RULE-SAFE-003', 'A live rule needs somebody who answers for it.', 'add owner:');
  }
  if (document.why === undefined) {
    source.report(['mode'], 'RULE-SAFE-004', "A live rule says why it is worth somebody's time.", 'add why:');
  }
  if (document.review_by === undefined) {
    source.report(['mode'], 'RULE-SAFE-005', 'A live rule is looked at again some day.', 'add review_by: with a date');
  }
}

// Fields an analyst would reach for that hold text a customer chose. An alert ends up in HTML, CSV and Slack.
const CUSTOMER_TEXT = new Set(['account', 'source', 'meter', 'properties', 'key']);

/** The sentence of a rule, checked. */
export function compileSay(source: YamlSource, text: string, conditions: RuleConditions | undefined): SayTemplate {
  const reads = conditions?.reads.map(({ field }) => field) ?? [];
  const { template, unknown } = parseSay(text, reads);
  for (const word of unknown) {
    if (CUSTOMER_TEXT.has(word)) {
      const message = `{${word}} is text a customer chose; say has numbers only.`;
      source.report(['say'], 'RULE-SAFE-007', message, 'remove it; every alert names the account beside the sentence');
    } else if (conditions !== undefined) {
      const fields = [...Object.keys(SAY_FIELDS), ...reads];
      source.report(['say'], 'RULE-NAME-004', `${JSON.stringify(word)} is not a field of say.`, suggest(word, fields));
    }
  }
  if (/[<>]/.test(text)) {
    source.report(
      ['say'],
      'RULE-SAFE-007',
      'say is plain text; < and > read as markup in a mail or page.',
      'write "above" or "below"',
    );
  }
  return template;
}

function compileTests(
  source: YamlSource,
  document: RuleDocument,
  unit: FeatureUnit,
  context: { readonly conditions: RuleConditions; readonly currency: string },
): RuleTest[] {
  const tests: RuleTest[] = [];
  const names = new Set<string>();
  for (const [index, test] of document.tests.entries()) {
    const at = ['tests', index];
    if (names.has(test.name)) {
      source.report(
        [...at, 'name'],
        'RULE-TEST-006',
        `${JSON.stringify(test.name)} names a test above as well.`,
        'say what differs',
      );
    }
    names.add(test.name);
    const series = take(source, [...at, 'series'], parseSeries(test.series, unit));
    const given = readGiven(source, [...at, 'given'], test.given ?? {}, context);
    if (series !== undefined) tests.push({ name: test.name, series, given, expect: test.expect, ...source.locate(at) });
  }
  checkTestKinds(source, document);
  return tests;
}

/** A rule shows that it fires, that it stays quiet, and when it cannot say. */
export function checkTestKinds(
  source: YamlSource,
  document: { readonly mode: string; readonly tests: readonly { readonly expect: string }[] },
): void {
  if (document.mode === 'retired') return;
  const needed = [
    ['fires', 'RULE-TEST-001', 'must fire'],
    ['quiet', 'RULE-TEST-002', 'must stay quiet'],
    ['inconclusive', 'RULE-TEST-003', 'is inconclusive'],
  ] as const;
  for (const [expect, code, words] of needed) {
    if (document.tests.some((test) => test.expect === expect)) continue;
    source.report(source.locateKey(['tests']), code, `No test ${words}.`, `add a case with expect: ${expect}`);
  }
}
