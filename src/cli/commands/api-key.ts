import { type Command, InvalidArgumentError, Option } from 'commander';
import { isKeyId, KEY_BYTES, keyPartsOf } from '../../domain/api-keys/key-text.ts';
import { API_SCOPES, type ApiScope } from '../../domain/api-keys/scopes.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { HOUR_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { KeyChange } from '../../pipeline/api-keys/api-key.ts';
import { createKey, revokeKey, rotateKey } from '../../pipeline/api-keys/manage-keys.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, timeOption, wholeNumber, withCommon } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { time } from '../output/words.ts';
import { withBooks } from '../with-books.ts';
import { keyJson, keyTable, keyWords } from './api-key-view.ts';

const NAME_CHARACTERS_MAX = 100;
const OVERLAP_HOURS = 24;
/** A month: longer than anybody needs to exchange a key. */
const OVERLAP_HOURS_MAX = 720;
const REQUESTS_MAX = 10_000_000;

/** `api-key …` */
export function registerApiKey(program: Command, context: CliContext): void {
  const parent = program.command('api-key').description('who may use the HTTP API, and for what');
  registerCreate(parent, context);
  registerList(parent, context);
  registerRotate(parent, context);
  registerRevoke(parent, context);
}

interface CreateOptions extends CommonOptions {
  readonly scope: readonly ApiScope[];
  readonly account?: readonly string[];
  readonly rate?: number;
  readonly expires?: number;
  readonly newTenant?: boolean;
  readonly reason?: string;
}

function registerCreate(parent: Command, context: CliContext): void {
  const scope = new Option('--scope <names>', `what it may do: ${API_SCOPES.join(', ')}; several with commas`);
  const rate = new Option('--rate <count>', 'requests a minute; 6,000 unless given');
  const command = parent
    .command('create')
    .description('make a key; it is shown this once')
    .argument('<name>', 'what it is for', name)
    .addOption(scope.makeOptionMandatory().argParser(scopes))
    .option('--account <name>', 'the only account it may name; can be given again', repeated)
    .addOption(rate.argParser((text) => wholeNumber(text, 1, REQUESTS_MAX)))
    .addOption(new Option('--expires <date>', 'when it ends: 2027-03-01 (0:00 UTC)').argParser(timeOption))
    .option('--new-tenant', 'open the tenant if it is unknown')
    .option('--reason <text>', 'kept in the audit log');
  withCommon(command, [
    'tollkeeper api-key create gateway --scope ingest,read',
    'tollkeeper api-key create "support desk" --scope support --expires 2027-03-01',
    'tollkeeper api-key create northwind --scope admin --tenant northwind --new-tenant',
  ]).action(async (given: string, options: CreateOptions) => {
    const { tenant, scope: asScopes, account = null, rate: requestsPerMinute = null, expires = null } = options;
    const asked = { tenant, name: given, scopes: asScopes, accounts: account, requestsPerMinute, expiresAtMs: expires };
    const change = changeOf(context, options.reason);
    const created = await withBooks(context, ({ keys }) =>
      createKey(keys, asked, keyPartsOf(context.randomBytes(KEY_BYTES)), change, options.newTenant === true),
    );
    print(context, options.json, {
      json: { key: created.text, ...keyJson(created.key, change.atMs) },
      text: `${keyWords(created.key)}\n\n${created.text}\n\nKeep it now: it cannot be shown again. Send it as Authorization: Bearer …`,
    });
  });
}

function registerList(parent: Command, context: CliContext): void {
  const command = parent.command('list').description('keys of a tenant, the newest first, without their secrets');
  withCommon(command, ['tollkeeper api-key list', 'tollkeeper api-key list --tenant northwind --json']).action(
    async ({ json, tenant }: CommonOptions) => {
      const keys = await withBooks(context, (books) => books.keys.list(tenant));
      const nowMs = context.now();
      print(context, json, {
        json: { keys: keys.map((key) => keyJson(key, nowMs)) },
        text: keys.length === 0 ? 'No keys. `tollkeeper api-key create` makes one.' : keyTable(keys, nowMs),
      });
    },
  );
}

