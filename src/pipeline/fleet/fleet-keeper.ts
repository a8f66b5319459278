import { rawAt } from '../../domain/calibration/calibration.ts';
import { FleetBook } from '../../domain/fleet/fleet-book.ts';
import { fleetIncidentMs } from '../../domain/fleet/fleet-mark.ts';
import { type FleetPlaces, fleetPlacesOf } from '../../domain/fleet/fleet-places.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { HOUR_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { FleetStore, FoldedSighting, FoldTurn, NewFinding, TenantPast } from './fleet-store.ts';
import { PlatformKeeper } from './platform-keeper.ts';

export interface FleetKeeperOptions {
  readonly store: FleetStore;
  /** The rules as lanes run them. */
  readonly ruleset: () => Ruleset;
  /** Names this process in the keeper's row. */
  readonly owner: string;
}

/** What one turn did. */
export interface FleetTurn {
  readonly isKeeper: boolean;
  readonly folded: number;
  readonly findings: number;
}

const ROWS_A_TURN = 2_000;

/** Tenants whose state is kept in memory; the state of others is read again when something of theirs happens. */
const TENANTS_MAX = 256;

/** Evidence that has risen by less is no news. */
const RISE_MIN = 0.25;

/** Findings remembered per tenant. */
const TOLD_MAX = 50_000;

const FORGET_EVERY_TURNS = 1_000;

/** The rules across accounts for one tenant, as far as its rows were folded. */
interface Tenant {
  readonly book: FleetBook;
  /** By rule and account, what was found last. */
  readonly told: Map<string, { readonly raw: number; readonly atMs: number }>;
}

/**
 * Runs the rules across accounts on live traffic. One process is the keeper: it folds the rows that lanes have written, in
 * one order that is stored with them, and hands what it finds to the accounts' lanes. State is memory only and bounded; a
 * new keeper, or one whose transaction failed, reads it again from the rows.
 */
export class FleetKeeper {
  readonly #options: FleetKeeperOptions;
  readonly #platform: PlatformKeeper;
  #epoch: bigint | undefined;
  #rulesetHash = '';
  #turns = 0;
  #tenants = new Map<string, Tenant>();

  constructor(options: FleetKeeperOptions) {
    this.#options = options;
    this.#platform = new PlatformKeeper(options.store);
  }

  /** Folds what waits, all of it; does nothing while another process is the keeper. */
  async turn(): Promise<FleetTurn> {
    const { store, owner } = this.#options;
    try {
      this.#epoch ??= await store.claim(owner);
      if (this.#epoch === undefined) return { isKeeper: false, folded: 0, findings: 0 };
      const done = await this.#foldAll(this.#epoch);
      await this.#platform.turn();
      return { isKeeper: true, ...done };
    } catch (error) {
      // What was folded in memory is perhaps not stored, and the other way round.
      this.#tenants.clear();
      this.#epoch = undefined;
      if (error instanceof AppError && error.code === 'LANE_FENCED') return { isKeeper: false, folded: 0, findings: 0 };
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#epoch = undefined;
    await this.#options.store.release();
  }

  async #foldAll(epoch: bigint): Promise<{ readonly folded: number; readonly findings: number }> {
    const { store } = this.#options;
    let folded = 0;
    let findings = 0;
    for (;;) {
      const ruleset = this.#options.ruleset();
      const places = fleetPlacesOf(ruleset);
      if (ruleset.hash !== this.#rulesetHash) this.#tenants.clear();
      this.#rulesetHash = ruleset.hash;
      const scope = {
        most: ROWS_A_TURN,
        rulesetHash: ruleset.hash,
        sinceMs: (nowMs: number) => nowMs - keptMs(places),
      };
      const rows = await store.fold(epoch, scope, async (turn) => {
        const found = await this.#fold(turn, places);
        findings += found.length;
        return found;
      });
      folded += rows;
      if (rows > 0 && this.#turns++ % FORGET_EVERY_TURNS === 0) {
        const nowMs = await store.clockMs();
        if (nowMs !== undefined) await store.forget(nowMs - keptMs(places) - HOUR_MS);
      }
      if (rows < ROWS_A_TURN) return { folded, findings };
    }
  }

  async #fold({ rows, past }: FoldTurn, places: FleetPlaces): Promise<readonly NewFinding[]> {
    const findings: NewFinding[] = [];
    for (const sighting of rows) {
      const tenant = await this.#tenantOf(sighting.tenant, places, past);
      findings.push(...foldRow(tenant, sighting, places));
    }
    return findings;
  }

  async #tenantOf(name: string, places: FleetPlaces, past: FoldTurn['past']): Promise<Tenant> {
    const known = this.#tenants.get(name);
    if (known !== undefined) return known;
    for (const oldest of this.#tenants.keys()) {
      if (this.#tenants.size < TENANTS_MAX) break;
      this.#tenants.delete(oldest);
    }
    const made = openTenant(places, await past(name));
    this.#tenants.set(name, made);
    return made;
  }
}

/** How long rows and findings matter to any rule. */
function keptMs(places: FleetPlaces): number {
  return Math.max(places.windowMs, ...places.rules.map(({ fleet }) => fleetIncidentMs(fleet)));
}

function openTenant(places: FleetPlaces, { rows, told }: TenantPast): Tenant {
  const book = new FleetBook(places.rules);
  for (const { row } of rows) {
    book.add(row);
    book.publish(Number.POSITIVE_INFINITY);
  }
  const known = told.map(({ ruleId, account, raw, atMs }) => [toldKey(ruleId, account), { raw, atMs }] as const);
  return { book, told: new Map(known) };
}

function foldRow({ book, told }: Tenant, sighting: FoldedSighting, places: FleetPlaces): NewFinding[] {
  const { tenant, row, foldNo } = sighting;
  const atMs = row.ingestedAtMs;
  // One row may tell several times of one account; its highest counts.
  const highest = new Map<string, NewFinding>();
  book.add(row);
  for (const { ruleId, account, raw } of book.publish(Number.POSITIVE_INFINITY)) {
    const rule = places.rules.find((place) => place.ruleId === ruleId);
    if (rule === undefined || raw < rawAt(rule.fleet.prior, rule.rarity)) continue;
    const key = toldKey(ruleId, account);
    const before = told.get(key);
    const isNews =
      before === undefined || atMs - before.atMs > fleetIncidentMs(rule.fleet) || raw >= before.raw + RISE_MIN;
    if (!isNews) continue;
    told.delete(key);
    told.set(key, { raw, atMs });
    highest.set(key, { tenant, account, ruleId, raw, atMs, foldNo });
  }
  for (const oldest of told.keys()) {
    if (told.size <= TOLD_MAX) break;
    told.delete(oldest);
  }
  return [...highest.values()];
}

// No id of a rule holds a blank.
function toldKey(ruleId: string, account: string): string {
  return `${ruleId} ${account}`;
}
