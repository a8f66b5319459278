type JsonObject = { readonly [key: string]: unknown };

/** What a message is about; routing, digests and quiet hours go by it. */
export type MessageKind = 'alert' | 'digest' | 'low_balance' | 'dunning' | 'case' | 'test';

/** `severe` messages leave at once, whatever the hour; others may wait for a digest or for the morning. */
export type MessageSeverity = 'severe' | 'normal';

/** A picture or file that goes with a message. An inline picture is shown where the HTML says `cid:` and its id. */
export interface MessageAttachment {
  /** Letters, digits, dot and hyphen only. */
  readonly filename: string;
  readonly contentType: 'image/png' | 'image/svg+xml' | 'text/plain' | 'text/csv';
  readonly content: Uint8Array;
  /** Set for a picture inside the HTML. */
  readonly contentId?: string;
}

/**
 * A message written and ready for any channel: each channel takes the form it can show. Text that customers control is
 * already escaped for the form it stands in; the subject is one line without control characters.
 */
export interface OutgoingMessage {
  readonly kind: MessageKind;
  readonly severity: MessageSeverity;
  /** The same cause gives the same id, so that whoever sends it twice is heard once. At most 200 characters of `A-Za-z0-9._-`. */
  readonly messageId: string;
  readonly subject: string;
  /** The whole message as plain text: what a terminal, a mail reader without HTML and Slack's notification show. */
  readonly text: string;
  readonly html: string;
  /** Block Kit blocks for Slack, at most 50. */
  readonly slackBlocks: readonly JsonObject[];
  /** What a signed webhook carries: `type` such as `alert.raised`, and the facts as JSON with money as decimal strings. */
  readonly event: { readonly type: string; readonly data: JsonObject };
  readonly attachments: readonly MessageAttachment[];
}
