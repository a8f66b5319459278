import type { SourcedRule } from './check-ruleset.ts';
import type { PriceBook } from './price-book.ts';
import type { Ruleset } from './ruleset.ts';
import type { YamlSource } from './yaml-source.ts';

interface NewRules {
  readonly rules: readonly SourcedRule[];
  readonly pricing: PriceBook | undefined;
  readonly pricingSource: YamlSource | undefined;
}

/** Checks what may not, or should not, change from one ruleset to the next while a service runs. */
export function checkChange({ rules, pricing, pricingSource }: NewRules, inForce: Ruleset): void {
  if (pricing !== undefined && pricing.currency !== inForce.pricing.currency) {
    const message = `${pricing.currency}, but wallets are being debited in ${inForce.pricing.currency}.`;
    pricingSource?.report(['currency'], 'RULE-SAFE-012', message, `currency: ${inForce.pricing.currency}, or restart`);
  }
  const known = new Map(inForce.rules.map((rule) => [rule.id, rule.mode]));
  for (const { rule, source } of rules) {
    const before = known.get(rule.id);
    if (rule.mode !== 'live' || before === 'live' || before === 'shadow') continue;
    const message = `${rule.id} was ${before ?? 'not there'} until now: nobody has seen what it would have done.`;
    source.warn(['mode'], 'RULE-SAFE-011', message, 'mode: shadow for two weeks first');
  }
}
