import { type Command, Option } from 'commander';
import { cleanText } from '../../domain/text/clean.ts';
import type { AuditLine } from '../../pipeline/statement/statement.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, timeOption, wholeNumber, withCommon, withLimit } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { table } from '../output/table.ts';
import { time } from '../output/words.ts';
import { withBooks } from '../with-books.ts';

interface AuditOptions extends CommonOptions {
  readonly limit: number;
  readonly account?: string;
  readonly actor?: string;
  readonly since?: number;
  readonly before?: number;
}

/** `audit …` */
export function registerAudit(program: Command, context: CliContext): void {
  const audit = program.command('audit').description('who changed what, when and why');
  const command = audit
    .command('list')
    .description('administrative changes, the newest first')
    .option('--account <name>', 'only this account')
    .option('--actor <name>', 'only what this person or program did')
    .addOption(new Option('--since <time>', 'a day or a time in RFC 3339').argParser(timeOption))
    .addOption(
      new Option('--before <number>', 'only lines before this one, to read on').argParser((text) =>
        wholeNumber(text, 1, 999_999_999),
      ),
    );
  withCommon(withLimit(command), [
    'tollkeeper audit list --account acme',
    'tollkeeper audit list --actor cli:ana@ops --since 2026-03-01 --json',
  ]).action(async ({ json, tenant, account, actor, since, before, limit }: AuditOptions) => {
    const lines = await withBooks(context, ({ history }) =>
      history.audit({
        tenant,
        account,
        actor,
        sinceMs: since,
        before: before === undefined ? undefined : BigInt(before),
        limit,
      }),
    );
    const last = lines.at(-1)?.auditId;
    const next = lines.length === limit && last !== undefined ? last.toString() : null;
    print(context, json, {
      json: { lines: lines.map(lineJson), next },
      text: lines.length === 0 ? 'Nobody has changed anything.' : lineTable(lines),
    });
    if (next !== null && json !== true) context.output.note(`Older lines: --before ${next}`);
  });
}

function lineJson(line: AuditLine) {
  return {
    number: line.auditId.toString(),
    at: timeField(line.atMs),
    tenant: line.tenant,
    actor: line.actor,
    action: line.action,
    subject: line.subject,
    account: line.account,
    reason: line.reason,
    key: line.key,
    lane: line.lane,
    batch: line.batchNo?.toString() ?? null,
    detail: line.detail,
  };
}

function lineTable(lines: readonly AuditLine[]): string {
  return table(
    [
      { head: 'NUMBER', align: 'right', cell: ({ auditId }) => auditId.toString() },
      { head: 'AT', cell: ({ atMs }) => time(atMs) },
      { head: 'WHO', cell: ({ actor }) => cleanText(actor) },
      { head: 'DID', cell: ({ action }) => action },
      { head: 'TO', cell: ({ account, subject }) => cleanText(account ?? subject) },
      { head: 'WHY', cell: ({ reason }) => cleanText(reason ?? '–') },
      { head: 'REQUEST', cell: ({ key }) => cleanText(key ?? '–') },
    ],
    lines,
  );
}
