import { describe, expect, it } from 'vitest';
import { loadRuleset, type RuleFile, type RuleLoadError } from '../../src/domain/rules/ruleset.ts';
import { PRICING, SETTINGS, Z_RULE } from './rules-samples.ts';

const BASE: readonly RuleFile[] = [
  { path: 'rules/ruleset.yaml', text: SETTINGS },
  { path: 'rules/pricing.yaml', text: PRICING },
];

function errorsOf(...files: readonly RuleFile[]): readonly RuleLoadError[] {
  const result = loadRuleset([...BASE, ...files], { runTests: false });
  return result.ok ? [] : result.errors;
}

function rule(text: string): RuleFile {
  return { path: 'rules/sample.yaml', text };
}

/** CPU seconds of this process; a busy machine changes them little. */
function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

describe('a hostile rule file', () => {
  it('of 5 MB is refused for its size, at once', () => {
    const file = rule(`why: ${'x'.repeat(5 * 1024 * 1024)}\n`);
    let errors: readonly RuleLoadError[] = [];
    const seconds = cpuSeconds(() => {
      errors = errorsOf(file);
    });
    expect(errors.map(({ code }) => code)).toEqual(['RULE-SHAPE-011']);
    expect(errors[0]?.message).toContain('5242886 bytes');
    expect(seconds).toBeLessThan(1);
  });

  it('with an alias bomb is refused without expanding it', () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const items = level === 0 ? 'lol' : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array(9).fill(items).join(', ')}]`;
    });
    const errors = errorsOf(rule(`${levels.join('\n')}\n${Z_RULE}`));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['RULE-SHAPE-010']));
    expect(errors[0]).toMatchObject({ line: 1, col: 9 });
  });

  it('whose id changes direction is refused at the character', () => {
    const [error] = errorsOf(rule(Z_RULE.replace('id: sample', 'id: sam\u202eelp')));
    expect(error).toMatchObject({ code: 'RULE-SHAPE-013', line: 1, col: 8 });
    expect(error?.message).toContain('U+202E');
  });

  it.each([
    ['parentheses without end', '('.repeat(1_900)],
    ['negations without end', '!'.repeat(1_900)],
    ['a string without end', `z > 4 && account == "${'a'.repeat(1_900)}`],
    ['a thousand additions', `${'z + '.repeat(480)}z > 4`],
    ['nested brackets', `account in ${'['.repeat(900)}`],
    ['a chain of names', `${'a.'.repeat(900)}b`],
    ['nothing but dashes', '-'.repeat(1_900)],
    ['numbers of many digits', `z > ${'9'.repeat(1_900)}`],
    ['a null byte in a text', 'account == "\\x00"'],
    ['a prototype', '__proto__ > 3 && constructor.name == "x" && toString()'],
  ])('with a condition of %s is refused, or loads, quickly', (_name, condition) => {
    const text = Z_RULE.replace('say:', () => `when: |\n  ${condition}\nsay:`);
    let errors: readonly RuleLoadError[] = [];
    const seconds = cpuSeconds(() => {
      errors = errorsOf(rule(text));
    });
    expect(errors.filter(({ line, col, fix }) => line < 1 || col < 1 || fix === '')).toEqual([]);
    expect(seconds).toBeLessThan(2);
  });

  it('cannot be many: 10,000 rules are checked in seconds', () => {
    const rules = Array.from({ length: 10_000 }, (_, index) => ({
      path: `rules/r-${index}.yaml`,
      text: Z_RULE.replace('id: sample', `id: r-${index}`)
        .replace('mode: live', index % 2 === 0 ? 'mode: live' : 'mode: shadow')
        .replace('threshold: 3.5', `threshold: ${3 + index / 10_000}`)
        .replace('say:', "when: spend('1h') > 20.00 USD\nsay:"),
    }));
    let result = loadRuleset([]);
    // The default would run the tests, of which there are too many: that is said, not done.
    const seconds = cpuSeconds(() => {
      result = loadRuleset([...BASE, ...rules]);
    });
    expect(result.ok).toBe(true);
    expect(result.warnings.some(({ code }) => code === 'RULE-TEST-010')).toBe(true);
    expect(seconds).toBeLessThan(30);
  }, 120_000);
});
