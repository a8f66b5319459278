import { describe, expect, it } from 'vitest';
import { OVERDRAFT_UNLIMITED } from '../../src/domain/ledger/wallet.ts';
import { RULE_ERROR_CODES } from '../../src/domain/rules/load-error-codes.ts';
import { formatRuleLoadError, loadRuleset, type RuleLoadError, type Ruleset } from '../../src/domain/rules/ruleset.ts';
import { CONDITION_CASES } from './rules-condition-error-cases.ts';
import { LIMIT_CASES } from './rules-limit-error-cases.ts';
import { type Case, SHAPE_CASES } from './rules-load-error-cases.ts';
import { REVIEW_CASES } from './rules-review-error-cases.ts';
import { BURST_RULE, PRICING, SETTINGS, Z_RULE } from './rules-samples.ts';

function change(text: string, changes: readonly (readonly [string, string])[] = []): string {
  let changed = text;
  for (const [from, to] of changes) {
    expect(changed, `the sample has no ${from}`).toContain(from);
    changed = changed.replace(from, () => to);
  }
  return changed;
}

const CASES: readonly Case[] = [...SHAPE_CASES, ...LIMIT_CASES, ...REVIEW_CASES, ...CONDITION_CASES];

function inForce(which: 'without sample' | 'in euros'): Ruleset {
  const isEuro = which === 'in euros';
  const inCurrency = (text: string) => (isEuro ? text.replaceAll('USD', 'EUR') : text);
  const files = [
    { path: 'rules/burst.yaml', text: inCurrency(BURST_RULE) },
    { path: 'rules/ruleset.yaml', text: inCurrency(SETTINGS) },
    { path: 'rules/pricing.yaml', text: inCurrency(PRICING) },
  ];
  const result = loadRuleset(files, { runTests: false });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

function findings(test: Omit<Case, 'at'>): readonly RuleLoadError[] {
  const { inForce: before, ...options } = test.options ?? {};
  const more = (test.more ?? []).map((file) =>
    'text' in file ? file : { path: file.path, text: change(Z_RULE, file.change) },
  );
  const result = loadRuleset(
    [
      ...[
        { path: 'rules/sample.yaml', text: change(Z_RULE, test.rule) },
        { path: 'rules/burst.yaml', text: change(BURST_RULE, test.burst) },
        { path: 'rules/ruleset.yaml', text: change(SETTINGS, test.settings) },
        { path: 'rules/pricing.yaml', text: change(PRICING, test.pricing) },
      ].filter(({ path }) => test.without?.includes(path) !== true),
      ...more,
    ],
    { ...options, ...(before === undefined ? {} : { inForce: inForce(before) }) },
  );
  if (test.isWarning === true) return result.warnings;
  return result.ok ? [] : result.errors;
}

function isRetired(meaning: string): boolean {
  return meaning.startsWith('retired: ');
}

const GROUPS: Readonly<Record<string, string>> = {
  SHAPE: 'Shape',
  NAME: 'Names',
  UNIT: 'Units',
  STAT: 'Statistics',
  LOGIC: 'Logic',
  CEL: 'Conditions',
  LIST: 'Lists',
  PLAN: 'Planned usage',
  REVIEW: 'Review by a language model',
  SAFE: 'Safety',
  TEST: 'Evidence',
};

/** Every code with its meaning, and what its first case says. */
function errorPage(): string {
  const lines = [
    '# What a ruleset is refused for',
    '',
    'Every code that `tollkeeper rules check` can give, with one mistake as an example. Codes are stable. *Warnings* keep',
    'nothing from loading. The [format](rules.md) explains the words.',
  ];
  const cell = (text: string) =>
    text
      .replaceAll('|', '\\|')
      .replaceAll('<', '&lt;')
      .replace(/[\u202e\n]/g, ' ');
  for (const [group, title] of Object.entries(GROUPS)) {
    lines.push('', `## ${title}`, '', '| code | meaning | an example says | fix |', '|---|---|---|---|');
    for (const [code, meaning] of Object.entries(RULE_ERROR_CODES)) {
      if (!code.startsWith(`RULE-${group}-`)) continue;
      const example = CASES.find((test) => test.code === code);
      const found = example === undefined ? undefined : findings(example).find((finding) => finding.code === code);
      const kind = example?.isWarning === true ? '*Warning:* ' : '';
      lines.push(`| ${code} | ${kind}${cell(meaning)} | ${cell(found?.message ?? '')} | ${cell(found?.fix ?? '')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
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
    expect(`${first.line}:${first.col}`).toBe(test.at);
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

  it('is shown as place, code, meaning, finding and fix', () => {
    const [error] = findings({ code: 'RULE-SHAPE-001', name: '', rule: [['mode: live', 'mode: alive']] });
    expect(error === undefined ? '' : formatRuleLoadError(error)).toBe(
      'rules/sample.yaml:5:7  RULE-SHAPE-020  a value is not one of the allowed words\n' +
        '  mode: "alive" is not allowed.\n' +
        '  Fix: did you mean live?',
    );
  });

  it('have a case with its place for every code', () => {
    const placed = new Set<string>(CASES.map(({ code }) => code));
    const given = Object.entries(RULE_ERROR_CODES).filter(([, meaning]) => !isRetired(meaning));
    expect(given.map(([code]) => code).filter((code) => !placed.has(code))).toEqual([]);
    expect(placed.size).toBeGreaterThanOrEqual(85);
  });

  it('keep their line when they are retired, and no case gives them', () => {
    const retired = Object.entries(RULE_ERROR_CODES).filter(([, meaning]) => isRetired(meaning));
    expect(retired.map(([code]) => code)).toEqual(['RULE-NAME-007', 'RULE-NAME-009']);
    expect(CASES.filter(({ code }) => retired.some(([gone]) => gone === code))).toEqual([]);
  });

  it('leave no number out: a code that is gone would be given again', () => {
    const numbers = new Map<string, number[]>();
    for (const code of Object.keys(RULE_ERROR_CODES)) {
      const [, group = '', number = ''] = code.split('-');
      numbers.set(group, [...(numbers.get(group) ?? []), Number(number)]);
    }
    for (const own of numbers.values()) expect(own).toEqual(own.map((_, index) => index + 1));
  });

  it('are listed in docs/rule-errors.md, with what each says', async () => {
    // When this fails: npx vitest run test/unit/rules-load-errors.test.ts -u
    const page = errorPage();
    expect(Object.keys(RULE_ERROR_CODES).filter((code) => !page.includes(`| ${code} |`))).toEqual([]);
    await expect(page).toMatchFileSnapshot('../../docs/rule-errors.md');
  });

  it('name every case differently', () => {
    const names = CASES.map(({ code, name }) => `${code} ${name}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});
