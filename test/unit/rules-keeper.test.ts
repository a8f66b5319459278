import { describe, expect, test } from 'vitest';
import { refusedWords } from '../../src/domain/rules/rules-words.ts';
import { loadRuleset, type RuleFile, type Ruleset } from '../../src/domain/rules/ruleset.ts';
import { AppError } from '../../src/errors.ts';
import { RulesKeeper, type RulesNews } from '../../src/pipeline/rules/rules-keeper.ts';
import { PRICING, SETTINGS, Z_RULE } from './rules-samples.ts';

const TRUSTED = 'why: Partners.\nentries: [{ value: acct_9, until: 2030-01-01, why: a partner }]\n';
const LISTED = Z_RULE.replace('say:', "unless: account in list('trusted')\nsay:");

const FILES: Readonly<Record<string, string>> = {
  'rules/sample.yaml': Z_RULE,
  'rules/ruleset.yaml': SETTINGS,
  'rules/pricing.yaml': PRICING,
};

/** A directory of files that tests write to, and a keeper that watches it. */
function watch(initial: Readonly<Record<string, string>> = FILES) {
  const disk = new Map(Object.entries(initial));
  const files = (): readonly RuleFile[] => [...disk].map(([path, text]) => ({ path, text }));
  const loaded = loadRuleset(files());
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  const news: RulesNews[] = [];
  const kept: string[] = [];
  const world = { nowMs: Date.UTC(2026, 2, 2, 9, 12), reads: 0, isGone: false, canKeep: true, writesDuringRead: 0 };
  const assertThere = () => {
    if (world.isGone) throw new AppError('FILE_UNREADABLE', 'the rules directory cannot be read');
  };
  const keeper = new RulesKeeper({
    ruleset: loaded.ruleset,
    folder: {
      async signature() {
        assertThere();
        return JSON.stringify(files());
      },
      async read() {
        assertThere();
        world.reads++;
        const seen = files();
        if (world.writesDuringRead-- > 0) disk.set('rules/sample.yaml', `${disk.get('rules/sample.yaml')}# more\n`);
        return seen;
      },
    },
    async keep(ruleset: Ruleset) {
      if (!world.canKeep) throw new Error('the database is away');
      kept.push(ruleset.hash);
    },
    onNews: (line) => news.push(line),
    now: () => world.nowMs,
    breathe: () => Promise.resolve(),
  });
  return { disk, keeper, news, kept, world, first: loaded.ruleset };
}

