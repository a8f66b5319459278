import type { Gate, Incident } from '../features/incident.ts';
import type { CompiledRule } from '../rules/compiled-rule.ts';

/** A rule whose window is over its cut-off now. */
export interface Hit {
  readonly rule: CompiledRule;
  readonly observed: number;
  /** Money at risk now, nano-units; only of rules that ask for it. */
  readonly atRiskNanos?: number | undefined;
  /** Over its cut-off, but its conditions cannot be said: told once like a hit, behind a gate of its own. */
  readonly isUnsure?: boolean;
}

/** Whether the rule may speak: it has not in a while, or what it observes (or the money at risk) has doubled since. */
export function isGateOpen(incident: Incident | null, hit: Hit, nowMs: number): boolean {
  const { rule, observed } = hit;
  const gate = gateOf(incident, gateId(hit));
  if (gate === undefined || nowMs - gate.raisedAtMs >= rule.once.forMs) return true;
  if (rule.once.againIf === 'observed_doubles') return observed >= 2 * gate.observed;
  const { atRiskNanos = 0 } = hit;
  // Nothing doubles to nothing: an alert without any money at risk is repeated once there is some.
  return rule.once.againIf === 'money_at_risk_doubles' && atRiskNanos > 0 && atRiskNanos >= 2 * (gate.atRiskNanos ?? 0);
}

/** The harshest outcome already raised while some live rule is still silenced; 0 when the incident is over. */
export function openSeverity(incident: Incident | null, rules: readonly CompiledRule[], nowMs: number): number {
  if (incident === null) return 0;
  const isOpen = rules.some((rule) => rule.mode === 'live' && isSilenced(incident, rule, nowMs));
  return isOpen ? incident.severity : 0;
}

/** The incident after these rules have spoken. Gates of rules that are gone or may speak again are dropped. */
export function afterSpeaking(
  incident: Incident | null,
  spoken: readonly Hit[],
  { rules, severity, nowMs }: { rules: readonly CompiledRule[]; severity: number; nowMs: number },
): Incident {
  const open = openSeverity(incident, rules, nowMs);
  const gates: Gate[] = [];
  for (const rule of rules) {
    for (const isUnsure of [false, true]) {
      const ruleId = gateId({ rule, isUnsure });
      const hit = spoken.find((candidate) => candidate.rule === rule && (candidate.isUnsure ?? false) === isUnsure);
      const gate = gateOf(incident, ruleId);
      if (hit !== undefined) gates.push(gateAfter(ruleId, hit, nowMs));
      else if (gate !== undefined && nowMs - gate.raisedAtMs < rule.once.forMs) gates.push(gate);
    }
  }
  const continues = incident !== null && open > 0;
  return {
    openedAtMs: continues ? incident.openedAtMs : nowMs,
    severity: Math.max(open, severity),
    gates,
  };
}

function gateAfter(ruleId: string, { observed, atRiskNanos }: Hit, nowMs: number): Gate {
  return { ruleId, raisedAtMs: nowMs, observed, ...(atRiskNanos === undefined ? {} : { atRiskNanos }) };
}

function isSilenced(incident: Incident, rule: CompiledRule, nowMs: number): boolean {
  const gate = gateOf(incident, rule.id);
  return gate !== undefined && nowMs - gate.raisedAtMs < rule.once.forMs;
}

// No id of a rule ends like this.
function gateId({ rule, isUnsure }: Pick<Hit, 'rule' | 'isUnsure'>): string {
  return isUnsure === true ? `${rule.id}?` : rule.id;
}

function gateOf(incident: Incident | null, ruleId: string): Gate | undefined {
  return incident?.gates.find((gate) => gate.ruleId === ruleId);
}
