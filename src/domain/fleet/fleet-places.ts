import type { Ruleset } from '../rules/ruleset.ts';
import type { FleetPlace } from './fleet-book.ts';
import type { CompiledFleet, FleetRow } from './fleet-rule.ts';

/** The rules across accounts of a ruleset, and what each is shown. */
export interface FleetPlaces {
  readonly rules: readonly (FleetPlace & { readonly rarity: number })[];
  /** By meter, the rules that are shown its events. */
  readonly byMeter: ReadonlyMap<string, readonly CompiledFleet[]>;
  /** How far back any of them looks. */
  readonly windowMs: number;
}

const known = new WeakMap<Ruleset, FleetPlaces>();

/** The rules across accounts that are evaluated; made once per ruleset. */
export function fleetPlacesOf(ruleset: Ruleset): FleetPlaces {
  const made = known.get(ruleset) ?? makePlaces(ruleset);
  known.set(ruleset, made);
  return made;
}

/** Whether any rule learns something from a row. */
export function isWanted({ byMeter }: FleetPlaces, row: FleetRow): boolean {
  return byMeter.get(row.meter)?.some(({ wants }) => wants === undefined || wants(row)) === true;
}

function makePlaces(ruleset: Ruleset): FleetPlaces {
  const rules = ruleset.judgedRules.flatMap(({ id, shown }) =>
    shown?.kind === 'fleet' ? [{ ruleId: id, fleet: shown.fleet, rarity: shown.rarity }] : [],
  );
  const byMeter = new Map<string, CompiledFleet[]>();
  for (const { fleet } of rules) byMeter.set(fleet.meter, [...(byMeter.get(fleet.meter) ?? []), fleet]);
  return { rules, byMeter, windowMs: Math.max(0, ...rules.map(({ fleet }) => fleet.windowMs)) };
}
