import type { QuarantineReason, RejectionCode } from './usage-event.ts';

/** Every reason usage is kept but not charged, and what to do about it. */
export const QUARANTINE_REASONS = {
  frozen: 'The wallet was frozen. A person posts or voids it with `tollkeeper wallet thaw`.',
  over_limit: 'The charge went beyond the balance and the overdraft limit. It is posted after the next top-up.',
  throttled: 'The wallet had spent what it may in this period. It is posted, oldest first, in the periods that follow.',
  unknown_meter:
    'The meter has no price at that time. It is kept and not charged. Add the price, then `tollkeeper quarantine post`.',
  too_late:
    'It happened more than 35 days before it arrived. It is kept and not charged. A person settles it with `tollkeeper quarantine`.',
  in_future:
    'Its time is more than 5 minutes ahead of ours. It is kept and not charged. Correct the clock of the source; a person can post it once its time has come.',
  altered:
    'Its id was used before, with other content. It is kept and not charged. Look at the source: this is a tampering signal.',
} as const satisfies Record<QuarantineReason, string>;

/** Every code of a rejected event or job, and its fix. A rejection itself names the field and the value as well. */
export const REJECTION_CODES = {
  EVENT_NOT_OBJECT: 'Send an object with id, source, account, meter, quantity and occurredAt.',
  EVENT_FIELD_MISSING: 'Add the field: it is required.',
  EVENT_FIELD_TYPE: 'Send names as strings, and properties as an object.',
  EVENT_FIELD_UNKNOWN: 'Move the field into properties, or remove it.',
  EVENT_TEXT_EMPTY: 'Send a text that is not empty.',
  EVENT_TEXT_TOO_LONG: 'Shorten the text: 256 bytes of UTF-8 for id, 128 for source, account and meter.',
  EVENT_TEXT_CONTROL: 'Remove control characters, text direction overrides and lone surrogates.',
  QUANTITY_NOT_DECIMAL: 'Send a decimal string such as "12.5", or a JSON number.',
  QUANTITY_NOT_FINITE: 'Send a finite decimal.',
  QUANTITY_NEGATIVE: 'Usage is never negative. To give money back, credit the account with a top-up.',
  QUANTITY_TOO_LARGE: 'Use a larger unit for the meter: at most 18 whole digits.',
  QUANTITY_TOO_PRECISE: 'Round at the source: at most 18 decimals, and 64 characters.',
  TIME_INVALID: 'Send RFC 3339 with an offset (2026-03-01T12:00:00Z), or whole epoch milliseconds.',
  SEQUENCE_INVALID: 'Send a whole number from 0 to 9007199254740991, or leave it out.',
  PROPERTIES_TOO_LARGE: 'Keep properties under 16,384 bytes; store large data elsewhere and send its id.',
  PROPERTIES_TOO_DEEP: 'Nest properties at most 8 levels.',
  TENANT_NOT_ALLOWED: 'Leave tenant out.',
  ACCOUNT_NOT_ALLOWED: 'Send it with a key that may name the account.',
  JOB_NOT_JSON: 'Send the job data as JSON; in a file, one JSON object per line.',
  JOB_SHAPE: 'Send one event, or { "v": 1, "events": [ … ] } with nothing else.',
  JOB_TOO_LARGE: 'Split the job: at most 4,194,304 bytes.',
  JOB_TOO_MANY_EVENTS: 'Split the job: at most 10,000 events.',
  AMOUNT_TOO_LARGE: 'The charge does not fit a wallet. Check the quantity and its unit.',
  EVENT_NOT_STORABLE: 'Remove what cannot be stored as text, such as NUL characters in properties.',
  JOB_FAILED: 'Report this job; it is kept whole and can be sent again.',
} as const satisfies Record<RejectionCode, string>;
