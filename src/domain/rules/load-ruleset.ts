import { FEATURES_MAX } from '../features/feature-spec.ts';
import { checkChange } from './check-change.ts';
import { checkRulesTogether, type SourcedRule } from './check-ruleset.ts';
import type { KnownLists } from './compile-conditions.ts';
import type { UnplacedRule } from './compile-rule.ts';
import { compileAnyRule } from './compile-shown-rule.ts';
import { hashFiles, ruleFileName } from './hash-files.ts';
import { checkListUse, readList } from './list-file.ts';
import type { RuleList } from './lists.ts';
import { compareLoadErrors, type RuleLoadError } from './load-error.ts';
import { hasTooManyFeatures, placeRules } from './place-rules.ts';
import { checkPlannedUse } from './planned-file.ts';
import type { PriceBook } from './price-book.ts';
import { readPricing } from './pricing-file.ts';
import type { Ruleset } from './ruleset.ts';
import { readSettings, type Settings } from './ruleset-file.ts';
import { canRunTests, failingTests, TESTS_MAX } from './run-rule-tests.ts';
import { parseYamlSource, type YamlSource } from './yaml-source.ts';
import { LIST_BYTES_MAX } from './yaml-text-checks.ts';

/** One file as an adapter read it. */
export interface RuleFile {
  readonly path: string;
  readonly text: string;
}

export interface LoadOptions {
  /** Run the tests inside the files; a failing one is a load error. Default true. */
  readonly runTests?: boolean;
  /** Warns about review dates before this moment. */
  readonly nowMs?: number;
  /** What these files are to replace: says what must not change while a service runs. */
  readonly inForce?: Ruleset;
}

export type LoadResult =
  | { readonly ok: true; readonly ruleset: Ruleset; readonly warnings: readonly RuleLoadError[] }
  | { readonly ok: false; readonly errors: readonly RuleLoadError[]; readonly warnings: readonly RuleLoadError[] };

/**
 * Checks and compiles all files of a ruleset: `ruleset.yaml`, `pricing.yaml`, and one file per rule. Either everything
 * loads or all errors are returned at once; a half-loaded ruleset would guard less than it seems to.
 */
export function loadRuleset(files: readonly RuleFile[], options: LoadOptions = {}): LoadResult {
  const { sources, errors } = parseFiles(files);
  const pricingSource = sources.get('pricing.yaml');
  const settingsSource = sources.get('ruleset.yaml');
  const pricing = pricingSource === undefined ? undefined : readPricing(pricingSource);
  const { nowMs, inForce } = options;
  const settings = settingsSource === undefined ? undefined : readSettings(settingsSource, { pricing, nowMs });
  const lists = readLists(sources, nowMs);

  const rules: SourcedRule[] = [];
  for (const [name, source] of sources) {
    if (name === 'pricing.yaml' || name === 'ruleset.yaml' || name.startsWith(LISTS)) continue;
    const rule = compileAnyRule(source, { pricing, lists, nowMs });
    if (rule !== undefined) rules.push({ rule, source });
  }
  if (settingsSource !== undefined) {
    checkRulesTogether(rules, settings?.bands, settingsSource);
    const features = new Set(rules.map(({ rule }) => rule.feature));
    checkPlannedUse(settingsSource, settings?.plannedOf ?? [], features);
  }
  checkListUse(lists.sourced, lists.used, nowMs);
  if (inForce !== undefined) checkChange({ rules, pricing, pricingSource }, inForce);

  for (const source of sources.values()) errors.push(...source.errors);
  const warnings = [...sources.values()].flatMap((source) => source.warnings).sort(compareLoadErrors);
  if (errors.length > 0 || pricing === undefined || settings === undefined) return refuse(errors, warnings);

  const ruleset = assemble({ files, rules, pricing, settings });
  errors.push(...checkSize(ruleset));
  if (options.runTests !== false) {
    if (canRunTests(ruleset)) errors.push(...[...failingTests(ruleset)].filter((error) => error !== undefined));
    else warnings.push(testsNotRun());
  }
  return errors.length > 0 ? refuse(errors, warnings) : { ok: true, ruleset, warnings };
}

function refuse(errors: RuleLoadError[], warnings: RuleLoadError[]): LoadResult {
  return { ok: false, errors: errors.sort(compareLoadErrors), warnings };
}

