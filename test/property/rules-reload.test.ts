import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFeatures } from '../../src/domain/features/account-features.ts';
import { addressOf } from '../../src/domain/ids.ts';
import { openWallet } from '../../src/domain/ledger/wallet.ts';
import { loadRuleset, type Ruleset } from '../../src/domain/rules/ruleset.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import type { LaneEvent } from '../../src/pipeline/lane/lane-event.ts';
import { LaneWriter } from '../../src/pipeline/lane/lane-writer.ts';
import { loadMissingAccounts, takeOver } from '../../src/pipeline/lane/take-over.ts';
import { MemoryLaneStore } from '../support/memory-lane-store.ts';
import { laneEventsOf, SEQUENCE_START_MS, steps } from '../support/random-sequence.ts';
import { BURST_RULE, PRICING, SETTINGS } from '../unit/rules-samples.ts';

const BURST = BURST_RULE.replace('  times: 6\n', '  limit: 0.50 USD\n  min_hours: 1\n')
  .replace('  floor: { above_expected: 10.00 USD }\n', '')
  .replace('for: 6h', 'for: 1h');

function load(rule: string): Ruleset {
  const files = [
    { path: 'rules/burst.yaml', text: rule },
    { path: 'rules/ruleset.yaml', text: SETTINGS },
    { path: 'rules/pricing.yaml', text: PRICING },
  ];
  const result = loadRuleset(files, { runTests: false });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

/** The second looks at features that the first does not keep, and not at all at one that it does. */
const VERSIONS = [
  load(BURST),
  load(BURST.replace('say:', "when: events('2h') >= 2 || sum('api.calls', '6h') > 900\nsay:")),
  load(BURST.replace('of: spend', "of: quantity('api.calls')").replace('0.50 USD', '50')),
] as const;

const byHash = new Map(VERSIONS.map((ruleset) => [ruleset.hash, ruleset]));
const rulesetOf = async (hash: string) => byHash.get(hash);

/** Sends batches of events, each under the version drawn for it, and takes the lane over where it is drawn. */
async function play(
  events: readonly LaneEvent[],
  course: {
    readonly batch: number;
    readonly version: (index: number) => Ruleset;
    readonly takesOver: (index: number) => boolean;
  },
) {
  const store = new MemoryLaneStore();
  for (const account of ['acct_0', 'acct_1']) {
    const wallet = openWallet({
      ...addressOf('default', account, 'USD'),
      tenant: 'default',
      account,
      currency: 'USD',
      openedAtMs: SEQUENCE_START_MS,
    });
    store.changeWallet({ ...wallet, posted: 10n ** 13n });
  }
  let version: Ruleset = VERSIONS[0];
  const open = () =>
    new LaneWriter({
      lane: 0,
      owner: 'test',
      store,
      ruleset: () => version,
      rulesetOf,
      lateWindowMs: 35 * DAY_MS,
      batchEventsMax: 1,
      gatherMs: 0,
      observer: {},
      sleep: () => Promise.resolve(),
    });
  let writer = open();
  for (let from = 0, index = 0; from < events.length; from += course.batch, index++) {
    version = course.version(index);
    if (course.takesOver(index)) writer = open();
    await writer.submit(events.slice(from, from + course.batch));
  }
  const memory = await takeOver(store, 0, 'test', version, rulesetOf);
  await store.transact(0, memory.epoch, (transaction) => loadMissingAccounts(memory, transaction, events, 'USD'));
  const features = [...memory.accounts.values()].map(
    ({ wallet, features }) => `${wallet.account} ${Buffer.from(encodeFeatures(features)).toString('hex')}`,
  );
  return { decisions: store.books().decisions, entries: store.books().entries, features: features.sort() };
}

describe('a sequence of events across reloads', () => {
  it('has the same decisions and entries whoever takes the lane over when', async () => {
    let decisions = 0;
    const versions = fc.array(fc.nat(2), { minLength: 2, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        steps,
        versions,
        fc.integer({ min: 4, max: 16 }),
        fc.nat(3),
        async (drawn, order, batch, every) => {
          const events = laneEventsOf(drawn);
          const version = (index: number) => VERSIONS[order[index % order.length] ?? 0] ?? VERSIONS[0];
          const calm = await play(events, { batch, version, takesOver: () => false });
          const restless = await play(events, { batch, version, takesOver: (index) => index % (every + 1) === 0 });
          expect(restless).toEqual(calm);
          decisions += calm.decisions.length;
        },
      ),
      { seed: 7, numRuns: 60 },
    );
    expect(decisions).toBeGreaterThan(50);
  });
});
