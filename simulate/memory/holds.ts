import type { Hold } from '../../src/domain/ledger/hold.ts';
import { type HoldOperation, type HoldReference, type HoldRows, holdName } from '../../src/pipeline/holds/hold-rows.ts';
import type { MemoryLedger } from './ledger.ts';

/** The holds inside one transaction in memory: what it wrote it sees itself, and everybody once it is in force. */
export class MemoryHolds implements HoldRows {
  readonly #ledger: MemoryLedger;
  readonly #holds = new Map<string, Hold>();
  readonly #operations = new Map<string, HoldOperation>();

  constructor(ledger: MemoryLedger) {
    this.#ledger = ledger;
  }

  readonly find: HoldRows['find'] = async (references) =>
    references.flatMap((reference) => {
      const hold = this.#holds.get(holdName(reference)) ?? this.#ledger.holds.get(holdName(reference));
      if (hold === undefined) return [];
      const name = operationName(reference);
      const answered = this.#operations.get(name) ?? this.#ledger.holdOperations.get(name);
      return [{ hold, answered }];
    });

  readonly write: HoldRows['write'] = async (holds, operations) => {
    const taken = new Set<string>();
    for (const { hold, isNew } of holds) {
      const name = holdName(hold);
      if (isNew && this.#ledger.holds.has(name)) taken.add(name);
      else this.#holds.set(name, hold);
    }
    for (const operation of operations) {
      if (operation.isOfNewHold && taken.has(holdName(operation))) continue;
      const result: unknown = JSON.parse(JSON.stringify(operation.result));
      this.#operations.set(operationName(operation), { ...operation, result });
    }
    return taken;
  };

  commit(): void {
    for (const [name, hold] of this.#holds) this.#ledger.holds.set(name, hold);
    for (const [name, operation] of this.#operations) this.#ledger.holdOperations.set(name, operation);
  }
}

function operationName(reference: HoldReference): string {
  return `${holdName(reference)}\u0000${reference.key}`;
}