function parseFiles(files: readonly RuleFile[]): { sources: Map<string, YamlSource>; errors: RuleLoadError[] } {
  const sources = new Map<string, YamlSource>();
  const errors: RuleLoadError[] = [];
  // The order of files is an accident of the file system; findings must not depend on it.
  const ordered = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, text } of ordered) {
    const name = ruleFileName(path);
    if (!name.endsWith('.yaml')) {
      if (!name.endsWith('.yml')) continue;
      const message = `${name} would be overlooked.`;
      errors.push({
        code: 'RULE-SHAPE-024',
        path,
        line: 1,
        col: 1,
        message,
        fix: `rename it to ${name.slice(0, -4)}.yaml`,
      });
    } else if (sources.has(name)) {
      const message = `${name} is also ${sources.get(name)?.path}.`;
      errors.push({ code: 'RULE-SHAPE-022', path, line: 1, col: 1, message, fix: 'keep one, or rename it' });
    } else sources.set(name, parseYamlSource(path, text, name.startsWith(LISTS) ? LIST_BYTES_MAX : undefined));
  }
  for (const name of ['pricing.yaml', 'ruleset.yaml']) {
    if (sources.has(name)) continue;
    const message = `There is no ${name}.`;
    errors.push({
      code: 'RULE-SHAPE-021',
      path: name,
      line: 1,
      col: 1,
      message,
      fix: `add rules/${name}; the shipped one is a start`,
    });
  }
  return { sources, errors };
}

interface Parts {
  readonly files: readonly RuleFile[];
  readonly rules: readonly SourcedRule[];
  readonly pricing: PriceBook;
  readonly settings: Settings;
}

function assemble({ files, rules, pricing, settings }: Parts): Ruleset {
  const unplaced = rules.map(({ rule }) => rule);
  const isJudged = (mode: string) => mode === 'live' || mode === 'shadow';
  // Drafts and retired rules cost accounts nothing: their features are not kept.
  const judged = placeRules(
    unplaced.filter(({ mode }) => isJudged(mode)),
    pricing,
  );
  const others = unplaced
    .filter(({ mode }) => !isJudged(mode))
    .map((rule) => ({ ...rule, featureIndex: -1, readIndexes: [] }));
  return {
    hash: hashFiles(files),
    files,
    rules: [...judged.rules, ...others].sort((a, b) => (a.id < b.id ? -1 : 1)),
    judgedRules: judged.rules,
    bands: settings.bands,
    features: judged.features,
    pricing,
    overdraftNanos: settings.overdraftNanos,
    warningFreezeHours: settings.warningFreezeHours,
    review: settings.review,
    freeze: { hours: settings.freezeHours, perDayMax: settings.freezesPerDayMax },
    budgets: { alertsPerDay: settings.alertsPerDay },
    costs: settings.costs,
    caps: settings.caps,
    planned: settings.planned,
    ...(settings.shadowStreams === 'live' ? {} : { inLanes: withoutShadowStreams(unplaced, pricing) }),
  };
}

/** What lanes run when shadow rules that are shown every event are left to backtests. */
function withoutShadowStreams(rules: readonly UnplacedRule[], pricing: PriceBook): NonNullable<Ruleset['inLanes']> {
  const isRun = ({ mode, shown }: UnplacedRule) => mode === 'live' || (mode === 'shadow' && shown === undefined);
  const { rules: judgedRules, features } = placeRules(rules.filter(isRun), pricing);
  return { judgedRules, features };
}

function checkSize(ruleset: Ruleset): RuleLoadError[] {
  if (!hasTooManyFeatures(ruleset.features)) return [];
  const message = `Rules look at ${ruleset.features.features.length} features; an account keeps ${FEATURES_MAX}.`;
  const path = ruleset.judgedRules[0]?.path ?? 'rules';
  return [{ code: 'RULE-LOGIC-011', path, line: 1, col: 1, message, fix: 'retire rules, or let them share features' }];
}

function testsNotRun(): RuleLoadError {
  const message = `There are more than ${TESTS_MAX} tests, so loading ran none of them.`;
  const fix = 'run `tollkeeper rules test` before a change goes out';
  return { code: 'RULE-TEST-010', path: 'rules/ruleset.yaml', line: 1, col: 1, message, fix };
}

const LISTS = 'lists/';

function readLists(sources: ReadonlyMap<string, YamlSource>, nowMs: number | undefined) {
  const sourced: { list: RuleList; source: YamlSource }[] = [];
  const broken = new Set<string>();
  for (const [path, source] of sources) {
    if (!path.startsWith(LISTS)) continue;
    const name = path.slice(LISTS.length, -'.yaml'.length);
    const list = readList(source, name, nowMs);
    if (list === undefined) broken.add(name);
    else sourced.push({ list, source });
  }
  const lists = new Map(sourced.map(({ list }) => [list.name, list]));
  return { lists, broken, used: new Set<string>(), sourced } satisfies KnownLists & { sourced: unknown };
}
