import { parseCloudEvent } from './cloud-event.ts';
import { type ParsedEvent, parseUsageEvent, printable } from './parse-event.ts';

/** How events were written: usage events, CloudEvents, or lines of which each should be a usage event. */
export const SENT_FORMATS = ['plain', 'cloudevents', 'lines'] as const;
export type SentFormat = (typeof SENT_FORMATS)[number];

/** Who sent events, as their key says. */
export interface EventSender {
  readonly tenant: string;
  /** The only accounts the key may name; all of them when undefined. */
  readonly accounts: ReadonlySet<string> | undefined;
}

/**
 * Reads what one request brought, one result per event in its order. A line that was no JSON stands among `raws` as its text.
 */
export function readSentEvents(raws: readonly unknown[], format: SentFormat, sender: EventSender): ParsedEvent[] {
  return raws.map((raw) => allowed(readOne(raw, format, sender.tenant), sender));
}

function readOne(raw: unknown, format: SentFormat, tenant: string): ParsedEvent {
  if (format === 'cloudevents') return parseCloudEvent(raw, tenant);
  if (format === 'plain' || typeof raw !== 'string') return parseUsageEvent(raw, false, tenant);
  const fix = 'Send one JSON object per line.';
  return { ok: false, id: null, rejection: { code: 'JOB_NOT_JSON', field: '(line)', value: printable(raw), fix } };
}

function allowed(parsed: ParsedEvent, { accounts }: EventSender): ParsedEvent {
  if (!parsed.ok || accounts === undefined || accounts.has(parsed.event.account)) return parsed;
  const { id, account } = parsed.event;
  const fix = 'Send it with a key that may name the account.';
  return {
    ok: false,
    id,
    rejection: { code: 'ACCOUNT_NOT_ALLOWED', field: 'account', value: printable(account), fix },
  };
}
