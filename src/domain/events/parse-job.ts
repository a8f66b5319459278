import { lineOfEvent, parseEventLine } from './event-line.ts';
import { type ParsedEvent, parseUsageEvent, printable, shorten } from './parse-event.ts';
import type { Rejection } from './usage-event.ts';

/** Limits of one job. */
export const JOB_EVENTS_MAX = 10_000;
export const JOB_BYTES_MAX = 4 * 1024 * 1024;

/** Marks job data that was not JSON at all: the queue adapter puts the raw text here instead of losing it. */
export const UNPARSABLE = 'tollkeeper:unparsable';

/** A job is read into one result per event, in input order, or refused as a whole with the reason. */
export type ParsedJob =
  | {
      readonly ok: true;
      readonly events: readonly ParsedEvent[];
      readonly raws: readonly unknown[];
      readonly clock: 'wall' | 'file';
    }
  | { readonly ok: false; readonly rejection: Rejection };

/**
 * Reads job data: one event, or `{ v: 1, events: […] }`. On a trusted (internal) queue it may also name a tenant per
 * event and ask for the file clock.
 *
 * @param bytes size of the data as received, when the queue knows it.
 */
export function parseJob(data: unknown, options: { readonly trusted: boolean; readonly bytes?: number }): ParsedJob {
  if (typeof data === 'object' && data !== null && UNPARSABLE in data) {
    return refuse(
      'JOB_NOT_JSON',
      '(data)',
      data[UNPARSABLE],
      'Send the job data as JSON: one event, or { "v": 1, "events": [ … ] }.',
    );
  }
  if ((options.bytes ?? 0) > JOB_BYTES_MAX) {
    return refuse(
      'JOB_TOO_LARGE',
      '(data)',
      `${options.bytes} bytes`,
      `Split the job: at most ${JOB_BYTES_MAX} bytes and ${JOB_EVENTS_MAX} events.`,
    );
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return refuse('JOB_SHAPE', '(data)', data, 'Send one event object, or { "v": 1, "events": [ … ] }.');
  }
  const job = data as { readonly [key: string]: unknown };
  if (!('events' in job)) return single(job, options.trusted);
  if (job.v !== 1) return refuse('JOB_SHAPE', 'v', job.v, 'Send "v": 1; no other version exists.');
  if (!Array.isArray(job.events)) return refuse('JOB_SHAPE', 'events', job.events, 'Send events as an array.');
  for (const key of Object.keys(job)) {
    const known = key === 'v' || key === 'events' || (options.trusted && key === 'clock');
    if (!known) return refuse('JOB_SHAPE', key, job[key], 'Remove it; a job holds v and events only.');
  }
  const raws: readonly unknown[] = job.events;
  if (raws.length > JOB_EVENTS_MAX) {
    return refuse(
      'JOB_TOO_MANY_EVENTS',
      'events',
      `${raws.length} events`,
      `Split the job: at most ${JOB_EVENTS_MAX} events.`,
    );
  }
  const clock = job.clock === 'file' ? 'file' : 'wall';
  if (options.trusted) return { ok: true, ...readTrusted(raws), clock };
  return { ok: true, events: raws.map((raw) => parseUsageEvent(raw, false)), raws, clock };
}

/** Our own commands may send the text of a line in the place of an event. */
function readTrusted(raws: readonly unknown[]): { readonly events: ParsedEvent[]; readonly raws: readonly unknown[] } {
  const read = raws.map((raw) => {
    const line = lineOfEvent(raw);
    return line === undefined ? { parsed: parseUsageEvent(raw, true), raw } : parseEventLine(line);
  });
  return { events: read.map(({ parsed }) => parsed), raws: read.map(({ raw }) => raw) };
}

function single(job: { readonly [key: string]: unknown }, trusted: boolean): ParsedJob {
  return { ok: true, events: [parseUsageEvent(job, trusted)], raws: [job], clock: 'wall' };
}

function refuse(code: Rejection['code'], field: string, value: unknown, fix: string): ParsedJob {
  return { ok: false, rejection: { code, field: shorten(field, 64), value: printable(value), fix } };
}
