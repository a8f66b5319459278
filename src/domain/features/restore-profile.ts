import { z } from 'zod';
import { PROFILE_HOURS, Profile, VALUES_MAX } from './profile.ts';

const saved = z.object({
  at: z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]),
  recent: z.tuple([z.number(), z.number()]),
  hours: z.array(z.number()).max(PROFILE_HOURS),
  known: z.array(z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])).max(VALUES_MAX)),
});

/** A profile from its stored form; a fresh one when there is none. Throws on damage. */
export function restoreProfile(data: unknown): Profile {
  const profile = new Profile();
  if (data === undefined || data === null) return profile;
  const { at, recent, hours, known } = saved.parse(data);
  [profile.firstMs, profile.events, profile.firstRealMs, profile.realEvents, profile.headHour] = at;
  [profile.recent, profile.recentAtMs] = recent;
  const first = Math.max(0, profile.headHour - PROFILE_HOURS + 1);
  for (const [index, count] of hours.entries()) profile.hours[(first + index) % PROFILE_HOURS] = count;
  for (const [dimension, values] of known.entries()) {
    for (const [id, firstMs, count, eventsBefore, perDayBefore] of values) {
      profile.known[dimension]?.push({ id, firstMs, count, eventsBefore, perDayBefore });
    }
  }
  return profile;
}
