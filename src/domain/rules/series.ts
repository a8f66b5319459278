import type { FeatureUnit } from '../features/feature-unit.ts';
import { HOUR_MS, MINUTE_MS } from '../time.ts';
import type { SeriesStep } from './compiled-rule.ts';
import type { Parsed } from './units.ts';

/** Hours a test may last: what is kept and a week more. */
export const SERIES_HOURS_MAX = 1_008;

// Counted features are folded event by event, so that a test takes the path of production.
const SERIES_EVENTS_MAX = 200_000;

/**
 * Reads the compact notation of a test: `9x672 410` is 672 hours of 9, then one of 410; `410@10min` puts the hour's
 * value into its first ten minutes. Amounts are in major units for money.
 */
export function parseSeries(text: string, unit: FeatureUnit): Parsed<readonly SeriesStep[]> {
  const steps: SeriesStep[] = [];
  for (const token of text.trim().split(/\s+/)) {
    const match = /^(\d{1,9}(?:\.\d{1,6})?)(?:@(\d{1,2})min)?(?:x(\d{1,4}))?$/.exec(token);
    const minutes = match?.[2] === undefined ? undefined : Number(match[2]);
    if (match === null || (minutes !== undefined && (minutes % 5 !== 0 || minutes < 5 || minutes > 60))) {
      const message = `${JSON.stringify(token)} is not a step of a series.`;
      const fix = 'values and repeats, such as "9x672 410"; "410@10min" for a burst of 5 to 60 minutes';
      return { ok: false, code: 'RULE-TEST-005', message, fix };
    }
    const value = Number(match[1]) * (unit.kind === 'money' ? 1e9 : 1);
    steps.push({
      value: Math.round(value * 1e6) / 1e6,
      hours: match[3] === undefined ? 1 : Number(match[3]),
      burstMs: minutes === undefined ? undefined : minutes * MINUTE_MS,
    });
  }
  const hours = steps.reduce((sum, step) => sum + step.hours, 0);
  const total = steps.reduce((sum, step) => sum + step.hours * step.value, 0);
  if (hours > SERIES_HOURS_MAX) {
    return tooLong(`${hours} hours; at most ${SERIES_HOURS_MAX} are useful.`);
  }
  if (unit.kind === 'count' && unit.name === 'count' && total > SERIES_EVENTS_MAX) {
    return tooLong(`${total} events; a test may have ${SERIES_EVENTS_MAX}.`);
  }
  return { ok: true, value: steps };
}

function tooLong(message: string): Parsed<never> {
  return { ok: false, code: 'RULE-TEST-007', message, fix: 'shorten the series' };
}

/** Every hour of a series in order: its value and the time its usage is spread over. */
export function* hoursOf(steps: readonly SeriesStep[]): Generator<{ value: number; spreadMs: number }> {
  for (const step of steps) {
    for (let hour = 0; hour < step.hours; hour++) yield { value: step.value, spreadMs: step.burstMs ?? HOUR_MS };
  }
}
