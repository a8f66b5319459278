import type { Ruleset } from '../../domain/rules/ruleset.ts';
import type { StoredFact } from '../lane/facts-codec.ts';
import type { BatchBalance } from './replay-store.ts';

/** Rules whose conditions ask for the wallet. */
export function rulesOfWallet(ruleset: Ruleset): readonly string[] {
  return listed(ruleset, WALLET_RULES, ({ when, unless }) =>
    [when, unless].some((condition) => condition !== undefined && /\bwallet\s*\./.test(condition.text)),
  );
}

/** Rules that are shown the balance after every event. */
export function rulesOfBalance(ruleset: Ruleset): readonly string[] {
  return listed(ruleset, BALANCE_RULES, ({ kind }) => kind === 'drain');
}

// Asked for every batch of a lane.
const WALLET_RULES = new WeakMap<Ruleset, readonly string[]>();
const BALANCE_RULES = new WeakMap<Ruleset, readonly string[]>();

function listed(
  ruleset: Ruleset,
  known: WeakMap<Ruleset, readonly string[]>,
  isWanted: (rule: Ruleset['judgedRules'][number]) => boolean,
): readonly string[] {
  const found = known.get(ruleset) ?? ruleset.judgedRules.filter(isWanted).map(({ id }) => id);
  known.set(ruleset, found);
  return found;
}

/** A wallet's balance after each of its events, from what its batches found and left. */
export class BalanceWalk {
  readonly #batches: readonly BatchBalance[];
  #next = 0;
  #balance = 0n;
  #after: readonly bigint[] = [];
  #posted = 0;
  /** False once a posted event has no entry: it is in the archive. */
  isComplete = true;

  constructor(batches: readonly BatchBalance[]) {
    this.#batches = batches;
  }

  /** Goes on to a batch; what was posted in between (a top-up, a release) is in its opening balance. */
  enter(batchNo: number): void {
    this.#after = [];
    this.#posted = 0;
    for (; this.#next < this.#batches.length; this.#next++) {
      const batch = this.#batches[this.#next];
      if (batch === undefined || batch.batchNo > batchNo) return;
      const isHere = batch.batchNo === batchNo;
      this.#balance = isHere ? batch.opening : batch.closing;
      if (isHere) this.#after = batch.after;
    }
  }

  /** The balance after the next event of the batch, in nano-units. */
  after({ status }: StoredFact): number {
    if (status === 'posted') {
      const balance = this.#after[this.#posted++];
      if (balance === undefined) this.isComplete = false;
      else this.#balance = balance;
    }
    return Number(this.#balance);
  }
}
