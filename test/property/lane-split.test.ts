import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventStatus } from '../../src/domain/events/usage-event.ts';
import { encodeFeatures } from '../../src/domain/features/account-features.ts';
import { addressOf } from '../../src/domain/ids.ts';
import { compareGrants, type Grant } from '../../src/domain/ledger/grant.ts';
import { beginThrottle } from '../../src/domain/ledger/throttle.ts';
import { ENTRY_KIND, openWallet } from '../../src/domain/ledger/wallet.ts';
import { loadRuleset, type Ruleset } from '../../src/domain/rules/ruleset.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import type { LaneEvent } from '../../src/pipeline/lane/lane-event.ts';
import { LaneWriter } from '../../src/pipeline/lane/lane-writer.ts';
import { loadMissingAccounts, takeOver } from '../../src/pipeline/lane/take-over.ts';
import { type Accident, MemoryLaneStore } from '../support/memory-lane-store.ts';
import { laneEventsOf, SEQUENCE_START_MS, type Step, steps } from '../support/random-sequence.ts';
import { BURST_RULE, PRICING, SETTINGS, Z_RULE } from '../unit/rules-samples.ts';

const FRACTION = '  - { name: cached_bytes, unit: byte, price: 0.0037 USD per 1000000000 }\n';

// Short histories and low floors, so that a hundred random events freeze, thaw and raise.
function load(): Ruleset {
  const z = Z_RULE.replace('window: 6h', 'window: 2h')
    .replace('min_points: 48', 'min_points: 24, min_active_hours: 3')
    .replace('20.00 USD', '2.00 USD');
  const burst = BURST_RULE.replace('times: 6', 'times: 2\n  min_hours: 3').replace('10.00 USD', '1.00 USD');
  const calls = burst
    .replace('id: burst', 'id: calls')
    .replace('of: spend', "of: quantity('api.calls')")
    .replace('1.00 USD', '500');
  const tampered = BURST_RULE.replace('id: burst', 'id: tampered')
    .replace('of: spend', 'of: altered')
    .replace('  times: 6\n', '  limit: 2\n  min_hours: 1\n')
    .replace('  floor: { above_expected: 10.00 USD }\n', '');
  const result = loadRuleset(
    [
      { path: 'rules/sample.yaml', text: z },
      { path: 'rules/burst.yaml', text: burst },
      { path: 'rules/calls.yaml', text: calls },
      { path: 'rules/tampered.yaml', text: tampered },
      { path: 'rules/ruleset.yaml', text: SETTINGS.replace('hours: 24', 'hours: 4') },
      { path: 'rules/pricing.yaml', text: PRICING.replace('overrides:', `${FRACTION}overrides:`) },
    ],
    { runTests: false },
  );
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

const ruleset = load();
const LATE_WINDOW_MS = 35 * DAY_MS;

interface Play {
  readonly statuses: readonly EventStatus[];
  readonly books: ReturnType<MemoryLaneStore['books']>;
  /** Features of every account as a new writer would rebuild them. */
  readonly features: readonly string[];
}

interface Course {
  /** Whether a batch ends behind the event. */
  readonly endsBatch: (index: number) => boolean;
  /** What happens before the batch that begins at the event. */
  readonly before: (index: number) => Accident | 'takeover' | undefined;
  readonly recentKeysLoaded?: number;
}

/**
 * Sends a sequence through a lane writer on a store in memory: acct_0 is rich, acct_1 has a little, acct_2 is
 * unknown, acct_3 may spend a little per half day. The first two and the last have grants, some of which end on the way.
 */
async function play(events: readonly LaneEvent[], course: Course): Promise<Play> {
  const store = new MemoryLaneStore(course.recentKeysLoaded);
  for (const [account, posted] of [
    ['acct_0', 10n ** 13n],
    ['acct_1', 10n ** 11n],
    ['acct_3', 10n ** 13n],
  ] as const) {
    const address = addressOf('default', account, 'USD');
    const wallet = openWallet({
      ...address,
      tenant: 'default',
      account,
      currency: 'USD',
      openedAtMs: SEQUENCE_START_MS,
    });
    const throttle = account === 'acct_3' ? beginThrottle(10n ** 9n / 5n, 12 * HOUR_MS, SEQUENCE_START_MS) : null;
    store.changeWallet({ ...wallet, posted, throttle, grants: grantsOf(account) });
  }
  let writer = openWriter(store);
  const statuses: EventStatus[] = [];
  for (let from = 0; from < events.length; ) {
    const event = course.before(from);
    if (event === 'takeover') writer = openWriter(store);
    else if (event !== undefined) store.failNext(event);
    let to = from + 1;
    while (to < events.length && !course.endsBatch(to - 1)) to++;
    statuses.push(...(await writer.submit(events.slice(from, to))));
    from = to;
  }
  return { statuses, books: store.books(), features: await rebuiltFeatures(store, events) };
}

/** Grants on every side of base credit, with ends from the first hour to never. */
function grantsOf(account: string): readonly Grant[] {
  const terms = [
    [10, 3],
    [10, 60],
    [50, 20],
    [50, null],
    [90, 30],
  ] as const;
  const grants = terms.map(([priority, hours], index): Grant => {
    const expiresAtMs = hours === null ? null : SEQUENCE_START_MS + hours * HOUR_MS + index;
    const remaining = 10n ** 8n + BigInt(index);
    const grantId = `${account}-${index}`;
    return { grantId, source: 'paid', priority, expiresAtMs, createdAtMs: SEQUENCE_START_MS, remaining };
  });
  return grants.sort(compareGrants);
}

function openWriter(store: MemoryLaneStore): LaneWriter {
  return new LaneWriter({
    lane: 0,
    owner: 'test',
    store,
    ruleset: () => ruleset,
    lateWindowMs: LATE_WINDOW_MS,
    // One event fills a batch, so every submission is written at once and alone.
    batchEventsMax: 1,
    gatherMs: 0,
    observer: {},
    sleep: () => Promise.resolve(),
  });
}

async function rebuiltFeatures(store: MemoryLaneStore, events: readonly LaneEvent[]): Promise<readonly string[]> {
  const memory = await takeOver(store, 0, 'test', ruleset);
  await store.transact(0, memory.epoch, (transaction) => loadMissingAccounts(memory, transaction, events, 'USD'));
  return [...memory.accounts.values()]
    .map(({ wallet, features }) => `${wallet.account} ${Buffer.from(encodeFeatures(features)).toString('hex')}`)
    .sort();
}

const ONE_BATCH: Course = { endsBatch: () => false, before: () => undefined };

/**
 * Batches and mishaps as the sequence drew them. Few stored keys are loaded, so that old ones must be looked up; that
 * finds an id under its own time only, so sequences that move the time of an id are given all keys.
 */
function drawnCourse(drawn: readonly Step[], accidents: readonly (Accident | 'takeover')[]): Course {
  const movesTime = drawn.some(({ kind }) => kind === 'other_time');
  return {
    endsBatch: (index) => drawn[index]?.split === 0,
    before: (index) => accidents[drawn[index]?.accident ?? accidents.length],
    recentKeysLoaded: movesTime ? 50_000 : 12,
  };
}

describe('one sequence of events', () => {
  it('has the same statuses, entries, decisions and wallets however it is split, and whoever takes over when', async () => {
    const seen = {
      frozen: 0,
      thawed: 0,
      throttled: 0,
      expired: 0,
      residues: 0,
      decisions: 0,
      reasons: new Map<string, number>(),
    };
    await fc.assert(
      fc.asyncProperty(steps, async (drawn) => {
        const events = laneEventsOf(drawn);
        const whole = await play(events, ONE_BATCH);
        const split = await play(events, drawnCourse(drawn, ['takeover', 'lost_before_commit', 'takeover']));
        const single = await play(events, { ...drawnCourse(drawn, ['takeover']), endsBatch: () => true });
        expect(split).toEqual(whole);
        expect(single).toEqual(whole);
        seen.decisions += whole.books.decisions.length;
        seen.frozen += whole.books.messages.filter((text) => text.includes('"frozen"')).length;
        seen.thawed += whole.books.messages.filter((text) => text.includes('"thawed"')).length;
        seen.throttled += whole.books.messages.filter((text) => text.includes('"throttled"')).length;
        seen.expired += whole.books.entries.filter((text) => text.endsWith(` ${ENTRY_KIND.expired}`)).length;
        seen.residues += whole.books.wallets.filter((text) => / -?\d{16,18} /.test(text)).length;
        for (const status of whole.statuses) {
          const what = 'code' in status ? status.code : status.status;
          seen.reasons.set(what, (seen.reasons.get(what) ?? 0) + 1);
        }
      }),
      { seed: 20_260_302, numRuns: 900 },
    );
    // A property over sequences in which nothing happens would prove nothing.
    expect(seen.decisions).toBeGreaterThan(200);
    expect(seen.frozen).toBeGreaterThan(100);
    expect(seen.thawed).toBeGreaterThan(50);
    expect(seen.throttled).toBeGreaterThan(50);
    // Several events of one period are told once.
    expect(seen.reasons.get('throttled') ?? 0).toBeGreaterThan(seen.throttled + 50);
    expect(seen.expired).toBeGreaterThan(500);
    expect(seen.residues).toBeGreaterThan(200);
    const reasons = [
      'posted',
      'duplicate',
      'altered',
      'too_late',
      'in_future',
      'unknown_meter',
      'over_limit',
      'throttled',
      'frozen',
      'AMOUNT_TOO_LARGE',
    ];
    for (const reason of reasons) expect([reason, (seen.reasons.get(reason) ?? 0) > 20]).toEqual([reason, true]);
    expect([...seen.reasons.keys()].sort()).toEqual(reasons.sort());
  }, 120_000);

  it('is written once when a connection breaks after the commit and the batch is sent again', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (drawn) => {
        const events = laneEventsOf(drawn);
        const whole = await play(events, ONE_BATCH);
        const broken = await play(events, drawnCourse(drawn, ['lost_after_commit', 'lost_before_commit', 'takeover']));
        expect(broken.books).toEqual(whole.books);
        expect(broken.features).toEqual(whole.features);
      }),
      { seed: 20_260_303, numRuns: 150 },
    );
  }, 120_000);
});
