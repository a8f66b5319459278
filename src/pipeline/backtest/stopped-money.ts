import type { FraudLedger } from './fraud-ledger.ts';

/** What was stopped, and whose it was; nano-units. */
export interface StoppedShares {
  readonly stoppedNanos: number;
  /** Of it, what thieves would have taken. */
  readonly savedNanos: number;
  /** Of it, what honest customers wanted. */
  readonly frictionNanos: number;
}

/**
 * Usage that freezes kept from being charged. Whose it was is known at the end only: where single events are not labelled,
 * an attack's loss is shared by all usage of its stretch, and how much that is nobody knows before the history is over.
 */
export class StoppedMoney {
  stoppedNanos = 0;
  #honestNanos = 0;
  /** What was stopped of each attack's stretch. */
  readonly #ofAttack = new Map<number, number>();

  /** Adds the event that the ledger has booked last. */
  add(spendNanos: number, ledger: FraudLedger | undefined): void {
    this.stoppedNanos += spendNanos;
    const attack = ledger?.bookedAttack;
    if (attack === undefined) this.#honestNanos += spendNanos;
    else this.#ofAttack.set(attack, (this.#ofAttack.get(attack) ?? 0) + (ledger?.bookedNanos ?? 0));
  }

  /** What has been added so far, as labels share it out; all of it is honest without any. */
  shares(ledger: FraudLedger | undefined): StoppedShares {
    let savedNanos = 0;
    let frictionNanos = this.#honestNanos;
    for (const [attack, nanos] of this.#ofAttack) {
      const { stolen, honest } = ledger?.sharesOf(attack) ?? { stolen: 0, honest: 1 };
      savedNanos += nanos * stolen;
      frictionNanos += nanos * honest;
    }
    return { stoppedNanos: this.stoppedNanos, savedNanos, frictionNanos };
  }
}
