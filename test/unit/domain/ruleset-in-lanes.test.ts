import { expect, test } from 'vitest';
import { readRuleFiles } from '../../../src/adapters/rule-files.ts';
import { loadRuleset, type Ruleset } from '../../../src/domain/rules/ruleset.ts';
import { rulesetInLanes } from '../../../src/domain/rules/ruleset-in-lanes.ts';

async function shipped(choice: 'live' | 'backtest'): Promise<Ruleset> {
  const files = (await readRuleFiles()).map(({ path, text }) => ({
    path,
    text: text.replace('shadow_streams: live', `shadow_streams: ${choice}`),
  }));
  const loaded = loadRuleset(files, { runTests: false });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

const shownOf = ({ judgedRules }: Ruleset) => judgedRules.filter(({ shown }) => shown !== undefined).length;

test('shadow rules that are shown every event are left to backtests where the files say so', async () => {
  const ruleset = await shipped('backtest');
  const inLanes = rulesetInLanes(ruleset);
  expect(shownOf(ruleset)).toBeGreaterThan(10);
  expect(shownOf(inLanes)).toBe(0);
  expect(inLanes.features.streams).toBeUndefined();
  expect(inLanes.judgedRules.length).toBe(ruleset.judgedRules.length - shownOf(ruleset));
  expect(inLanes.hash).toBe(ruleset.hash);
  // Accounts know a ruleset by its identity.
  expect(rulesetInLanes(ruleset)).toBe(inLanes);
});

test('they run on live traffic otherwise', async () => {
  const ruleset = await shipped('live');
  expect(rulesetInLanes(ruleset)).toBe(ruleset);
});
