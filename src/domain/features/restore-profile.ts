import { z } from 'zod';
import { VALUES_MAX } from './known-values.ts';
import { PROFILE_HOURS, Profile } from './profile.ts';

const saved = z.object({
  at: z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]),
  recent: z.tuple([z.number(), z.number()]),
  hours: z.array(z.number()).max(PROFILE_HOURS),
  known: z.array(z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])).max(VALUES_MAX)),
});

/** A profile from its stored form; a fresh one when there is none. Throws on damage. */
export function restoreProfile(data: unknown): Profile {
  const profile = new Profile();
  if (data !== undefined && data !== null) profile.restore(saved.parse(data));
  return profile;
}
