import { type ParsedEvent, parseUsageEvent, printable, shorten } from './parse-event.ts';

/** Fields of a usage event that `data` may hold; the rest comes from the attributes of the CloudEvent. */
const DATA_FIELDS = ['meter', 'quantity', 'account', 'sequence', 'properties'] as const;

/**
 * Reads a CloudEvent 1.0 in JSON as a usage event: `id`, `source` and `time` (required here) are its identity; `data` holds
 * `quantity` and may hold `meter` (else `type`), `account` (else `subject`), `sequence` and `properties`. Extension attributes
 * are for those who carry the event, and are not read.
 */
export function parseCloudEvent(raw: unknown, tenant: string): ParsedEvent {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return parseUsageEvent(raw, false, tenant);
  const event = raw as { readonly [key: string]: unknown };
  const id = typeof event.id === 'string' ? shorten(event.id, 256) : null;
  const refuse = (field: string, value: unknown, fix: string): ParsedEvent => ({
    ok: false,
    id,
    rejection: {
      code: value === undefined ? 'EVENT_FIELD_MISSING' : 'EVENT_FIELD_TYPE',
      field,
      value: printable(value),
      fix,
    },
  });
  if (event.specversion !== '1.0') return refuse('specversion', event.specversion, 'Send "specversion": "1.0".');
  if (typeof event.type !== 'string') return refuse('type', event.type, 'Send type as a string.');
  // Without it every retry would have a time of its own, and so be another event: billed twice.
  if (typeof event.time !== 'string')
    return refuse('time', event.time, 'Send when it happened as time (RFC 3339), the same on every retry.');
  const { data } = event;
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    return refuse(
      'data',
      data,
      'Send data as an object with quantity, and meter and account unless type and subject are.',
    );
  const given = data as { readonly [key: string]: unknown };
  for (const field in given) {
    if (!DATA_FIELDS.some((known) => known === field)) {
      const fix = 'Move it into data.properties, or remove it.';
      return {
        ok: false,
        id,
        rejection: {
          code: 'EVENT_FIELD_UNKNOWN',
          field: `data.${shorten(field, 59)}`,
          value: printable(given[field]),
          fix,
        },
      };
    }
  }
  const { meter = event.type, account = event.subject, quantity, sequence, properties } = given;
  return parseUsageEvent(
    {
      id: event.id,
      source: event.source,
      account,
      meter,
      quantity,
      occurredAt: event.time,
      ...(sequence === undefined ? {} : { sequence }),
      ...(properties === undefined ? {} : { properties }),
      ...(event.tenant === undefined ? {} : { tenant: event.tenant }),
    },
    false,
    tenant,
  );
}
