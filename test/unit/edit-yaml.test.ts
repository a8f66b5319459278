import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { setYamlValue } from '../../src/domain/rules/edit-yaml.ts';

const RULE = `# Why this file exists.
id: sample   # the name of the file

detect:
  kind: z_score
  # Fewer than 72 windows are noise.
  baseline: { from: 28d,   min_points: 72 } # flow
  threshold: 3.5     # chosen in March
say: "Spent {observed}:
  over two lines."
when: |
  spend('1h') > 20.00 USD
  && z > 4
tests:
  - { name: fires, series: "9x672 410", expect: fires }
  # the second
  - name: quiet
    expect: quiet
`;

describe('setting a value of a rule file', () => {
  it.each([
    [['detect', 'threshold'], 4.25, '3.5     #', '4.25     #'],
    [['detect', 'baseline', 'min_points'], 96, 'min_points: 72 }', 'min_points: 96 }'],
    [['detect', 'baseline', 'compare'], 'all', 'min_points: 72 }', 'min_points: 72, compare: all }'],
    [['id'], 'other', 'id: sample   #', 'id: other   #'],
    [['tests', 0, 'series'], '8x672 400', '"9x672 410"', '8x672 400'],
    [['tests', 1, 'expect'], 'fires', 'expect: quiet\n', 'expect: fires\n'],
    [['tests', 1, 'series'], '9x2', '    expect: quiet\n', '    expect: quiet\n    series: 9x2\n'],
    [['score'], 40, '    expect: quiet\n', '    expect: quiet\nscore: 40\n'],
    [['detect', 'floor'], '20.00 USD', '# chosen in March\n', '# chosen in March\n  floor: 20.00 USD\n'],
    [['say'], 'Short: {z}', '"Spent {observed}:\n  over two lines."', '"Short: {z}"'],
    [['id'], 'yes, no', 'id: sample', 'id: yes, no'],
    [['tests', 0, 'name'], 'a, b', 'name: fires,', 'name: "a, b",'],
    [['id'], '17', 'id: sample', 'id: "17"'],
  ] as const)('changes %j and nothing else', (at, value, from, to) => {
    expect(RULE).toContain(from);
    expect(setYamlValue(RULE, at, value)).toBe(RULE.replace(from, () => to));
  });

  it.each([[['detect', 'none', 'x']], [['detect', 'baseline']], [['tests', 7, 'name']], [[]]])(
    'refuses %j, which is no single value',
    (at) => {
      expect(() => setYamlValue(RULE, at, 1)).toThrow(RangeError);
    },
  );

  it('keeps every comment of the shipped rules, whatever number is written', () => {
    const folder = new URL('../../rules/', import.meta.url);
    const rules = readdirSync(folder).filter((name) => /\.yaml$/.test(name) && !/^(?:pricing|ruleset)/.test(name));
    fc.assert(
      fc.property(fc.constantFrom(...rules), fc.integer({ min: 1, max: 100 }), (name, score) => {
        const text = readFileSync(new URL(name, folder), 'utf8');
        const edited = setYamlValue(text, ['score'], score);
        expect(edited.replace(/^score: \d+/m, '')).toBe(text.replace(/^score: \d+/m, ''));
        expect(parseDocument(edited).get('score')).toBe(score);
      }),
      { seed: 5, numRuns: 100 },
    );
  });
});
