import { type Command, Option } from 'commander';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import type { MoneyCase } from '../../pipeline/stripe/money-store.ts';
import type { CliContext } from '../context.ts';
import { withJson, withLimit } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { table } from '../output/table.ts';
import { inWords, time } from '../output/words.ts';
import { withBooks } from '../with-books.ts';

interface CasesOptions {
  readonly json?: boolean;
  readonly status: 'open' | 'closed' | 'all';
  readonly limit: number;
}

/** `stripe cases` and `stripe close CASE` */
export function registerStripeCases(stripe: Command, context: CliContext): void {
  const list = stripe
    .command('cases')
    .description('what about money a person must look at, the newest first')
    .addOption(new Option('--status <status>').choices(['open', 'closed', 'all']).default('open'));
  withJson(withLimit(list), ['tollkeeper stripe cases', 'tollkeeper stripe cases --status all --json']).action(
    async ({ json, status, limit }: CasesOptions) => {
      const cases = await withBooks(context, ({ money }) =>
        money.cases(status === 'all' ? { limit } : { status, limit }),
      );
      print(context, json, {
        json: { cases: cases.map(caseJson), limit },
        text: cases.length === 0 ? 'No cases.' : caseTable(cases),
      });
    },
  );
  const close = stripe
    .command('close')
    .description('close a case that was looked at; nothing else is changed by it')
    .argument('<case>', 'a case id (cas_…)')
    .addOption(new Option('--reason <text>', 'what was found').makeOptionMandatory());
  withJson(close, ['tollkeeper stripe close cas_8k2m4q6r0t3v5x7z --reason "refunded by hand"']).action(
    async (id: string, { json, reason }: { readonly json?: boolean; readonly reason: string }) => {
      const isClosed = await withBooks(context, ({ money }) =>
        money.closeCase(id, context.actor, reason, context.now()),
      );
      if (!isClosed) throw new AppError('CASE_NOT_FOUND', `There is no open case ${JSON.stringify(id)}.`);
      print(context, json, { json: { case: id, status: 'closed', reason }, text: `Case ${id} is closed.` });
    },
  );
}

function caseJson(money: MoneyCase) {
  return {
    case: money.caseId,
    kind: money.kind,
    subject: money.subject,
    tenant: money.tenant,
    account: money.account,
    title: money.title,
    detail: money.detail,
    status: money.status,
    openedAt: timeField(money.openedAtMs),
    closedBy: money.closedBy,
    closedReason: money.closedReason,
  };
}

function caseTable(cases: readonly MoneyCase[]): string {
  return table(
    [
      { head: 'CASE', cell: ({ caseId }) => caseId },
      { head: 'WHAT', cell: ({ kind }) => inWords(kind) },
      { head: 'ACCOUNT', cell: ({ account }) => account ?? '–' },
      { head: 'SINCE', cell: ({ openedAtMs }) => time(openedAtMs) },
      { head: 'ABOUT', cell: ({ title }) => cleanText(title) },
    ],
    cases,
  );
}