interface RotateOptions extends CommonOptions {
  readonly overlapHours: number;
  readonly reason?: string;
}

function registerRotate(parent: Command, context: CliContext): void {
  const overlap = new Option('--overlap-hours <count>', 'how long the old key works on').default(OVERLAP_HOURS);
  const command = parent
    .command('rotate')
    .description('make the successor of a key, with the same rights; the old one works on for a while')
    .argument('<key>', 'the id of the key, such as 4j0c8q2m7xva', keyId)
    .addOption(overlap.argParser((text) => wholeNumber(text, 0, OVERLAP_HOURS_MAX)))
    .option('--reason <text>', 'kept in the audit log');
  withCommon(command, [
    'tollkeeper api-key rotate 4j0c8q2m7xva',
    'tollkeeper api-key rotate 4j0c8q2m7xva --overlap-hours 0 --reason "it was in a log"',
  ]).action(async (id: string, { json, tenant, overlapHours, reason }: RotateOptions) => {
    const change = changeOf(context, reason);
    const old = { tenant, keyId: id, overlapMs: overlapHours * HOUR_MS };
    const rotated = await withBooks(context, ({ keys }) =>
      rotateKey(keys, old, keyPartsOf(context.randomBytes(KEY_BYTES)), change),
    );
    const { key, text, old: before } = rotated;
    print(context, json, {
      json: {
        key: text,
        ...keyJson(key, change.atMs),
        replaces: before.keyId,
        oldEndsAt: timeField(before.expiresAtMs),
      },
      text: `${keyWords(key)}\n\n${text}\n\nKeep it now: it cannot be shown again. ${before.keyId} ends ${time(before.expiresAtMs)}.`,
    });
  });
}

function registerRevoke(parent: Command, context: CliContext): void {
  const command = parent
    .command('revoke')
    .description('end a key at once, for good')
    .argument('<key>', 'the id of the key, such as 4j0c8q2m7xva', keyId)
    .option('--reason <text>', 'kept in the audit log');
  withCommon(command, ['tollkeeper api-key revoke 4j0c8q2m7xva --reason "it was in a log"']).action(
    async (id: string, { json, tenant, reason }: CommonOptions & { readonly reason?: string }) => {
      const change = changeOf(context, reason);
      const { key, isChanged } = await withBooks(context, ({ keys }) => revokeKey(keys, { tenant, keyId: id }, change));
      const text = isChanged
        ? `${cleanText(key.name)} (${key.keyId}) is revoked; running services refuse it within two seconds.`
        : `${cleanText(key.name)} (${key.keyId}) was revoked ${time(key.revokedAtMs)}. Nothing was changed.`;
      print(context, json, { json: { ...keyJson(key, change.atMs), changed: isChanged }, text });
    },
  );
}

function changeOf(context: CliContext, reason: string | undefined): KeyChange {
  return { actor: context.actor, reason: reason ?? null, atMs: context.now() };
}

function scopes(text: string): readonly ApiScope[] {
  const given = [...new Set(text.split(',').map((word) => word.trim()))];
  const known = API_SCOPES.filter((scope) => given.includes(scope));
  if (known.length > 0 && known.length === given.length) return known;
  throw new InvalidArgumentError(`Give ${API_SCOPES.join(', ')}, several with commas.`);
}

function repeated(text: string, before: readonly string[] = []): readonly string[] {
  if (text === '') throw new InvalidArgumentError('Give the name of an account.');
  return [...before, text];
}

function name(text: string): string {
  const isClean = cleanText(text) === text && text.trim() !== '';
  if (isClean && text.length <= NAME_CHARACTERS_MAX) return text;
  throw new InvalidArgumentError(`Give 1 to ${NAME_CHARACTERS_MAX} printable characters.`);
}

function keyId(text: string): string {
  if (isKeyId(text)) return text;
  if (text.startsWith('tk_live_'))
    throw new AppError('CLI_USAGE', 'Give the id of the key alone: what follows it is a secret.', {
      fix: 'It is the part between "tk_live_" and the next "_".',
    });
  throw new InvalidArgumentError('Give the id of a key, as `tollkeeper api-key list` shows it.');
}
