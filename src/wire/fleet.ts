import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { createFleetStore, lanesWithFindings } from '../adapters/postgres/fleet-store.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { AppError } from '../errors.ts';
import { FleetKeeper } from '../pipeline/fleet/fleet-keeper.ts';
import type { LaneWriter } from '../pipeline/lane/lane-writer.ts';

/** How often what lanes have written is folded: a finding is judged about this long after its event. */
const TURN_MS = 1_000;

export interface FleetOptions {
  readonly pool: pg.Pool;
  readonly connectionString: string;
  /** The rules as lanes run them. */
  readonly ruleset: () => Ruleset;
  readonly owner: string;
  /** Writers of the lanes that this process owns now. */
  readonly writers: ReadonlyMap<number, LaneWriter>;
  readonly onRetry: (what: string, attempt: number, error: unknown) => void;
}

/**
 * Runs the rules across accounts while this process is their keeper, and brings findings to judgement in its own lanes,
 * whoever found them: a lane without usage would otherwise learn of them with its next event only.
 */
export function startFleet(options: FleetOptions): { readonly close: () => Promise<void> } {
  const { pool, connectionString, ruleset, owner } = options;
  const store = createFleetStore(pool, { connectionString, currency: () => ruleset().pricing.currency });
  const keeper = new FleetKeeper({ store, ruleset, owner });
  const abort = new AbortController();
  const loop = run(keeper, options, abort.signal);
  return {
    async close() {
      abort.abort();
      await loop;
      await keeper.close();
    },
  };
}

async function run(keeper: FleetKeeper, options: FleetOptions, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; !signal.aborted; ) {
    try {
      await keeper.turn();
      await wakeLanes(options);
      attempt = 1;
    } catch (error) {
      options.onRetry('rules across accounts', attempt++, error);
    }
    await sleep(TURN_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function wakeLanes({ pool, writers }: FleetOptions): Promise<void> {
  for (const lane of await lanesWithFindings(pool, [...writers.keys()])) {
    try {
      await writers.get(lane)?.submit([]);
    } catch (error) {
      // Its new owner wakes it.
      if (!(error instanceof AppError && (error.code === 'LANE_FENCED' || error.code === 'LANE_BUSY'))) throw error;
    }
  }
}
