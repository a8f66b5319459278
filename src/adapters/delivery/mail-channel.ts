import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport, type SendMailOptions } from 'nodemailer';
import type { Destination } from '../../domain/delivery/routes.ts';
import type { OutgoingMessage } from '../../domain/messages/outgoing-message.ts';
import type { Channel, Sent } from '../../pipeline/delivery/delivery-port.ts';
import type { Secret } from '../../secret.ts';

const TIMEOUT_MS = 10_000;
/** For a whole mail; less than a delivery is claimed for. */
const MAIL_MS = 30_000;

export interface MailOptions {
  /** `smtp://`, `smtps://`, or `file:` and a directory that gets `.eml` files. */
  readonly server: Secret;
  readonly from: string;
  /** Who gets what is for support. */
  readonly to: readonly string[];
}

/** Mail to support, and to the customers that messages are for. */
export function mailChannels(options: MailOptions): readonly Channel[] {
  const send = senderOf(options);
  const channel = (
    destination: Destination,
    address: string,
    to: (target: string | null) => readonly string[],
  ): Channel => ({
    destination,
    address,
    async send(message, target) {
      const recipients = to(target);
      if (recipients.length === 0) return { is: 'never', because: 'nobody to write to' };
      return send(mailOf(message, options.from, recipients), message.messageId);
    },
  });
  return [
    ...(options.to.length === 0 ? [] : [channel('mail', options.to.join(', '), () => options.to)]),
    channel('customer', "each customer's address", (target) => (target === null ? [] : [target])),
  ];
}

function mailOf(message: OutgoingMessage, from: string, to: readonly string[]): SendMailOptions {
  const domain = from.slice(from.lastIndexOf('@') + 1).replace(/[^A-Za-z0-9.-]/g, '') || 'localhost';
  return {
    from,
    to: [...to],
    subject: message.subject,
    text: message.text,
    html: message.html,
    // The same message always has the same id: a mail sent twice is shown once by whoever knows it.
    messageId: `<${message.messageId}@${domain}>`,
    headers: { 'Auto-Submitted': 'auto-generated', ...(message.severity === 'severe' ? { 'X-Priority': '1' } : {}) },
    attachments: message.attachments.map(({ filename, contentType, content, contentId }) => ({
      filename,
      contentType,
      content: Buffer.from(content),
      ...(contentId === undefined ? {} : { cid: contentId, contentDisposition: 'inline' as const }),
    })),
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function senderOf({ server }: MailOptions): (mail: SendMailOptions, name: string) => Promise<Sent> {
  const address = server.reveal();
  if (address.startsWith('file:')) return fileSender(address.slice('file:'.length));
  const url = new URL(address);
  const transport = createTransport({
    host: url.hostname,
    port: url.port === '' ? (url.protocol === 'smtps:' ? 465 : 587) : Number(url.port),
    secure: url.protocol === 'smtps:',
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    ...(url.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
  });
  return async (mail) => {
    try {
      await withinTime(transport.sendMail(mail));
      return { is: 'delivered' };
    } catch (error) {
      return judge(error, url.password);
    }
  };
}

/** A server that drips its answers would otherwise outlast the claim on a delivery, and the mail would go twice. */
async function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not taken within ${MAIL_MS / 1_000} seconds`)), MAIL_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Writes the mail as it would be sent, whole or not at all. */
function fileSender(directory: string): (mail: SendMailOptions, name: string) => Promise<Sent> {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
  return async (mail, name) => {
    try {
      const { message } = await transport.sendMail(mail);
      await mkdir(directory, { recursive: true });
      const path = join(directory, `${name}.eml`);
      await writeFile(`${path}.part`, message as Buffer, { mode: 0o600 });
      await rename(`${path}.part`, path);
      return { is: 'delivered' };
    } catch (error) {
      return {
        is: 'later',
        because: error instanceof Error ? error.message : String(error),
        retryAfterMs: null,
        isAway: true,
      };
    }
  };
}

/** 5xx about a recipient or a message is final (RFC 5321, 4.2.1); anything else may go through later. */
function judge(error: unknown, password: string): Sent {
  const said = error instanceof Error ? error.message : String(error);
  const because = (password === '' ? said : said.replaceAll(decodeURIComponent(password), '…')).slice(0, 300);
  const code = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : 0;
  const isAuth = error instanceof Error && 'code' in error && error.code === 'EAUTH';
  if (code >= 500 && !isAuth) return { is: 'never', because };
  return { is: 'later', because, retryAfterMs: null, isAway: true };
}
