import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RULE_ERROR_CODES } from '../../src/domain/rules/load-error-codes.ts';
import { loadRuleset, type RuleLoadError } from '../../src/domain/rules/ruleset.ts';
import { BURST_RULE, PRICING, SETTINGS, Z_RULE } from '../unit/rules-samples.ts';

const FILES = [
  { path: 'rules/sample.yaml', text: Z_RULE },
  { path: 'rules/burst.yaml', text: BURST_RULE },
  { path: 'rules/ruleset.yaml', text: SETTINGS },
  { path: 'rules/pricing.yaml', text: PRICING },
];

const edit = fc.record({
  file: fc.nat(FILES.length - 1),
  at: fc.nat(2_000),
  remove: fc.nat(12),
  insert: fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.constantFrom(
      ': ',
      '- ',
      '\n',
      '{',
      ']',
      '&a',
      '*a',
      '<<: ',
      '__proto__: 1\n',
      '-1',
      '1e9',
      'null',
      '!!set ',
      '"',
      '|',
      '%',
    ),
  ),
});

function apply(text: string, { at, remove, insert }: { at: number; remove: number; insert: string }): string {
  const start = at % (text.length + 1);
  return text.slice(0, start) + insert + text.slice(start + remove);
}

function isPlaced(error: RuleLoadError): boolean {
  return Object.hasOwn(RULE_ERROR_CODES, error.code) && error.line >= 1 && error.col >= 1 && error.fix !== '';
}

describe('loading damaged files', () => {
  it('never throws: it loads, or names a place, a code and a fix', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const files = FILES.map(({ path, text }, index) => ({
          path,
          text: edits.filter(({ file }) => file === index).reduce(apply, text),
        }));
        const result = loadRuleset(files, { runTests: false });
        if (result.ok) return;
        refused++;
        expect(result.errors.length).toBeGreaterThan(0);
        expect(result.errors.filter((error) => !isPlaced(error))).toEqual([]);
      }),
      { seed: 41, numRuns: 1_500, interruptAfterTimeLimit: 8_000 },
    );
    expect(refused).toBeGreaterThan(500);
  });
});
