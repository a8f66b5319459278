import { formatRuleLoadError, type Ruleset } from '../domain/rules/ruleset.ts';
import { AppError } from '../errors.ts';
import type { CliContext } from './context.ts';

/** The rules a command works with; `AppError(RULES_INVALID)` lists everything that is wrong with them. */
export async function rulesInForce(context: CliContext): Promise<Ruleset> {
  const { directory, result } = await context.readRules();
  if (result.ok) return result.ruleset;
  throw new AppError(
    'RULES_INVALID',
    [`The rules in ${directory} do not load.`, ...result.errors.map(formatRuleLoadError)].join('\n'),
  );
}
