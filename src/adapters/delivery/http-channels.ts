import { createHmac } from 'node:crypto';
import type { OutgoingMessage } from '../../domain/messages/outgoing-message.ts';
import { formatIso } from '../../domain/time.ts';
import type { Channel } from '../../pipeline/delivery/delivery-port.ts';
import type { Secret } from '../../secret.ts';
import { post } from './outgoing-http.ts';

const SLACK_TEXT_MAX = 3_000;

/** An incoming webhook of Slack: blocks, with the text for notifications. The address itself is the secret. */
export function slackChannel(options: { readonly url: Secret; readonly allowPrivate: boolean }): Channel {
  const url = new URL(options.url.reveal());
  return {
    destination: 'slack',
    address: `${url.origin}/…`,
    async send(message) {
      const text = slackText(`${message.subject}\n${message.text}`).slice(0, SLACK_TEXT_MAX);
      const body = JSON.stringify({ text, blocks: message.slackBlocks });
      const headers = { 'content-type': 'application/json' };
      return post({ url, body, headers, allowPrivate: options.allowPrivate });
    },
  };
}

/** Slack reads three characters as its own (docs.slack.dev, "Formatting text"). */
function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

export interface WebhookOptions {
  readonly url: string;
  /** `whsec_` and base64; the first signs, and so do the others while one is replaced. */
  readonly secrets: readonly Secret[];
  readonly allowPrivate: boolean;
}

/** A signed webhook after Standard Webhooks: id, time and signature in headers, the facts as JSON. */
export function webhookChannel({ url: address, secrets, allowPrivate }: WebhookOptions): Channel {
  const url = new URL(address);
  return {
    destination: 'webhook',
    address: url.origin,
    send(message, _target, nowMs) {
      const body = webhookBody(message, nowMs);
      const timestamp = String(Math.floor(nowMs / 1_000));
      const id = `msg_${message.messageId}`;
      const signature = secrets.map((secret) => sign(secret, `${id}.${timestamp}.${body}`)).join(' ');
      return post({
        url,
        body,
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': signature,
        },
        allowPrivate,
      });
    },
  };
}

function webhookBody({ event }: OutgoingMessage, nowMs: number): string {
  return JSON.stringify({ type: event.type, timestamp: formatIso(nowMs), data: event.data });
}

/** standard-webhooks 1.0.0, "Signature scheme": v1 is HMAC-SHA256 over id, timestamp and body. */
function sign(secret: Secret, signed: string): string {
  const key = Buffer.from(secret.reveal().replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}
