import type { Profile } from '../features/profile.ts';

/** People re-send, backfill and set clocks while they connect: the first events say nothing. */
export const SETTLED_EVENTS = 20;

/** Why an account is too new for what only a settled one should not do; undefined once it is settled. */
export function missingEvents({ events }: Profile): string | undefined {
  return events >= SETTLED_EVENTS ? undefined : `${events} of ${SETTLED_EVENTS} events so far`;
}
