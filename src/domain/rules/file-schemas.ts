import { z } from 'zod';
import { listShape } from './list-file.ts';
import { pricingShape } from './pricing-file.ts';
import { rulesetShape } from './ruleset-file.ts';
import { ruleJsonSchema } from './shown-rule-schema.ts';

/**
 * JSON Schemas of every kind of file, by the name they are published under in `docs/`: editors complete and check with
 * them. They know shapes; what values mean together is checked when the files are loaded.
 */
export function fileSchemas(): Readonly<Record<string, unknown>> {
  return {
    'rule.schema.json': ruleJsonSchema(),
    'ruleset.schema.json': schemaOf(rulesetShape, 'What the rules of a Tollkeeper ruleset lead to'),
    'pricing.schema.json': schemaOf(pricingShape, 'What usage costs in Tollkeeper'),
    'list.schema.json': schemaOf(listShape, 'A list that Tollkeeper rules name'),
  };
}

function schemaOf(shape: z.ZodType, title: string): unknown {
  return { ...z.toJSONSchema(shape, { io: 'input' }), title };
}
