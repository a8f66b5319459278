import { reservedBy } from '../src/domain/ledger/hold.ts';
import type { HoldWrite } from '../src/pipeline/holds/hold-rows.ts';
import type { BatchRecord } from '../src/pipeline/lane/batch-record.ts';
import type { Held, Model } from './model/model.ts';

/** What a group of holds has made one memory of the lane believe, beside what is stored. */
interface Group {
  readonly epoch: bigint;
  readonly amounts: ReadonlyMap<bigint, bigint>;
  /** Changes of each wallet by others when the group failed: whoever reloads the wallet forgets the group. */
  changes: ReadonlyMap<bigint, number> | undefined;
}

/**
 * What one writer's memory holds beside the books: reserved when it is judged, freed after the commit, and kept by a batch
 * in flight when a group fails. The model judges a batch with what its writer believed, to the last unit.
 */
export class HoldsOnTheirWay {
  readonly #model: Model;
  readonly #changes: ReadonlyMap<bigint, number>;
  readonly #groups = new Map<object, Group>();

  /** @param changes how often others have changed each wallet, counted by the caller */
  constructor(model: Model, changes: ReadonlyMap<bigint, number>) {
    this.#model = model;
    this.#changes = changes;
  }

  /** The group was judged: from now on its reservations count in memory. */
  judged(holder: object, epoch: bigint, holds: readonly HoldWrite[]): void {
    this.#groups.set(holder, { epoch, amounts: this.#amounts(holds, 1n), changes: undefined });
  }

  /** The group ended as its writer sees it. One that failed after its commit has freed nothing in memory. */
  ended(holder: object, end: { readonly ok: boolean; readonly isCommitted: boolean; readonly freed: Held }): void {
    const group = this.#groups.get(holder);
    if (group === undefined) return;
    if (end.ok) this.#groups.delete(holder);
    else {
      const amounts = end.isCommitted ? end.freed : group.amounts;
      this.#groups.set(holder, { ...group, amounts, changes: new Map(this.#changes) });
    }
  }

  /** What a group frees once it is committed; asked before the model knows of it. */
  freedBy(holds: readonly HoldWrite[]): Held {
    return this.#amounts(holds, -1n);
  }

  /** What each wallet holds in the memory of this epoch. */
  seenBy(epoch: bigint): Held {
    const held = new Map([...this.#model.wallets].map(([walletId, wallet]) => [walletId, wallet.heldInBooks]));
    for (const group of this.#groups.values()) {
      if (group.epoch !== epoch) continue;
      for (const [walletId, amount] of group.amounts) {
        const isReloaded = group.changes !== undefined && group.changes.get(walletId) !== this.#changes.get(walletId);
        if (!isReloaded) held.set(walletId, (held.get(walletId) ?? 0n) + amount);
      }
    }
    return held;
  }

  /**
   * Wallets of a batch of which the writer's memory holds less than is stored at this moment: money that is not free yet
   * could be spent. A memory that lags behind holds more.
   */
  shortIn({ touched }: BatchRecord): readonly string[] {
    return touched.flatMap(({ wallet }) => {
      const stored = this.#model.wallets.get(wallet.walletId)?.heldInBooks ?? 0n;
      return wallet.held >= stored ? [] : [`${wallet.account}: memory holds ${wallet.held}, the books ${stored}`];
    });
  }

  #amounts(holds: readonly HoldWrite[], sign: 1n | -1n): Held {
    const amounts = new Map<bigint, bigint>();
    for (const { hold } of holds) {
      const before = this.#model.wallets.get(hold.walletId)?.holds.get(hold.holdId);
      const more = (reservedBy(hold) - (before?.state === 'open' ? before.amount : 0n)) * sign;
      if (more > 0n) amounts.set(hold.walletId, (amounts.get(hold.walletId) ?? 0n) + more);
    }
    return amounts;
  }
}
