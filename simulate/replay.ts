import type { Random } from '../src/cli/demo/random.ts';
import { eventKeyOf, formatEventKey } from '../src/domain/events/event-key.ts';
import { createFeatures } from '../src/domain/features/account-features.ts';
import { openWallet, type WalletHead } from '../src/domain/ledger/wallet.ts';
import type { Ruleset } from '../src/domain/rules/ruleset.ts';
import { applyBatch } from '../src/pipeline/lane/apply-batch.ts';
import type { BatchRecord, FactRow } from '../src/pipeline/lane/batch-record.ts';
import type { Identity } from '../src/pipeline/lane/find-duplicates.ts';
import type { LaneEvent } from '../src/pipeline/lane/lane-event.ts';
import { createLaneMemory, type LaneMemory } from '../src/pipeline/lane/lane-memory.ts';
import { LANES } from './engine.ts';
import { firstDifference } from './final-checks.ts';
import type { Held } from './model/model.ts';

/** What a lane's history is made of: events in their recorded order, and wallets as others left them in between. */
type Recorded =
  | { readonly kind: 'events'; readonly facts: readonly FactRow[]; readonly text: readonly string[] }
  | { readonly kind: 'change'; readonly wallet: WalletHead }
  | { readonly kind: 'posted'; readonly wallet: Pick<WalletHead, 'walletId' | 'posted' | 'seq' | 'statusSequence'> }
  /** Days before are closed from here on. */
  | { readonly kind: 'closed'; readonly entriesFromMs: number }
  /** Holds move what is available without a batch. */
  | { readonly kind: 'held'; readonly held: Held };

/** The recorded order of every lane, to be gone through once more in other batches. */
export class History {
  readonly #lanes: Recorded[][] = Array.from({ length: LANES }, () => []);

  readonly #held: (string | undefined)[] = [];

  /** @param held what each wallet held when the batch was judged */
  batch(batch: BatchRecord, held: Held): void {
    const text = [...held].filter(([, amount]) => amount > 0n).join(' ');
    if (text !== (this.#held[batch.lane] ?? '')) this.#lanes[batch.lane]?.push({ kind: 'held', held });
    this.#held[batch.lane] = text;
    this.#lanes[batch.lane]?.push({ kind: 'events', facts: [...batch.facts], text: textOf(batch) });
  }

  change(lane: number, wallet: WalletHead): void {
    this.#held[lane] = 'set by the change';
    this.#lanes[lane]?.push({ kind: 'change', wallet: { ...wallet } });
  }

  /** What a set did to a wallet; it changes nothing else of it. */
  posted(lane: number, wallet: Pick<WalletHead, 'walletId' | 'posted' | 'seq' | 'statusSequence'>): void {
    const { walletId, posted, seq, statusSequence } = wallet;
    this.#lanes[lane]?.push({ kind: 'posted', wallet: { walletId, posted, seq, statusSequence } });
  }

  closeDays(entriesFromMs: number): void {
    for (const lane of this.#lanes) lane.push({ kind: 'closed', entriesFromMs });
  }

  /**
   * Sends the recorded events through the posting code again, split by chance, in one writer that never crashes.
   *
   * @returns the first place where entries, quarantine or decisions differ; undefined when none does.
   */
  replay(random: Random, options: { readonly ruleset: Ruleset; readonly lateWindowMs: number }): string | undefined {
    for (const [lane, recorded] of this.#lanes.entries()) {
      const memory = emptyMemory(lane);
      const expected = recorded.flatMap((one) => (one.kind === 'events' ? one.text : []));
      const actual: string[] = [];
      const pending: FactRow[] = [];
      let entriesFromMs = 0;
      const flush = () => {
        while (pending.length > 0) {
          const facts = pending.splice(0, 1 + random.below(40));
          for (const { item } of facts) openAccount(memory, item, options.ruleset.pricing.currency);
          const input = { events: facts.map(eventOf), identities: facts.map(identityOf), entriesFromMs, ...options };
          actual.push(...textOf(applyBatch(memory, input)));
        }
      };
      for (const one of recorded) {
        if (one.kind === 'events') pending.push(...one.facts);
        else {
          flush();
          if (one.kind === 'closed') entriesFromMs = Math.max(entriesFromMs, one.entriesFromMs);
          else if (one.kind === 'posted')
            Object.assign(memory.accounts.get(one.wallet.walletId)?.wallet ?? {}, one.wallet);
          else if (one.kind === 'change') setWallet(memory, one.wallet);
          else for (const { wallet } of memory.accounts.values()) wallet.held = one.held.get(wallet.walletId) ?? 0n;
        }
      }
      flush();
      for (const what of ['entry', 'quarantine', 'decision']) {
        const isMeant = (text: string) => text.startsWith(what);
        const wrong = firstDifference(expected.filter(isMeant), actual.filter(isMeant));
        if (wrong !== undefined) return `lane ${lane}: ${wrong} in other batches`;
      }
    }
    return undefined;
  }
}

function emptyMemory(lane: number): LaneMemory {
  return createLaneMemory({
    lane,
    epoch: 1n,
    changeNo: 0n,
    lastBatch: 0,
    chain: Buffer.alloc(0),
    clockMs: 0,
    keysCompleteFromMs: 0,
    lanes: LANES,
  });
}

/** An event as its lane took it: with the lane's own time. */
function eventOf({ item, ingestedAtMs }: FactRow): LaneEvent {
  return { ...item, ingestedAtMs };
}

function identityOf({ item, status }: FactRow): Identity {
  if (status === 'duplicate') return { kind: 'duplicate' };
  return status === 'altered' ? { kind: 'altered', key: eventKeyOf(item.event, item.contentHash) } : { kind: 'new' };
}

function openAccount(memory: LaneMemory, { event, address, ingestedAtMs }: LaneEvent, currency: string): void {
  if (memory.accounts.has(address.walletId)) return;
  const { tenant, account } = event;
  setWallet(memory, openWallet({ ...address, tenant, account, currency, openedAtMs: ingestedAtMs }));
}

function setWallet(memory: LaneMemory, wallet: WalletHead): void {
  const known = memory.accounts.get(wallet.walletId);
  if (known !== undefined) {
    Object.assign(known.wallet, wallet);
    return;
  }
  memory.accounts.set(wallet.walletId, {
    wallet: { ...wallet },
    features: createFeatures(),
    checkpointBatch: 0,
    isNew: false,
    dirtySinceBatch: 0,
    touchedInBatch: 0,
    place: 0,
  });
}

/** What a batch says, one line each, in the order of its events; nothing that depends on where batches end. */
function textOf(batch: BatchRecord): string[] {
  return [
    ...batch.entries.map(({ key, wallet, seq, amount, balanceAfter, kind }) =>
      ['entry', wallet.account, seq, formatEventKey(key), amount, balanceAfter, kind].join(' '),
    ),
    ...batch.quarantined.map(({ key, reason, amount, residue, decisionId }) =>
      ['quarantine', formatEventKey(key), reason, amount, residue, decisionId].join(' '),
    ),
    ...batch.decisions.map(({ decisionId, outcome, score, decidedAtMs }) =>
      ['decision', decisionId, outcome, score, decidedAtMs].join(' '),
    ),
  ];
}
