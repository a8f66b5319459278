import type { Band } from './band.ts';
import { checkShadowed } from './check-shadowed.ts';
import type { UnplacedRule } from './compile-rule.ts';
import type { YamlSource } from './yaml-source.ts';

/** A rule with the file it came from. */
export interface SourcedRule {
  readonly rule: UnplacedRule;
  readonly source: YamlSource;
}

/** Checks that need all rules together. */
export function checkRulesTogether(
  rules: readonly SourcedRule[],
  bands: readonly Band[] | undefined,
  settings: YamlSource,
): void {
  checkTwins(rules);
  if (bands === undefined) return;
  checkShadowed(rules, bands);
  const active = rules.filter(({ rule }) => rule.mode !== 'retired');
  const freeze = bands.find(({ outcome }) => outcome === 'freeze');
  const lowest = bands[1];
  for (const { rule, source } of active) {
    if (freeze !== undefined && rule.score >= freeze.from) {
      const message = `score: ${rule.score} reaches the freeze band (from ${freeze.from}) alone; one mistaken rule must not stop a customer.`;
      source.report(['score'], 'RULE-LOGIC-004', message, `score: ${freeze.from - 1} or less`);
    }
  }
  const judged = active.filter(({ rule }) => rule.mode !== 'draft').map(({ rule }) => rule.score);
  const total = Math.min(
    100,
    judged.reduce((sum, score) => sum + score, 0),
  );
  for (const { rule, source } of active) {
    if (lowest === undefined || rule.mode !== 'live' || total >= lowest.from) continue;
    const message = `score: ${rule.score} never leaves the ${bands[0]?.outcome} band, not even with every other rule.`;
    source.warn(['score'], 'RULE-LOGIC-007', message, `score: ${lowest.from} or more`);
  }
  const sums = reachableSums(judged);
  for (const [index, band] of bands.entries()) {
    if (index === 0 || judged.length === 0) continue;
    if (sums.some((sum) => sum >= band.from && sum <= band.to)) continue;
    const message = `No sum of the rules' scores lies in ${band.from} to ${band.to}.`;
    settings.warn(['bands', index], 'RULE-LOGIC-003', message, 'change the band, or the scores of the rules');
  }
}

function checkTwins(rules: readonly SourcedRule[]): void {
  const byDetect = new Map<string, UnplacedRule>();
  for (const { rule, source } of rules) {
    if (rule.mode !== 'live') continue;
    const key = JSON.stringify(detectOf(source.value));
    const twin = byDetect.get(key);
    if (twin !== undefined) {
      const message = `${rule.id} and ${twin.id} fire on exactly the same; one cause would count twice.`;
      source.report(['detect'], 'RULE-LOGIC-008', message, 'keep one');
    }
    byDetect.set(key, rule);
  }
}

function detectOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'detect' in value ? value.detect : undefined;
}

// Scores are whole numbers up to 100, so all sums fit a table of 101 entries.
function reachableSums(scores: readonly number[]): number[] {
  let sums = new Set([0]);
  for (const score of scores) sums = new Set([...sums, ...[...sums].map((sum) => Math.min(100, sum + score))]);
  return [...sums];
}
