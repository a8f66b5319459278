import { z } from 'zod';

/** Why a wallet is frozen: a person with a reason, or a decision with the rules that fired and its alert. */
export const freezeCauseSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('person'), actor: z.string(), reason: z.string().nullable() }),
  z.object({ kind: z.literal('rules'), rules: z.array(z.string()), alert: z.string().nullable() }),
]);

export type FreezeCause = z.infer<typeof freezeCauseSchema>;
