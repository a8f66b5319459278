import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Command, Option } from 'commander';
import { isTimeZone } from '../../domain/contacts/contact.ts';
import type { OutgoingMessage } from '../../domain/messages/outgoing-message.ts';
import type { Language } from '../../domain/numbers-lock/number-words.ts';
import type { Reader } from '../../domain/summaries/locale.ts';
import { AppError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { print } from '../output/print.ts';

/** Options of everything that shows a message without sending it. */
export interface PreviewOptions {
  readonly lang?: Language;
  readonly timeZone?: string;
  readonly form: 'text' | 'html' | 'slack' | 'json';
  readonly out?: string;
  readonly open?: boolean;
}

/** Adds `--lang`, `--time-zone`, `--form`, `--out` and `--open`. */
export function withPreview(command: Command): Command {
  return command
    .addOption(new Option('--lang <code>', 'language of the message').choices(['en', 'de']))
    .option('--time-zone <name>', 'zone that times are told in, such as Europe/Berlin')
    .addOption(
      new Option('--form <form>', 'which of its forms').choices(['text', 'html', 'slack', 'json']).default('text'),
    )
    .option('--out <file>', 'write it there instead of to the terminal')
    .option('--open', 'show it as a page in the browser');
}

/** The reader that options name, over what is known of them. */
export function readerOf({ lang, timeZone }: PreviewOptions, known: Reader): Reader {
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    throw new AppError('CLI_USAGE', `--time-zone: ${JSON.stringify(timeZone)} is not a time zone.`, {
      fix: 'Give a name of the IANA list, such as Europe/Berlin.',
    });
  }
  return { language: lang ?? known.language, timeZone: timeZone ?? known.timeZone };
}

/** Shows or writes one message in the form asked for. Nothing is sent. */
export async function showMessage(
  context: CliContext,
  message: OutgoingMessage,
  options: PreviewOptions & { readonly json?: boolean },
): Promise<void> {
  const { form, out, open } = options;
  const json = {
    ...message,
    attachments: message.attachments.map(({ content, ...about }) => ({ ...about, bytes: content.length })),
  };
  if (open === true || out !== undefined) {
    const asPage = open === true && form === 'text' ? 'html' : form;
    const path = resolve(out ?? join(tmpdir(), `tollkeeper-${message.messageId}.${EXTENSIONS[asPage]}`));
    await write(path, formOf(message, json, asPage));
    context.output.note(`Written to ${path}.`);
    if (open === true) openInBrowser(path);
    if (options.json === true) print(context, true, { json: { file: path, ...json }, text: '' });
    return;
  }
  if (options.json === true) return print(context, true, { json, text: '' });
  const heading = form === 'text' ? `Subject: ${message.subject}\n\n` : '';
  context.output.data(heading + formOf(message, json, form));
}

const EXTENSIONS = { text: 'txt', html: 'html', slack: 'json', json: 'json' } as const;

function formOf(message: OutgoingMessage, json: unknown, form: PreviewOptions['form']): string {
  switch (form) {
    case 'html':
      return asPage(message);
    case 'slack':
      return `${JSON.stringify({ text: message.subject, blocks: message.slackBlocks }, null, 2)}\n`;
    case 'json':
      return `${JSON.stringify(json, null, 2)}\n`;
    default:
      return message.text;
  }
}

/** The mail as one page: pictures that a mail carries beside its HTML stand inside it. */
export function asPage({ html, attachments }: OutgoingMessage): string {
  return attachments.reduce((page, { contentId, contentType, content }) => {
    if (contentId === undefined) return page;
    return page.replaceAll(
      `"cid:${contentId}"`,
      `"data:${contentType};base64,${Buffer.from(content).toString('base64')}"`,
    );
  }, html);
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw new AppError('FILE_UNREADABLE', `${path} cannot be written.`, { cause });
  }
}

function openInBrowser(path: string): void {
  const program = process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open';
  const child = spawn(program, [pathToFileURL(path).href], { stdio: 'ignore', detached: true });
  // Without a browser the file is still there, and its path has been told.
  child.on('error', () => undefined);
  child.unref();
}
