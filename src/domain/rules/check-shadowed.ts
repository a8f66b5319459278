import { type Band, bandFor } from './band.ts';
import type { SourcedRule } from './check-ruleset.ts';

const SCORE_MAX = 100;

/**
 * Warns of a live rule that fires only when another live rule does, and whose points then change nothing: it looks like a
 * second pair of eyes and is none.
 */
export function checkShadowed(rules: readonly SourcedRule[], bands: readonly Band[]): void {
  const alike = new Map<string, Shape[]>();
  for (const sourced of rules) {
    const shape = shapeOf(sourced);
    if (shape === undefined) continue;
    const group = alike.get(shape.key) ?? [];
    group.push(shape);
    alike.set(shape.key, group);
  }
  for (const group of alike.values()) {
    // Rules of one feature and window are few; thousands of them are somebody's generator, and compared with its first.
    const wider = group.slice(0, 50);
    for (const narrow of group) {
      const wide = wider.find((other) => covers(other, narrow) && addsNothing(other, narrow, bands));
      if (wide === undefined) continue;
      const { rule, source } = narrow.sourced;
      const id = wide.sourced.rule.id;
      const message = `Whenever ${rule.id} fires, ${id} fires as well, and its ${rule.score} points more lead to the same outcome.`;
      source.warn(['score'], 'RULE-LOGIC-015', message, 'remove it, or give it points enough for the next band');
    }
  }
}

interface Shape {
  readonly sourced: SourcedRule;
  /** Everything of `detect` but its limits, and the conditions. */
  readonly key: string;
  readonly limits: readonly number[];
}

// Numbers that make a rule fire less often when they are higher.
const LIMITS = ['threshold', 'times', 'limit'] as const;

function shapeOf(sourced: SourcedRule): Shape | undefined {
  const { rule, source } = sourced;
  if (rule.mode !== 'live' || !isRecord(source.value)) return undefined;
  const { detect, when, unless } = source.value;
  if (!isRecord(detect)) return undefined;
  const limits: number[] = [];
  const rest: Record<string, unknown> = { ...detect };
  for (const name of LIMITS) {
    const value = detect[name];
    if (typeof value !== 'number') continue;
    limits.push(value);
    rest[name] = 0;
  }
  return { sourced, key: JSON.stringify([rest, when, unless]), limits };
}

function covers(wide: Shape, narrow: Shape): boolean {
  if (wide === narrow) return false;
  const pairs = narrow.limits.map((limit, index) => limit - (wide.limits[index] ?? 0));
  return pairs.every((more) => more >= 0) && pairs.some((more) => more > 0);
}

function addsNothing(wide: Shape, narrow: Shape, bands: readonly Band[]): boolean {
  const alone = wide.sourced.rule.score;
  const both = Math.min(SCORE_MAX, alone + narrow.sourced.rule.score);
  if (bands.at(-1)?.to !== SCORE_MAX) return false;
  return bandFor(bands, alone).outcome === bandFor(bands, both).outcome;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
