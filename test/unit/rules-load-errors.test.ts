import { describe, expect, it } from 'vitest';
import { OVERDRAFT_UNLIMITED } from '../../src/domain/ledger/wallet.ts';
import { RULE_ERROR_CODES } from '../../src/domain/rules/load-error-codes.ts';
import { formatRuleLoadError, loadRuleset, type RuleLoadError } from '../../src/domain/rules/ruleset.ts';
import { CASES, type Case } from './rules-load-error-cases.ts';
import { BURST_RULE, PRICING, SETTINGS, Z_RULE } from './rules-samples.ts';

function change(text: string, changes: readonly (readonly [string, string])[] = []): string {
  let changed = text;
  for (const [from, to] of changes) {
    expect(changed, `the sample has no ${from}`).toContain(from);
    changed = changed.replace(from, () => to);
  }
  return changed;
}

function findings(test: Case): readonly RuleLoadError[] {
  const result = loadRuleset(
    [
      { path: 'rules/sample.yaml', text: change(Z_RULE, test.rule) },
      { path: 'rules/burst.yaml', text: change(BURST_RULE, test.burst) },
      { path: 'rules/ruleset.yaml', text: change(SETTINGS, test.settings) },
      { path: 'rules/pricing.yaml', text: change(PRICING, test.pricing) },
    ],
    test.options,
  );
  if (test.isWarning === true) return result.warnings;
  return result.ok ? [] : result.errors;
}

describe('load errors', () => {
  it('accepts the samples that every case changes', () => {
    expect(findings({ code: 'RULE-SHAPE-001', name: '' })).toEqual([]);
  });

  it.each(CASES)('$code: $name', (test) => {
    const found = findings(test).filter(({ code }) => code === test.code);
    expect(found, JSON.stringify(findings(test))).not.toEqual([]);
    const [first] = found;
    if (first === undefined) return;
    if (test.at !== undefined) expect(`${first.line}:${first.col}`).toBe(test.at);
    if (test.says !== undefined) expect(`${first.message} ${first.fix}`).toContain(test.says);
  });

  it.each([
    ['none', 0n],
    ['unlimited', OVERDRAFT_UNLIMITED],
    ['0.00 USD', 0n],
    ['7.50 USD', 7_500_000_000n],
  ])('reads overdraft: %s', (text, nanos) => {
    const result = loadRuleset([
      { path: 'rules/sample.yaml', text: Z_RULE },
      { path: 'rules/ruleset.yaml', text: change(SETTINGS, [['overdraft: 5.00 USD', `overdraft: ${text}`]]) },
      { path: 'rules/pricing.yaml', text: PRICING },
    ]);
    expect(result.ok && result.ruleset.overdraftNanos).toBe(nanos);
  });

  it('shows every error of every file at once', () => {
    const result = loadRuleset([
      {
        path: 'rules/sample.yaml',
        text: change(Z_RULE, [
          ['score: 40', 'score: 400'],
          ['mode: live', 'mode: alive'],
        ]),
      },
      { path: 'rules/ruleset.yaml', text: change(SETTINGS, [['hours: 24', 'hours: 999']]) },
      { path: 'rules/pricing.yaml', text: change(PRICING, [['per 1000000', 'per 7']]) },
    ]);
    const codes = result.ok ? [] : result.errors.map(({ code }) => code);
    expect(codes).toEqual(['RULE-UNIT-011', 'RULE-SAFE-002', 'RULE-SHAPE-020', 'RULE-SHAPE-018']);
  });

  it('needs ruleset.yaml and pricing.yaml', () => {
    const result = loadRuleset([{ path: 'rules/sample.yaml', text: Z_RULE }]);
    expect(result.ok ? [] : result.errors.map(({ code }) => code)).toEqual(['RULE-SHAPE-021', 'RULE-SHAPE-021']);
  });

  it('refuses two files of one name, and a name that would be overlooked', () => {
    const result = loadRuleset([
      { path: 'rules/sample.yaml', text: Z_RULE },
      { path: 'rules/more/sample.yaml', text: Z_RULE },
      { path: 'rules/other.yml', text: Z_RULE },
      { path: 'rules/ruleset.yaml', text: SETTINGS },
      { path: 'rules/pricing.yaml', text: PRICING },
    ]);
    const codes = result.ok ? [] : result.errors.map(({ code }) => code);
    expect(codes).toEqual(['RULE-SHAPE-024', 'RULE-SHAPE-022']);
  });

  it('refuses rules that look at more than an account keeps', () => {
    const names = Array.from({ length: 31 }, (_, index) => `meter-${index}`);
    const meters = names.map((name) => `  - { name: ${name}, unit: thing, price: 1 USD }`).join('\n');
    const rules = names.map((name) => ({
      path: `rules/${name}.yaml`,
      text: change(Z_RULE, [
        ['id: sample', `id: ${name}`],
        ['of: spend', `of: quantity('${name}')`],
        ['20.00 USD', '20'],
      ]),
    }));
    const settings = { path: 'rules/ruleset.yaml', text: SETTINGS };
    const pricing = { path: 'rules/pricing.yaml', text: `currency: USD\nmeters:\n${meters}\n` };
    const result = loadRuleset([...rules, settings, pricing], { runTests: false });
    expect(result.ok ? [] : result.errors.map(({ code }) => code)).toEqual(['RULE-LOGIC-011']);
  });

  it('refuses two live rules that fire on the same', () => {
    const twin = change(Z_RULE, [['id: sample', 'id: twin']]);
    const files = [
      { path: 'rules/sample.yaml', text: Z_RULE },
      { path: 'rules/twin.yaml', text: twin },
      { path: 'rules/ruleset.yaml', text: SETTINGS },
      { path: 'rules/pricing.yaml', text: PRICING },
    ];
    const result = loadRuleset(files);
    expect(result.ok ? [] : result.errors.map(({ code }) => code)).toEqual(['RULE-LOGIC-008']);
  });

  it('is shown as place, code, meaning, finding and fix', () => {
    const [error] = findings({ code: 'RULE-SHAPE-001', name: '', rule: [['mode: live', 'mode: alive']] });
    expect(error === undefined ? '' : formatRuleLoadError(error)).toBe(
      'rules/sample.yaml:5:7  RULE-SHAPE-020  a value is not one of the allowed words\n' +
        '  mode: "alive" is not allowed.\n' +
        '  Fix: did you mean live?',
    );
  });

  it('has a case for every code', () => {
    const elsewhere = ['RULE-SHAPE-021', 'RULE-SHAPE-022', 'RULE-SHAPE-024', 'RULE-LOGIC-008', 'RULE-LOGIC-011'];
    const covered = new Set<string>([...CASES.map(({ code }) => code), ...elsewhere]);
    expect(Object.keys(RULE_ERROR_CODES).filter((code) => !covered.has(code))).toEqual([]);
  });
});
