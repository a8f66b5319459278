import type { CompiledFleet, FleetRow, FleetRun } from './fleet-rule.ts';

/** A fleet rule and the id it speaks by. */
export interface FleetPlace {
  readonly ruleId: string;
  readonly fleet: CompiledFleet;
}

/** What a fleet rule says about an account. */
export interface FleetHit {
  readonly ruleId: string;
  readonly account: string;
  readonly raw: number;
}

/**
 * The time between an event and the version of the links in which lanes can read it: rows are written with the lane's
 * transaction, folded by the fleet's own lane and published. A replay waits as long, so that it does not look better than
 * the running service can be.
 */
export const PUBLICATION_DELAY_MS = 10_000;

/** All rules across accounts. Rows wait for their publication and are then folded in the order they came. */
export class FleetBook {
  readonly #runs: readonly { readonly ruleId: string; readonly run: FleetRun }[];
  readonly #meters: ReadonlySet<string>;
  readonly #waiting: FleetRow[] = [];
  #head = 0;

  constructor(places: readonly FleetPlace[]) {
    this.#runs = places.map(({ ruleId, fleet }) => ({ ruleId, run: fleet.open() }));
    this.#meters = new Set(places.map(({ fleet }) => fleet.meter));
  }

  /** Whether any rule looks at events of this meter; others need no row. */
  looksAt(meter: string): boolean {
    return this.#meters.has(meter);
  }

  /** Hands over a row; returns at once. */
  add(row: FleetRow): void {
    this.#waiting.push(row);
  }

  /** Folds the rows that are published by now and answers what their rules say. */
  publish(nowMs: number): readonly FleetHit[] {
    let hits: FleetHit[] | undefined;
    for (; this.#head < this.#waiting.length; this.#head++) {
      const row = this.#waiting[this.#head];
      if (row === undefined || nowMs - row.ingestedAtMs < PUBLICATION_DELAY_MS) break;
      for (const { ruleId, run } of this.#runs) {
        run.see(row, (account, raw) => {
          hits ??= [];
          hits.push({ ruleId, account, raw });
        });
      }
    }
    if (this.#head > 0 && this.#head === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#head = 0;
    }
    return hits ?? NOTHING;
  }
}

const NOTHING: readonly FleetHit[] = [];
