import { type Figure, findFigures } from './figures.ts';
import { foldText } from './fold-text.ts';
import type { Language } from './number-words.ts';
import { BOUND_WORDS, TONE_WORDS } from './tone-words.ts';

/** A text with `{{name}}` where facts belong. The fixed words hold no figure of their own. */
export interface SlottedText {
  readonly language: Language;
  readonly template: string;
  /** What fills each slot, ready for the reader. */
  readonly values: Readonly<Record<string, string>>;
}

/** Why a rewrite is not used; the template is delivered instead. */
export type RewriteProblem =
  | { readonly what: 'unknown_slot' | 'broken_slot' | 'missing_slot'; readonly found: string }
  | { readonly what: 'figure' | 'trick' | 'word' | 'too_long'; readonly found: string }
  | { readonly what: 'meaning'; readonly found: string };

export type RewriteResult =
  | { readonly status: 'rewritten'; readonly template: string; readonly text: string }
  | { readonly status: 'template'; readonly text: string; readonly problems: readonly RewriteProblem[] };

const SLOT = /\{\{([a-z][a-zA-Z0-9_]*)\}\}/g;
const GROWTH_MAX = 2;
const SPARE_CHARACTERS = 200;

/** The text with every slot filled; a slot without a value throws, because a template of ours is wrong then. */
export function fillSlots({ template, values }: Pick<SlottedText, 'template' | 'values'>): string {
  return template.replace(SLOT, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw new Error(`the template names {{${name}}}, which has no value`);
    return value;
  });
}

/**
 * Takes a rewrite of a slotted text only when nothing but its tone can have changed, and fills it; otherwise the filled
 * template is returned with the reasons. Whoever rewrites sees slots and never values, so no figure can be altered. What
 * is held to:
 *
 * - every slot of the template, in the same order, and no other;
 * - no figure, name of a day or currency outside slots, no trick of characters;
 * - only words of the template and of a closed list of friendly and joining words, so no claim can be added;
 * - the words that carry meaning (`not`, `usually`, `until`, `before`, `more`, `refunded` …) stay the same, in the same order
 *   between the same slots, so that no figure gets another meaning and no sentence turns into its opposite.
 */
export function checkRewrite(slotted: SlottedText, rewrite: string): RewriteResult {
  const { template, language } = slotted;
  const problems = [...slotProblems(template, rewrite), ...wordProblems(template, rewrite, language)];
  if (rewrite.length > template.length * GROWTH_MAX + SPARE_CHARACTERS)
    problems.push({ what: 'too_long', found: `${rewrite.length} characters` });
  if (problems.length === 0) {
    const [before, after] = [skeleton(template, language), skeleton(rewrite, language)];
    const at = before.findIndex((part, index) => part !== after[index]);
    if (at >= 0 || after.length !== before.length)
      problems.push({ what: 'meaning', found: (at >= 0 ? before[at] : after[before.length]) ?? '' });
  }
  if (problems.length > 0) return { status: 'template', text: fillSlots(slotted), problems };
  return { status: 'rewritten', template: rewrite, text: fillSlots({ template: rewrite, values: slotted.values }) };
}

function slotProblems(template: string, rewrite: string): RewriteProblem[] {
  const wanted = Array.from(template.matchAll(SLOT), ([, name = '']) => name);
  const given = Array.from(rewrite.matchAll(SLOT), ([, name = '']) => name);
  const problems: RewriteProblem[] = [];
  if (/[{}]/.test(rewrite.replace(SLOT, ''))) problems.push({ what: 'broken_slot', found: 'a brace outside a slot' });
  for (const name of given) if (!wanted.includes(name)) problems.push({ what: 'unknown_slot', found: name });
  for (const name of new Set(wanted)) {
    const times = (list: readonly string[]) => list.filter((one) => one === name).length;
    if (times(given) !== times(wanted)) problems.push({ what: 'missing_slot', found: name });
  }
  return problems;
}

function wordProblems(template: string, rewrite: string, language: Language): RewriteProblem[] {
  const bare = (text: string) => text.replace(SLOT, ' \n ');
  const { figures, tricks } = findFigures(bare(rewrite), language);
  const known = new Set(findFigures(bare(template), language).figures.map(({ key }) => key));
  const isNew = ({ key }: Figure) => !known.has(key);
  const allowed = new Set([...wordsOf(bare(template)), ...TONE_WORDS[language]]);
  const unknown = wordsOf(bare(rewrite)).filter((word) => !allowed.has(word));
  const odd = foldText(bare(rewrite), language).text.match(/[^\p{L}\p{N}\s.,;:!?'"()“”„‘’…*·–/-]/gu) ?? [];
  return [
    ...tricks.map(({ found }) => ({ what: 'trick' as const, found: found.slice(0, 40) })),
    ...figures.filter(isNew).map(({ text }) => ({ what: 'figure' as const, found: text.slice(0, 40) })),
    ...[...unknown, ...odd].map((found) => ({ what: 'word' as const, found: found.slice(0, 40) })),
  ];
}

function wordsOf(text: string): readonly string[] {
  return Array.from(text.toLowerCase().matchAll(/[\p{L}\p{N}][\p{L}\p{N}'’]*/gu), ([word]) => word.replace('’', "'"));
}

/** Slots and the words that carry meaning, in the order they are read, with ends of sentences that hold any. */
function skeleton(text: string, language: Language): readonly string[] {
  const bound = BOUND_WORDS[language];
  const parts: string[] = [];
  const tokens = text.matchAll(/\{\{[a-zA-Z0-9_]+\}\}|[\p{L}\p{N}][\p{L}\p{N}'’]*|[.!?](?=\s|$)/gu);
  for (const [token] of tokens) {
    const word = token.toLowerCase().replace('’', "'");
    if (token.startsWith('{{')) parts.push(token);
    else if (/^[.!?]$/.test(token)) {
      if (parts.length > 0 && parts.at(-1) !== '.') parts.push('.');
    } else if (!TONE_WORDS[language].has(word) || bound.has(word)) {
      if (bound.has(word) || isVerbOfNote(word)) parts.push(word);
    }
  }
  if (parts.at(-1) === '.') parts.pop();
  return parts;
}

/** Endings of things that have happened: `refunded`, `eingezogen`. */
function isVerbOfNote(word: string): boolean {
  return /(?:ed|n't)$/.test(word);
}
