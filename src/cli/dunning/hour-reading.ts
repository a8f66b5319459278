import { HOURS_OF_WEEK, type ZoneClock, zoneClock } from '../../domain/dunning/local-time.ts';
import type { SecretPayer } from './payer.ts';

/** Whose week the 168 numbers of a file are, and which day it begins with. */
export interface HourReading {
  readonly zone: 'local' | 'utc';
  readonly firstDay: 'monday' | 'sunday';
}

/** The first is taken when a file does not tell. */
export const HOUR_READINGS: readonly HourReading[] = [
  { zone: 'local', firstDay: 'monday' },
  { zone: 'utc', firstDay: 'monday' },
  { zone: 'local', firstDay: 'sunday' },
  { zone: 'utc', firstDay: 'sunday' },
];

const UTC = zoneClock('UTC');

/** The index of a moment in a file's 168 numbers. */
export function indexAt({ zone, firstDay }: HourReading, clock: ZoneClock, atMs: number): number {
  const { hourOfWeek } = (zone === 'utc' ? UTC : clock).at(atMs);
  return firstDay === 'monday' ? hourOfWeek : (hourOfWeek + 24) % HOURS_OF_WEEK;
}

/**
 * The numbers as of the payer's own week from Monday, which is how policies look at them. A file in UTC is moved by the
 * zone's offset at `atMs`, whole hours.
 */
export function toLocalWeek(
  values: readonly number[],
  reading: HourReading,
  clock: ZoneClock,
  atMs: number,
): readonly number[] {
  const shift = indexAt(reading, clock, atMs) - clock.at(atMs).hourOfWeek;
  return Array.from(
    { length: HOURS_OF_WEEK },
    (_, hour) => values[(((hour + shift) % HOURS_OF_WEEK) + HOURS_OF_WEEK) % HOURS_OF_WEEK] ?? 0,
  );
}

/**
 * Which reading a file was written in, from the file itself: the one under which the payers' histories are most probable given
 * their own success curves. One choice for the whole file, made by the referee; policies never see the curves.
 */
export function guessReading(
  payers: readonly SecretPayer[],
  clockOf: (payer: SecretPayer) => ZoneClock,
): { readonly reading: HourReading; readonly isSure: boolean } {
  const fits = HOUR_READINGS.map((reading) => ({ reading, fit: fitOf(payers, clockOf, reading) }));
  const [first, ...others] = fits;
  let best = first ?? { reading: { zone: 'local', firstDay: 'monday' } as const, fit: 0 };
  // The usual reading stands until another is clearly better: chance alone moves the fit by a few units.
  for (const other of others) if (other.fit > best.fit + (best === first ? SURE : 0)) best = other;
  const isSure = fits.every(({ fit }) => fit === best.fit || best.fit > fit + SURE);
  return { reading: best.reading, isSure };
}

const SURE = 5;
const [LOW, HIGH] = [0.02, 0.98];

function fitOf(
  payers: readonly SecretPayer[],
  clockOf: (payer: SecretPayer) => ZoneClock,
  reading: HourReading,
): number {
  let fit = 0;
  for (const secret of payers) {
    const clock = clockOf(secret);
    for (const { atMs, succeeded } of secret.payer.history) {
      const p = Math.min(HIGH, Math.max(LOW, secret.success[indexAt(reading, clock, atMs)] ?? 0));
      fit += Math.log(succeeded ? p : 1 - p);
    }
  }
  return fit;
}
