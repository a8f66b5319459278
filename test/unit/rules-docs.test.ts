import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadRuleset } from '../../src/domain/rules/ruleset.ts';

const page = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text);

test('the files on the page about rules load together, and their tests pass', () => {
  const places = [
    ['id: leaked-key-burst', 'rules/leaked-key-burst.yaml'],
    ['entries:', 'rules/lists/trusted.yaml'],
    ['bands:', 'rules/ruleset.yaml'],
    ['meters:', 'rules/pricing.yaml'],
  ] as const;
  const files = places.map(([mark, path]) => ({ path, text: blocks.find((block) => block.includes(mark)) ?? '' }));
  const result = loadRuleset(files);
  expect(result.ok ? [] : result.errors).toEqual([]);
  expect(result.ok && result.ruleset.judgedRules.map(({ id }) => id)).toEqual(['leaked-key-burst']);
  expect(result.ok && result.ruleset.planned?.get('acct_7f3a')).toHaveLength(1);
});
