import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fileSchemas } from '../../src/domain/rules/file-schemas.ts';
import { priceAt, pricesFor } from '../../src/domain/rules/price-book.ts';
import { loadRuleset, type RuleFile, type Ruleset } from '../../src/domain/rules/ruleset.ts';
import { runRuleTests } from '../../src/domain/rules/run-rule-tests.ts';

const folder = new URL('../../rules/', import.meta.url);

function shippedFiles(): RuleFile[] {
  return readdirSync(folder).map((name) => ({
    path: `rules/${name}`,
    text: readFileSync(new URL(name, folder), 'utf8'),
  }));
}

function shipped(): Ruleset {
  const result = loadRuleset(shippedFiles(), { runTests: false });
  if (!result.ok) throw new Error(JSON.stringify(result.errors, null, 1));
  expect(result.warnings).toEqual([]);
  return result.ruleset;
}

describe('the shipped rules', () => {
  it('load without errors or warnings', () => {
    expect(shipped().judgedRules.length).toBeGreaterThanOrEqual(4);
  });

  it('pass their own tests', () => {
    const failed = runRuleTests(shipped()).filter(({ ok }) => !ok);
    expect(failed).toEqual([]);
  });

  it('freeze only when two kinds of evidence agree', () => {
    const ruleset = shipped();
    const freezeFrom = ruleset.bands.find(({ outcome }) => outcome === 'freeze')?.from ?? 0;
    const score = (id: string) => ruleset.rules.find((rule) => rule.id === id)?.score ?? Number.NaN;
    expect(score('spend-burst') + score('leaked-key-burst')).toBeGreaterThanOrEqual(freezeFrom);
    // Two sums of the same spend are one kind of evidence.
    expect(score('slow-drain') + score('leaked-key-burst')).toBeLessThan(freezeFrom);
    expect(score('tampered-meter')).toBeLessThan(freezeFrom);
  });

  it('have one version, whatever the order or folder of the files', () => {
    const files = shippedFiles();
    const moved = [...files]
      .reverse()
      .map(({ path, text }) => ({ path: path.replace('rules/', '/etc/tollkeeper/'), text }));
    const first = loadRuleset(files, { runTests: false });
    const second = loadRuleset(moved, { runTests: false });
    const changed = loadRuleset(
      files.map(({ path, text }) => ({ path, text: path.endsWith('slow-drain.yaml') ? `${text}\n` : text })),
      { runTests: false },
    );
    const hashes = [first, second, changed].map((result) => (result.ok ? result.ruleset.hash : ''));
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it('price a token exactly in nano-units', () => {
    const { pricing } = shipped();
    expect(pricing.meters.get('input_tokens')?.prices).toEqual([{ fromMs: 0, coefficient: 150n, decimals: 0 }]);
    expect(pricing.meters.get('llm.tokens')?.prices).toEqual([{ fromMs: 0, coefficient: 6_000n, decimals: 0 }]);
    expect(pricing.meters.get('compute.seconds')?.prices).toEqual([{ fromMs: 0, coefficient: 900_000n, decimals: 0 }]);
    expect(pricing.meters.get('topup')).toEqual({
      name: 'topup',
      unit: 'event',
      kind: 'fact',
      prices: [{ fromMs: 0, coefficient: 0n, decimals: 0 }],
    });
    expect(priceAt(pricesFor(pricing, 'acct_1', 'api.calls') ?? [], 0)?.coefficient).toBe(2_000_000n);
  });
});

describe('the published schemas', () => {
  it.each(Object.entries(fileSchemas()))('docs/%s is what the code accepts', async (name, schema) => {
    // When this fails: npx vitest run test/unit/rules-shipped.test.ts -u
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(`../../docs/${name}`);
  });
});
