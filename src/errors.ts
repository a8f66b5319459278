/**
 * The one catalogue of errors and event codes. Codes are stable: people grep logs and write handlers for them.
 * A code is never reused or renamed; retire it by leaving its line here with the word "retired".
 */

/** What the process should do about an error: `usage` exits 2, everything else exits 1. */
export type ErrorKind = 'usage' | 'config' | 'input' | 'conflict' | 'not_found' | 'denied' | 'busy' | 'infrastructure';

/** Every error code, its kind, and the default fix shown when the thrower has nothing better to say. */
export const ERROR_CATALOGUE = {
  CLI_USAGE: { kind: 'usage', fix: 'Run the command with --help for its options and examples.' },
  CONFIG_INVALID: { kind: 'config', fix: 'Correct the named variable; .env.example lists every one with its format.' },
  FILE_UNREADABLE: { kind: 'usage', fix: 'Check the path and its permissions.' },
  FILE_DAMAGED: {
    kind: 'input',
    fix: 'Fetch the file again. What was read before it broke off has been handed over; repeating it charges nothing twice.',
  },
  ENGINE_UNAVAILABLE: { kind: 'infrastructure', fix: 'Run `tollkeeper doctor` to see what is reachable.' },
  ENGINE_DISK_FULL: { kind: 'infrastructure', fix: 'Free disk space, or point TOLLKEEPER_DATA_DIR at another disk.' },
  ENGINE_PORT_IN_USE: {
    kind: 'infrastructure',
    fix: 'Stop the other program, or unset TOLLKEEPER_PORT to pick a free port.',
  },
  ENGINE_LOCKED: { kind: 'conflict', fix: 'Stop the other Tollkeeper, or use another TOLLKEEPER_DATA_DIR.' },
  ENGINE_DATA_VERSION: {
    kind: 'conflict',
    fix: 'Restore a dump of the old data into a new data directory with this version.',
  },
  DATABASE_UNREACHABLE: { kind: 'infrastructure', fix: 'Check DATABASE_URL and that PostgreSQL accepts connections.' },
  DATABASE_NOT_MIGRATED: { kind: 'infrastructure', fix: 'Run `tollkeeper migrate`.' },
  DATABASE_NEWER: {
    kind: 'infrastructure',
    fix: 'Use the release that migrated the database, or a later one; migrations are never taken back. A backup from before them works with this release.',
  },
  QUEUE_UNREACHABLE: { kind: 'infrastructure', fix: 'Check REDIS_URL and that Redis accepts connections.' },
  LANE_FENCED: { kind: 'conflict', fix: 'Another process took the lane over; this one stops writing to it.' },
  LANE_BUSY: { kind: 'conflict', fix: 'Another process owns the lane; stop it or wait for its lease to end.' },
  RULES_INVALID: { kind: 'input', fix: 'Run `tollkeeper rules check` and correct the listed places.' },
  HISTORY_EMPTY: { kind: 'input', fix: 'Give a file with usage events, or post some: docs/events.md has the format.' },
  PAYERS_INVALID: { kind: 'input', fix: 'Correct the named lines; docs/dunning-model.md has the format of payers.' },
  LABELS_INVALID: { kind: 'input', fix: 'Correct the named places; docs/backtest.md has the format of labels.' },
  WALLET_NOT_FOUND: { kind: 'not_found', fix: 'List wallets with `tollkeeper wallet list`.' },
  ACCOUNT_NOT_FOUND: { kind: 'not_found', fix: 'List accounts with `tollkeeper account list`.' },
  CONTACT_INVALID: {
    kind: 'input',
    fix: 'Correct the named value; `tollkeeper account contact --help` shows examples.',
  },
  ALERT_NOT_FOUND: { kind: 'not_found', fix: 'List alerts with `tollkeeper alert list`.' },
  DECISION_NOT_FOUND: { kind: 'not_found', fix: 'Take the id from `tollkeeper alert show`.' },
  ALERT_CLOSED: { kind: 'conflict', fix: 'Nothing is left to do; another verdict would replace this one.' },
  EVENT_NOT_FOUND: {
    kind: 'not_found',
    fix: 'Check the id and the tenant; an event that waits in its queue is not known yet.',
  },
  EVENT_NOT_POSTED: { kind: 'conflict', fix: 'Only posted usage can be corrected; see `tollkeeper events show`.' },
  EVENT_VOIDED: {
    kind: 'conflict',
    fix: 'A void is final: send the usage again under a new id if it was right after all.',
  },
  EVENT_AMBIGUOUS: { kind: 'usage', fix: 'Name one event with --source or --event-key.' },
  PRICE_UNKNOWN: { kind: 'conflict', fix: 'Add the price to pricing.yaml, or give the charge itself with --amount.' },
  OVER_LIMIT: { kind: 'conflict', fix: 'Top the account up first with `tollkeeper wallet topup`.' },
  SELECTION_TOO_WIDE: { kind: 'usage', fix: 'Narrow the selection with --from and --to, or by account, and repeat.' },
  QUANTITY_INVALID: { kind: 'usage', fix: 'Give a decimal that is not negative, for example 12.5.' },
  LEDGER_CHANGED: { kind: 'conflict', fix: 'Run `tollkeeper ledger verify`: it names what was changed.' },
  STATEMENT_INVALID: {
    kind: 'input',
    fix: 'Give a file that `tollkeeper statement ACCOUNT --proof` has printed.',
  },
  WALLET_STATE: { kind: 'conflict', fix: 'Look at the wallet with `tollkeeper wallet show` first.' },
  ACCOUNT_INVALID: { kind: 'usage', fix: 'Give the name that usage carries: 1 to 128 bytes, no control characters.' },
  AMOUNT_INVALID: { kind: 'usage', fix: 'Write money as a positive decimal with its currency, for example 20.00 USD.' },
  GRANT_EXPIRED: { kind: 'usage', fix: 'Give a date in the future, or none.' },
  REFUND_TOO_LARGE: { kind: 'conflict', fix: 'Refund at most the paid credit that is neither spent nor held.' },
  SPEND_LIMIT_REACHED: {
    kind: 'conflict',
    fix: 'Try again in the next period, or raise the limit with `tollkeeper wallet limit`.',
  },
  IDEMPOTENCY_CONFLICT: { kind: 'conflict', fix: 'Use a new idempotency key for a different request.' },
  HOLD_INVALID: { kind: 'usage', fix: 'Correct the named field; docs/ledger-holds.md lists them with examples.' },
  HOLD_NOT_FOUND: {
    kind: 'not_found',
    fix: 'Check the hold id and the account; `tollkeeper hold list` shows open ones.',
  },
  HOLD_CLOSED: { kind: 'conflict', fix: 'Nothing more can be done with this hold; place a new one for the next call.' },
  HOLD_EXPIRED: {
    kind: 'conflict',
    fix: 'Send the usage as an event instead, and give the next hold more seconds or extend it.',
  },
  CAPTURE_TOO_LARGE: {
    kind: 'conflict',
    fix: 'Capture up to captureMax and send the rest as usage, or place larger holds.',
  },
  INSUFFICIENT_FUNDS: { kind: 'conflict', fix: 'Top the wallet up, hold less, or wait for other holds to end.' },
  WALLET_FROZEN: { kind: 'conflict', fix: 'Wait until the freeze ends; `tollkeeper wallet show` says when and why.' },
  STRIPE_LISTS_UNAVAILABLE: {
    kind: 'conflict',
    fix: 'Value lists need Radar for Fraud Teams; flagged payments wait in the local queue until then.',
  },
  WEBHOOK_SIGNATURE: { kind: 'input', fix: 'Check that STRIPE_WEBHOOK_SECRET holds the secret of this endpoint.' },
  WEBHOOK_INVALID: { kind: 'input', fix: 'Send the body exactly as Stripe signed it.' },
  TOPUP_NOT_FOUND: { kind: 'not_found', fix: 'List top-ups with `tollkeeper topup list`.' },
  TOPUP_STATE: { kind: 'conflict', fix: 'Look at the top-up with `tollkeeper topup show` first.' },
  CASE_NOT_FOUND: { kind: 'not_found', fix: 'List cases with `tollkeeper stripe cases`.' },
  EPISODE_NOT_FOUND: { kind: 'not_found', fix: 'List failed top-ups with `tollkeeper dunning list`.' },
  DRAFT_NOT_FOUND: { kind: 'not_found', fix: 'List drafts with `tollkeeper dunning list`.' },
  DRAFT_STATE: { kind: 'conflict', fix: 'Look at it with `tollkeeper dunning show`.' },
  DRAFT_REFUSED: {
    kind: 'input',
    fix: 'Say it without new figures, names and links; docs/dunning.md has the rules.',
  },
  APPROVAL_NEEDED: { kind: 'denied', fix: 'Ask somebody else to look at it: `tollkeeper approval list`.' },
  APPROVAL_NOT_FOUND: { kind: 'not_found', fix: 'List what waits with `tollkeeper approval list`.' },
  APPROVAL_SAME_PERSON: { kind: 'denied', fix: 'Ask a second person to approve it.' },
  APPROVAL_STATE: {
    kind: 'conflict',
    fix: 'Look at it with `tollkeeper approval list --state all`; ask again if need be.',
  },
  CASE_STATE: { kind: 'conflict', fix: 'Look at the case with `tollkeeper case show` first.' },
  NOTIFY_OFF: { kind: 'conflict', fix: 'docs/notify.md says which variables set a channel up.' },
  MESSAGE_NOT_FOUND: { kind: 'not_found', fix: 'List messages with `tollkeeper notify list`.' },
  USAGE_EVENT_NOT_FOUND: {
    kind: 'not_found',
    fix: 'List usage events that did not arrive with `tollkeeper usage-export rejected`.',
  },
  ARCHIVE_DAY: { kind: 'conflict', fix: 'List the days with `tollkeeper archive list`.' },
  ARCHIVE_AWAY: {
    kind: 'conflict',
    fix: 'Put the file into TOLLKEEPER_ARCHIVE_DIR, or bring the day back with `tollkeeper archive restore`.',
  },
  ARCHIVE_BUSY: { kind: 'conflict', fix: 'Wait until the other process is done, then run it again.' },
  ARCHIVE_INVALID: { kind: 'input', fix: 'Bring back the file and its manifest from a copy, or write them again.' },
  REQUEST_INVALID: { kind: 'usage', fix: 'Correct the named fields; /docs shows what each route takes.' },
  BODY_NOT_JSON: { kind: 'usage', fix: 'Send JSON in UTF-8, with each field once and at most 32 levels deep.' },
  BODY_TOO_LARGE: { kind: 'usage', fix: 'Send less at a time: events in several requests, at most 10,000 in each.' },
  MEDIA_TYPE_UNKNOWN: { kind: 'usage', fix: 'Set Content-Type to one of those that the route takes.' },
  REQUEST_TIMEOUT: { kind: 'usage', fix: 'Send the whole request within 30 s of its first byte.' },
  ROUTE_NOT_FOUND: { kind: 'not_found', fix: 'Look at /docs for the routes there are, and check the method.' },
  KEY_REQUIRED: {
    kind: 'denied',
    fix: 'Send `Authorization: Bearer tk_live_…`; `tollkeeper api-key create` makes a key.',
  },
  KEY_INVALID: { kind: 'denied', fix: 'Check the key; `tollkeeper api-key list` shows which are in force.' },
  KEY_NOT_ALLOWED: { kind: 'denied', fix: 'Use a key with the scope that the message names.' },
  KEY_NOT_FOUND: { kind: 'not_found', fix: 'List keys with `tollkeeper api-key list`, and check the tenant.' },
  KEY_STATE: {
    kind: 'conflict',
    fix: 'List keys with `tollkeeper api-key list`; create a new one if none is in force.',
  },
  JOB_NOT_FOUND: {
    kind: 'not_found',
    fix: 'Jobs are kept for a day; what became of one event is told at /v1/events/{id} for good.',
  },
  TENANT_NOT_FOUND: { kind: 'not_found', fix: 'Check the name, or open the tenant with --new-tenant.' },
  TOO_MANY_REQUESTS: { kind: 'busy', fix: 'Wait as many seconds as Retry-After says, then go on more slowly.' },
  OVERLOADED: {
    kind: 'busy',
    fix: 'Wait as many seconds as Retry-After says, then send it again: nothing of it was taken.',
  },
  HTTP_ADDRESS: { kind: 'infrastructure', fix: 'Give a free port with --http-port, or turn HTTP off with --no-http.' },
  HTTP_NEEDS_KEYS: {
    kind: 'config',
    fix: 'Create a key first with `tollkeeper api-key create`, or leave --http-host out to listen on this machine alone.',
  },
  BUFFER_FULL: { kind: 'conflict', fix: 'Await `add` before sending more, or raise `bufferEventsMax`.' },
  REVIEW_OFF: {
    kind: 'config',
    fix: 'Write `review` into ruleset.yaml and set OPENAI_API_KEY or OPENAI_BASE_URL; docs/review.md has an example.',
  },
  CASES_INVALID: { kind: 'input', fix: 'Write the file again with `node fixtures/derive-injection-corpus.mjs`.' },
  STRIPE_OFF: { kind: 'config', fix: 'Set STRIPE_SECRET_KEY; docs/stripe.md says which rights the key needs.' },
  STRIPE_LIVE_KEY: {
    kind: 'config',
    fix: 'Use a key that begins with sk_test_ or rk_test_: tests and sandboxes never touch real money.',
  },
  STRIPE_UNREACHABLE: {
    kind: 'infrastructure',
    fix: 'Check the network and https://status.stripe.com; the call is safe to repeat under its idempotency key.',
  },
  STRIPE_RATE_LIMITED: { kind: 'infrastructure', fix: 'Wait and repeat; Stripe allows about 25 requests a second.' },
  STRIPE_BUSY: { kind: 'conflict', fix: 'Another request holds the same object or key; repeat in a few seconds.' },
  STRIPE_FAILED: {
    kind: 'infrastructure',
    fix: 'Repeat under the same idempotency key; https://status.stripe.com says whether Stripe has trouble.',
  },
  STRIPE_KEY_REFUSED: { kind: 'config', fix: 'Check STRIPE_SECRET_KEY; a rolled key stops working at its deadline.' },
  STRIPE_NOT_PERMITTED: {
    kind: 'conflict',
    fix: 'Give the restricted key this permission, or check that the Stripe plan includes the feature.',
  },
  STRIPE_NOT_FOUND: {
    kind: 'not_found',
    fix: 'Check that the id is of the same Stripe account and mode as STRIPE_SECRET_KEY.',
  },
  STRIPE_REFUSED: { kind: 'conflict', fix: 'Read what Stripe says about the request; the Dashboard has its log.' },
  STRIPE_IDEMPOTENCY: { kind: 'conflict', fix: 'Use a new idempotency key for a different request.' },
  STRIPE_CARD_DECLINED: { kind: 'conflict', fix: 'Ask the customer for another card, or try again later.' },
  UNEXPECTED: {
    kind: 'infrastructure',
    fix: 'Run it again with LOG_LEVEL=debug for the stack; if it stays, report it.',
  },
  PRODUCER_CLOSED: { kind: 'conflict', fix: 'Create a new producer; a closed one takes no more events.' },
} as const satisfies Record<string, { readonly kind: ErrorKind; readonly fix: string }>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** The world failed, or the caller asked for something that cannot be: carries a stable code, a fix, and its cause. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly fix: string;

  constructor(code: ErrorCode, message: string, options: { readonly fix?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.kind = ERROR_CATALOGUE[code].kind;
    this.fix = options.fix ?? ERROR_CATALOGUE[code].fix;
  }
}
