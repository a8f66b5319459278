import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { PROPERTIES } from '../../simulate/checks.ts';
import { openMemoryEngine } from '../../simulate/memory/engine.ts';
import { type Flaw, MemoryLedger } from '../../simulate/memory/ledger.ts';
import { MISTAKES } from '../../simulate/planted/mistakes.ts';
import { playMistake } from '../../simulate/planted/play-mistake.ts';
import { runSeed } from '../../simulate/run.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);
const STEPS = 4_000;

/** One of each kind, and one for every property. All of them: `npm run simulate:planted`. */
const PLAYED = [
  'held money is free before the commit',
  'a freeze does not wait for holds in flight',
  'the residue of a charge is dropped',
  'grants are burnt last priority first',
  'a grant can be spent as it ends',
  'the limit is off by one',
  'the limit is judged before holds',
  'a period begins a millisecond late',
  'a correction is posted twice',
  'a correction charges a frozen wallet',
  'quarantine is posted out of order',
  'the chain is not advanced',
  "the chain forgets other people's changes",
  'numbers are skipped',
  'usage is posted to a frozen wallet',
  'grants keep what was burnt',
  'the other side has the wrong sign',
  'closed holds are closed again',
  'jobs of one batch get one answer',
  'an account is judged once a batch',
  'what is void is closed as a copy',
  'batches keep their turn for ever',
  'a set forgets what was posted before',
];

/** Mistakes of a store, and the property that says it best. */
const FLAWS: Readonly<Record<Flaw, (typeof PROPERTIES)[number]>> = {
  does_not_fence: 'the chain is unbroken',
  forgets_residue: 'the residue is exact',
  forgets_holds: 'what is held is counted',
  loses_burns: 'the model agrees',
  frees_void_keys: 'an answer is true',
  has_no_index: 'one fate per event',
  forgets_contra: 'the proofs hold',
};

/** Every property that some seed found broken. */
async function playFlaw(flaw: Flaw): Promise<ReadonlySet<string>> {
  const broken = new Set<string>();
  for (const seed of SEEDS) {
    const { failure } = await runSeed(seed, STEPS, openMemoryEngine(new MemoryLedger(flaw)));
    for (const property of failure === undefined ? [] : [failure.property, ...failure.also]) broken.add(property);
  }
  return broken;
}

describe('a mistake in the ledger is noticed, and its property is named', () => {
  const played = MISTAKES.filter(({ name }) => PLAYED.includes(name));

  // Mistakes are planted in what runs, which is compiled.
  beforeAll(() => {
    const built = spawnSync(process.execPath, [join(ROOT, 'src/cli/tollkeeper.mjs'), '--build-only'], {
      encoding: 'utf8',
    });
    expect({ status: built.status, stderr: built.stderr }).toMatchObject({ status: 0 });
  }, 120_000);

  test.concurrent.each(played)(
    '$name',
    async (mistake) => {
      const entry = pathToFileURL(join(ROOT, 'dist/simulate/planted/play.js'));
      const { found } = await playMistake({ mistake, seeds: SEEDS, steps: STEPS }, entry);
      expect([found?.property, ...(found?.also ?? [])]).toContain(mistake.property);
    },
    180_000,
  );

  test.each(Object.entries(FLAWS))(
    'a store that %s: %s',
    async (flaw, property) => {
      expect(await playFlaw(flaw as Flaw)).toContain(property);
    },
    120_000,
  );

  test('for every property', () => {
    const named = new Set([...played.map(({ property }) => property), ...Object.values(FLAWS)]);
    expect(played.map(({ name }) => name).sort()).toEqual([...PLAYED].sort());
    expect(PROPERTIES.filter((property) => !named.has(property))).toEqual([]);
  });
});
