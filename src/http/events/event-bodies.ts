import { JOB_EVENTS_MAX } from '../../domain/events/parse-job.ts';
import type { SentFormat } from '../../domain/events/sent-events.ts';
import { AppError } from '../../errors.ts';
import { bodyText, checkDepth, parseJson } from '../body/json-body.ts';
import { RequestProblem } from '../server/problem.ts';

/** Events of a body, as they came. */
export interface EventBody {
  readonly format: SentFormat;
  readonly raws: readonly unknown[];
}

/** Media types of usage, and how each is read. */
export const EVENT_MEDIA_TYPES: Readonly<Record<string, (text: string) => EventBody>> = {
  'application/json': plainEvents,
  'application/cloudevents+json': (text) => ({ format: 'cloudevents', raws: [objectOf(text)] }),
  'application/cloudevents-batch+json': (text) => ({ format: 'cloudevents', raws: arrayOf(text) }),
  'application/x-ndjson': lines,
  'application/ndjson': lines,
  'application/jsonl': lines,
};

/** The events of a body: a problem when it cannot be read as a whole, or holds too many or none. */
export function readEventBody(mediaType: string, bytes: Uint8Array): EventBody {
  const read = EVENT_MEDIA_TYPES[mediaType];
  if (read === undefined) throw new AppError('MEDIA_TYPE_UNKNOWN', `Usage does not come as ${mediaType}.`);
  const body = read(bodyText(bytes));
  if (body.raws.length > JOB_EVENTS_MAX)
    throw new AppError('BODY_TOO_LARGE', `The body holds ${body.raws.length} events; ${JOB_EVENTS_MAX} are the most.`);
  if (body.raws.length === 0) throw new RequestProblem([{ field: 'body', message: 'holds no event' }]);
  return body;
}

/** `{…}`, `[{…}, …]` or `{ "events": [{…}, …] }`, with or without `"v": 1` as on the queue. */
function plainEvents(text: string): EventBody {
  const value = jsonOf(text);
  if (Array.isArray(value)) return { format: 'plain', raws: value };
  if (typeof value !== 'object' || value === null)
    throw new RequestProblem([{ field: 'body', message: 'is neither an event nor a list of events' }]);
  if (!('events' in value)) return { format: 'plain', raws: [value] };
  const { events, v, ...rest } = value as { readonly [key: string]: unknown };
  if (!Array.isArray(events)) throw new RequestProblem([{ field: 'body.events', message: 'is not an array' }]);
  if (v !== undefined && v !== 1) throw new RequestProblem([{ field: 'body.v', message: 'is not 1' }]);
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new RequestProblem([
      { field: `body.${unknown.slice(0, 60)}`, message: 'is unknown; a list holds events only' },
    ]);
  return { format: 'plain', raws: events };
}

/** One event a line. What is no JSON is handed on as its text, to be refused alone. */
function lines(text: string): EventBody {
  checkDepth(text);
  const raws: unknown[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    // One more than allowed is enough to know.
    if (raws.length > JOB_EVENTS_MAX) break;
    try {
      raws.push(JSON.parse(line));
    } catch {
      raws.push(line);
    }
  }
  return { format: 'lines', raws };
}

function objectOf(text: string): unknown {
  const value = jsonOf(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new RequestProblem([
    { field: 'body', message: 'is no CloudEvent; lists go as application/cloudevents-batch+json' },
  ]);
}

function arrayOf(text: string): readonly unknown[] {
  const value = jsonOf(text);
  if (Array.isArray(value)) return value;
  throw new RequestProblem([{ field: 'body', message: 'is not an array of CloudEvents' }]);
}

function jsonOf(text: string): unknown {
  checkDepth(text);
  return parseJson(text);
}
