import type { AccountFeatures } from '../features/feature-state.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { DAY_MS } from '../time.ts';
import type { CompiledFleet } from './fleet-rule.ts';

/** What a rule across accounts has found about one account; part of its features, so that all its rules count together. */
export interface FleetMark {
  readonly ruleId: string;
  /** Highest raw evidence of the incident that is open, in decades. */
  raw: number;
  /** When it rose last, by the clock of the account's lane. */
  roseAtMs: number;
}

/** An incident ends when nothing rose for this long, or for the rule's window when that is longer. */
export const FLEET_INCIDENT_MS = 2 * DAY_MS;

/** After how long without a rise the next finding begins an incident of its own. */
export function fleetIncidentMs({ windowMs }: CompiledFleet): number {
  return Math.max(FLEET_INCIDENT_MS, windowMs);
}

/**
 * Notes a finding about an account; call `judge` after it, as after a fold. Returns whether it says anything new. Findings
 * of rules that are not in force any more say nothing, and their marks are dropped.
 */
export function noteFleet(
  features: AccountFeatures,
  finding: { readonly ruleId: string; readonly raw: number; readonly atMs: number },
  ruleset: Ruleset,
): boolean {
  const { ruleId, raw, atMs } = finding;
  const fleets = new Map<string, CompiledFleet>();
  for (const { id, shown } of ruleset.judgedRules) if (shown?.kind === 'fleet') fleets.set(id, shown.fleet);
  const fleet = fleets.get(ruleId);
  if (fleet === undefined) return false;
  features.fleet = features.fleet.filter((mark) => fleets.has(mark.ruleId));
  const known = features.fleet.find((mark) => mark.ruleId === ruleId);
  if (known === undefined) features.fleet.push({ ruleId, raw, roseAtMs: atMs });
  else if (atMs - known.roseAtMs > fleetIncidentMs(fleet) || raw > known.raw) {
    known.raw = raw;
    known.roseAtMs = atMs;
  } else return false;
  features.transient.fleetRose = ruleId;
  return true;
}