describe('rules on disk', () => {
  test('that are valid come into force as a whole, stored before they judge anything', async () => {
    const { disk, keeper, news, kept, first } = watch();
    disk.set('rules/sample.yaml', Z_RULE.replace('score: 40', 'score: 45'));
    await keeper.look();
    expect(keeper.inForce.hash).not.toBe(first.hash);
    expect(keeper.inForce.judgedRules[0]?.score).toBe(45);
    expect(keeper.inForce.onDisk).toBeUndefined();
    expect(kept).toEqual([keeper.inForce.hash]);
    expect(news.map(({ kind }) => kind)).toEqual(['loaded']);
  });

  test('that are invalid leave the last good ones in force, say so once, and are taken when they are corrected', async () => {
    const { disk, keeper, news, world, first } = watch();
    disk.set('rules/sample.yaml', Z_RULE.replace('score: 40', 'score: 400'));
    await keeper.look();
    await keeper.look();
    expect(keeper.inForce.hash).toBe(first.hash);
    expect(keeper.inForce.judgedRules).toBe(first.judgedRules);
    expect(news.map(({ kind }) => kind)).toEqual(['refused']);
    expect(refusedWords(keeper.inForce)).toMatch(
      new RegExp(
        `^running ${first.hash.slice(0, 12)}; on disk [0-9a-f]{12} is invalid since .*2026.*09:12 UTC \\(1 error\\)$`,
      ),
    );

    // Another mistake, later: it is invalid since the first.
    world.nowMs += 3_600_000;
    disk.set('rules/sample.yaml', Z_RULE.replace('score: 40', 'score: high').replace('mode: live', 'mode: alive'));
    await keeper.look();
    expect(refusedWords(keeper.inForce)).toContain('09:12 UTC (2 errors)');

    disk.set('rules/sample.yaml', Z_RULE.replace('score: 40', 'score: 45'));
    await keeper.look();
    expect(refusedWords(keeper.inForce)).toBeUndefined();
    expect(keeper.inForce.judgedRules[0]?.score).toBe(45);
  });

  test('that are put back as they were are in force again, without a new version', async () => {
    const { disk, keeper, news, kept, first } = watch();
    disk.set('rules/sample.yaml', 'id: [');
    await keeper.look();
    disk.set('rules/sample.yaml', Z_RULE);
    await keeper.look();
    expect(keeper.inForce).toEqual(first);
    expect(news.map(({ kind }) => kind)).toEqual(['refused', 'restored']);
    expect(kept).toEqual([]);
  });

  test('with a failing test inside are refused like any other mistake', async () => {
    const { disk, keeper, news, first } = watch();
    disk.set('rules/sample.yaml', Z_RULE.replace('9x672 410', '9x672 10'));
    await keeper.look();
    expect(keeper.inForce.hash).toBe(first.hash);
    expect(news[0]).toMatchObject({ kind: 'refused', errors: [{ code: 'RULE-TEST-004', line: 19 }] });
  });

  test('without a list that a live rule uses are refused', async () => {
    const { disk, keeper, news, first } = watch({
      ...FILES,
      'rules/sample.yaml': LISTED,
      'rules/lists/trusted.yaml': TRUSTED,
    });
    disk.delete('rules/lists/trusted.yaml');
    await keeper.look();
    expect(keeper.inForce.hash).toBe(first.hash);
    expect(news[0]).toMatchObject({ kind: 'refused', errors: [{ code: 'RULE-NAME-012' }] });
  });

  test('in another currency are refused while the service runs', async () => {
    const { disk, keeper, news } = watch();
    for (const [path, text] of disk) disk.set(path, text.replaceAll('USD', 'EUR'));
    await keeper.look();
    expect(news[0]).toMatchObject({ kind: 'refused', errors: [{ code: 'RULE-SAFE-012' }] });
  });

  test('that cannot be read leave the last good ones in force', async () => {
    const { keeper, news, world, first } = watch();
    world.isGone = true;
    await keeper.look();
    await keeper.look();
    expect(keeper.inForce.hash).toBe(first.hash);
    expect(refusedWords(keeper.inForce)).toContain('the rules directory cannot be read since');
    expect(news.map(({ kind }) => kind)).toEqual(['refused']);
    world.isGone = false;
    await keeper.look();
    expect(keeper.inForce.onDisk).toBeUndefined();
  });

  test('that are being written are read again, and read once when nothing changes', async () => {
    const { disk, keeper, world } = watch();
    disk.set('rules/sample.yaml', Z_RULE.replace('score: 40', 'score: 45'));
    world.writesDuringRead = 1;
    await keeper.look();
    expect(keeper.inForce.judgedRules[0]?.score).toBe(40);
    await keeper.look();
    expect(keeper.inForce.judgedRules[0]?.score).toBe(45);
    await keeper.look();
    await keeper.look();
    expect(world.reads).toBe(2);
  });

  test('that cannot be stored are not in force, and are tried again', async () => {
    const { disk, keeper, world, first } = watch();
    world.canKeep = false;
    disk.set('rules/sample.yaml', Z_RULE.replace('score: 40', 'score: 45'));
    await expect(keeper.look()).rejects.toThrow('the database is away');
    expect(keeper.inForce.hash).toBe(first.hash);
    world.canKeep = true;
    await keeper.look();
    expect(keeper.inForce.hash).not.toBe(first.hash);
  });
});
