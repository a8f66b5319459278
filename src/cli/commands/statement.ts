import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { formatWalletId } from '../../domain/ids.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import { parseJsonObject } from '../../json-object.ts';
import {
  KindTotals,
  type StatementEntry,
  type StatementPoint,
  type StatementRequest,
} from '../../pipeline/statement/statement.ts';
import { type StatementFile, statementJson, statementSchema } from '../../pipeline/statement/statement-json.ts';
import { verifyStatement } from '../../pipeline/statement/verify-statement.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, timeOption, withCommon, withJson } from '../options.ts';
import { jsonText } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts, table } from '../output/table.ts';
import { time } from '../output/words.ts';
import { withBooks } from '../with-books.ts';
import { readHeadFile } from './head-file.ts';
import { csvEntry, csvHead, csvPoint } from './statement-csv.ts';
import { entryTable, noteAway } from './wallet-history.ts';

interface StatementOptions extends CommonOptions {
  readonly from?: number;
  readonly to?: number;
  readonly currency?: string;
  readonly format?: 'text' | 'csv' | 'json';
  readonly proof?: boolean;
  readonly head?: string;
}

/** Entries shown to people; files hold them all. */
const SHOWN = 50;

/** `statement ACCOUNT` and `statement verify FILE` */
export function registerStatement(program: Command, context: CliContext): void {
  const command = program
    .command('statement')
    .description('what an account was charged and credited, with balances; with a proof that needs no trust')
    .argument('<account>', 'an account, or a wallet id (wal_…)')
    .addOption(new Option('--from <time>', 'posted from then on: a day, or RFC 3339').argParser(timeOption))
    .addOption(new Option('--to <time>', 'posted before then').argParser(timeOption))
    .option('--currency <code>', 'when the account has wallets in several')
    .addOption(new Option('--format <name>', 'how to print it').choices(['text', 'csv', 'json']))
    .option('--proof', 'as JSON, with what proves it against a published head')
    .option('--head <file>', 'the published head to prove it against, as `ledger head --json` printed it');
  withCommon(command, [
    'tollkeeper statement acme --from 2026-03-01 --to 2026-04-01 --format csv > acme.csv',
    'tollkeeper statement acme --proof --head head.json > acme.json',
    'tollkeeper statement verify acme.json',
  ]).action((name: string, options: StatementOptions) => statement(context, name, options));
  registerVerify(command, context);
}

async function statement(context: CliContext, name: string, options: StatementOptions): Promise<void> {
  const { tenant, currency, from: fromMs, to: toMs } = options;
  const wallet = { tenant, name, ...(currency === undefined ? {} : { currency }) };
  const request: StatementRequest = { wallet, fromMs, toMs };
  const isJson = options.json === true || options.proof === true || options.format === 'json';
  if (options.proof === true && options.format === 'csv') {
    throw new AppError('CLI_USAGE', 'CSV has no place for a proof.', { fix: 'Leave --format away with --proof.' });
  }
  if (isJson) return printJson(context, request, options);
  return options.format === 'csv' ? printCsv(context, request) : printText(context, request);
}

async function printJson(context: CliContext, request: StatementRequest, options: StatementOptions): Promise<void> {
  const heads = options.head === undefined ? undefined : (await readHeadFile(options.head)).lanes;
  const entries: StatementEntry[] = [];
  const totals = new KindTotals();
  await withBooks(context, async ({ history }) => {
    const summary = await history.statement(request, (page) => {
      entries.push(...page);
      for (const entry of page) totals.add(entry);
    });
    const [away] = summary.away;
    if (options.proof === true && away !== undefined) {
      throw new AppError('ARCHIVE_AWAY', `Entries of ${away.day} are in an archive file that is not here.`);
    }
    const places = new Map(entries.map(({ lane, batchNo }) => [`${lane} ${batchNo}`, { lane, batchNo }]));
    const proof =
      options.proof === true ? await history.prove(summary.wallet.walletId, [...places.values()], heads) : undefined;
    const { fromMs, toMs } = request;
    const json = statementJson({ summary, fromMs, toMs, entries, totals: totals.list(), proof });
    context.output.data(jsonText(json));
  });
}

async function printCsv(context: CliContext, request: StatementRequest): Promise<void> {
  await withBooks(context, async ({ history }) => {
    const { currency } = (await history.balanceAt(request.wallet, undefined)).wallet;
    let isBegun = false;
    const begin = (opening: StatementPoint) => {
      if (!isBegun) context.output.data(`${csvHead()}\n${csvPoint('opening', opening, currency)}`);
      isBegun = true;
    };
    const { opening, closing, away } = await history.statement(request, (page) => {
      const [first] = page;
      if (first !== undefined) begin({ sequence: first.sequence - 1n, balance: first.balanceAfter - first.amount });
      context.output.data(page.map((entry) => csvEntry(entry, currency)).join('\n'));
    });
    begin(opening);
    context.output.data(csvPoint('closing', closing, currency));
    noteAway(context, away);
  });
}

async function printText(context: CliContext, request: StatementRequest): Promise<void> {
  const totals = new KindTotals();
  let shown: StatementEntry[] = [];
  let entries = 0;
  const summary = await withBooks(context, ({ history }) =>
    history.statement(request, (page) => {
      entries += page.length;
      for (const entry of page) totals.add(entry);
      shown = [...shown, ...page].slice(-SHOWN);
    }),
  );
  const { currency } = summary.wallet;
  const money = (nanos: bigint) => formatMoney(nanos, currency);
  const parts = [
    `${cleanText(summary.wallet.account)} (${formatWalletId(summary.wallet.walletId)})`,
    facts([
      ['From', request.fromMs === undefined ? 'the beginning' : time(request.fromMs)],
      ['To', request.toMs === undefined ? 'now' : time(request.toMs)],
      ['Opening balance', money(summary.opening.balance)],
      ['Closing balance', money(summary.closing.balance)],
    ]),
    totalTable(totals, currency),
    entries === 0 ? '' : entryTable(shown, currency),
  ];
  context.output.data(parts.filter((part) => part !== '').join('\n\n'));
  noteAway(context, summary.away);
  if (entries > shown.length) {
    context.output.note(
      `The last ${shown.length} of ${entries.toLocaleString('en-US')} entries; --format csv has them all.`,
    );
  }
}

function totalTable(totals: KindTotals, currency: string): string {
  const rows = totals.list();
  if (rows.length === 0) return 'Nothing was posted.';
  return table(
    [
      { head: 'KIND', cell: ({ kind }) => kind },
      { head: 'ENTRIES', align: 'right', cell: ({ entries }) => entries.toLocaleString('en-US') },
      { head: 'TOTAL', align: 'right', cell: ({ amount }) => formatMoney(amount, currency) },
    ],
    rows,
  );
}

function registerVerify(parent: Command, context: CliContext): void {
  const command = parent
    .command('verify')
    .description('check a statement with its proof; needs no database')
    .argument('<file>', 'what `statement ACCOUNT --proof` has printed')
    .option('--head <hash>', 'the head that was published: 64 hexadecimal digits, or the file of `ledger head --json`');
  withJson(command, [
    'tollkeeper statement verify acme.json',
    'tollkeeper statement verify acme.json --head head.json',
  ]).action(async (path: string, { json, head }: { readonly json?: boolean; readonly head?: string }) => {
    // The parent command takes --head and --json too, and commander gives them to whoever comes first.
    const given = head ?? parent.opts<StatementOptions>().head;
    const published = given === undefined ? undefined : await headOf(given);
    const file = await readStatement(path);
    const faults = verifyStatement(file, published);
    const proven = file.proof?.head ?? null;
    print(context, json === true || parent.opts<StatementOptions>().json === true, {
      json: { ok: faults.length === 0, account: file.account, entries: file.entries.length, head: proven, faults },
      text: verdict(file, faults, published !== undefined),
    });
    if (faults.length > 0) context.setExitCode(1);
  });
}

async function headOf(given: string): Promise<string> {
  return /^[0-9a-f]{64}$/.test(given) ? given : (await readHeadFile(given)).hash;
}

async function readStatement(path: string): Promise<StatementFile> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('FILE_UNREADABLE', `${path} cannot be read.`, { cause });
  });
  const parsed = statementSchema.safeParse(parseJsonObject(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue === undefined || issue.path.length === 0 ? 'the file' : issue.path.join('.');
  throw new AppError('STATEMENT_INVALID', `${path} is no statement: ${field}: ${issue?.message ?? 'unreadable'}.`);
}

function verdict(file: StatementFile, faults: readonly string[], isPublished: boolean): string {
  const { proof, account, entries, closing, currency } = file;
  if (faults.length > 0) return [...faults.map((fault) => `✗ ${cleanText(fault)}`), 'Not proven.'].join('\n');
  const about = `✓ ${entries.length.toLocaleString('en-US')} entries of ${cleanText(account)} add up to ${formatMoney(closing.balanceNanos, currency)} and are part of the ledger with head`;
  const next = isPublished
    ? 'It is the head you gave.'
    : 'Compare it with the head that was published, or give that with --head.';
  return `${about}\n  ${proof?.head ?? ''}\n${next}`;
}
